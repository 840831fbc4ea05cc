import { createHash } from 'node:crypto';
import { MillraceError } from '../../../schemas/errors.js';

export interface KnownKeys {
  /** `SHA256:…` as OpenSSH shows them */
  fingerprints: string[];
  /** algorithms of the keys that are known whole: a server that has several keys is asked for one of these */
  algorithms: string[];
}

const KEY = /(ssh-[\w-]+|ecdsa-sha2-[\w-]+|sk-[\w@.-]+)\s+(AAAA[A-Za-z0-9+/]+={0,3})/;
const FINGERPRINT = /SHA256:([A-Za-z0-9+/]{43})=?/;

/** @param key in the wire format of SSH @returns as `ssh-keygen -l` prints it */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/**
 * Reads declared host keys: fingerprints, keys as in `ssh-ed25519 AAAA…`, or what `ssh-keyscan` prints, several lines too.
 * @throws MillraceError ProjectInvalid
 */
export function readHostKeys(declared: string | string[]): KnownKeys {
  const known: KnownKeys = { fingerprints: [], algorithms: [] };
  const lines = [declared].flat().flatMap((text) => text.split('\n'));
  for (const line of lines
    .map((text) => text.trim())
    .filter((text) => text !== '' && !text.startsWith('#'))) {
    const [, algorithm, base64] = KEY.exec(line) ?? [];
    const [, hash] = FINGERPRINT.exec(line) ?? [];
    if (algorithm !== undefined && base64 !== undefined) {
      known.fingerprints.push(fingerprint(Buffer.from(base64, 'base64')));
      // one RSA key serves for three algorithms, the newer ones first
      known.algorithms.push(
        ...(algorithm === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', algorithm] : [algorithm]),
      );
    } else if (hash !== undefined) {
      known.fingerprints.push(`SHA256:${hash}`);
    } else {
      throw new MillraceError('ProjectInvalid', {
        what: `The host key '${line.slice(0, 80)}' is neither a key nor a fingerprint`,
        fix: "Write it as ssh-keyscan prints it ('ssh-ed25519 AAAA…') or as ssh-keygen -l does ('SHA256:…')",
      });
    }
  }
  return known;
}

/** @param shown the server's key, undefined before it has shown one */
export const hostKeyMismatch = (host: string, shown: string, { fingerprints }: KnownKeys): MillraceError =>
  new MillraceError('HostKeyMismatch', {
    what: `The server shows the host key ${shown}, and the project knows ${fingerprints.join(', ')}`,
    where: { file: host },
    fix: 'Ask its operator whether the key was changed. If so, put the new one beside the old one in hostKey; if not, something stands between you and the server. Nothing was sent to it',
  });
