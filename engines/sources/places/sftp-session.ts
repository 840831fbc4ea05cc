import { once } from 'node:events';
import { Client, type ConnectConfig, type FileEntryWithStats, type SFTPWrapper, type Stats } from 'ssh2';
import { MillraceError } from '../../../schemas/errors.js';
import type { SftpPlace } from '../../../schemas/place.js';
import { fingerprint, hostKeyMismatch, readHostKeys } from './host-key.js';

const CONNECT_MS = 20_000;
/** A server that leaves three of these unanswered is gone; without them a dead connection would wait for hours. */
const KEEPALIVE_MS = 10_000;
const UNANSWERED = 3;

const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;

/** What is needed of the protocol, as promises. A broken connection rejects whatever is under way. */
export interface SftpSession {
  readdir(path: string): Promise<FileEntryWithStats[]>;
  stat(path: string): Promise<Stats>;
  open(path: string): Promise<Buffer>;
  fstat(handle: Buffer): Promise<Stats>;
  /** @returns bytes read, 0 at the end */
  read(handle: Buffer, into: Buffer, length: number, position: number): Promise<number>;
  /** lets go of it, without waiting */
  close(handle: Buffer): void;
  readonly broken: boolean;
  end(): void;
  /** ends it at once; what is under way is rejected */
  destroy(): void;
}

export const addressOf = ({ user, host, port }: SftpPlace): string => `sftp://${user}@${host}:${port}`;

/**
 * Connects, and proves the server's host key before anything is sent to it.
 * @throws MillraceError HostKeyMismatch, AccessDenied, ServerUnsuitable, ProjectInvalid, SecretUnresolved, Unavailable
 */
export async function connectSftp(
  spec: SftpPlace,
  secret: (reference: string) => Promise<string>,
  signal?: AbortSignal,
): Promise<SftpSession> {
  signal?.throwIfAborted();
  const known = readHostKeys(spec.hostKey);
  const login = await credentials(spec, secret);
  const client = new Client();
  let refusal: MillraceError | undefined;
  let broken = false;
  const breaks = (): void => void (broken = true);
  // the listener for errors stays: what is under way is told of them, and without one they would end the process
  client.on('end', breaks).on('close', breaks).on('error', breaks);
  const abort = (): void => void client.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  client.on('close', () => signal?.removeEventListener('abort', abort));
  // asked for instead of a password where a server wants it typed
  client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) => {
    if (prompts.length > 1 || /new password|expired/i.test(prompts[0]?.prompt ?? '')) refusal = expired(spec);
    answer(refusal ? [] : prompts.map(() => login.password ?? ''));
  });
  client.on('change password', () => {
    refusal = expired(spec);
    client.destroy();
  });
  try {
    const ready = once(client, 'ready');
    client.connect({
      ...{
        host: spec.host,
        port: spec.port,
        username: spec.user,
        ...login,
        tryKeyboard: login.password !== undefined,
      },
      ...{ readyTimeout: CONNECT_MS, keepaliveInterval: KEEPALIVE_MS, keepaliveCountMax: UNANSWERED },
      // a server that has several keys shows the first that is asked for
      ...(known.algorithms.length > 0 && {
        algorithms: {
          serverHostKey: { remove: known.algorithms, prepend: known.algorithms, append: [] },
        } as ConnectConfig['algorithms'],
      }),
      hostVerifier: (key: Buffer) => {
        const shown = fingerprint(key);
        if (known.fingerprints.includes(shown)) return true;
        refusal = hostKeyMismatch(addressOf(spec), shown, known);
        return false;
      },
    });
    // every answer is waited for, so it may not wait for another packet to fill up
    client.setNoDelay(true);
    await ready;
    const ask = asking(client, () => broken);
    return session(client, await ask<SFTPWrapper>((done) => client.sftp(done)), ask, () => broken);
  } catch (error) {
    client.destroy();
    signal?.throwIfAborted();
    throw refusal ?? explainSftp(error, spec);
  }
}

async function credentials(
  spec: SftpPlace,
  secret: (reference: string) => Promise<string>,
): Promise<Pick<ConnectConfig, 'password' | 'privateKey' | 'passphrase'>> {
  if (spec.password === undefined && spec.privateKey === undefined) {
    throw new MillraceError('ProjectInvalid', {
      ...{ what: 'The SFTP place has neither password nor privateKey', where: { file: addressOf(spec) } },
      fix: "Name one: password: 'env:SFTP_PASSWORD' or privateKey: 'file:/run/secrets/sftp_key'",
    });
  }
  return {
    ...(spec.password !== undefined && { password: await secret(spec.password) }),
    ...(spec.privateKey !== undefined && { privateKey: `${(await secret(spec.privateKey)).trim()}\n` }),
    ...(spec.passphrase !== undefined && { passphrase: await secret(spec.passphrase) }),
  };
}

type Done<T> = (error: Error | undefined | null, answer: T) => void;
type Ask = <T>(send: (done: Done<T>) => void) => Promise<T>;

/** The library leaves unanswered what is asked in the moment in which a connection breaks. */
function asking(client: Client, isBroken: () => boolean): Ask {
  const waiting = new Set<(error: Error) => void>();
  const closed = (): Error => new Error('the connection was closed');
  client.on('close', () => {
    for (const fail of waiting) fail(closed());
    waiting.clear();
  });
  return (send) =>
    new Promise((resolve, reject) => {
      if (isBroken()) return reject(closed());
      waiting.add(reject);
      send((error, answer) => {
        waiting.delete(reject);
        if (error) reject(error);
        else resolve(answer);
      });
    });
}

function session(client: Client, sftp: SFTPWrapper, ask: Ask, isBroken: () => boolean): SftpSession {
  return {
    readdir: (path) => ask((done) => sftp.readdir(path, done)),
    stat: (path) => ask((done) => sftp.stat(path, done)),
    open: (path) => ask((done) => sftp.open(path, 'r', done)),
    fstat: (handle) => ask((done) => sftp.fstat(handle, done)),
    read: (handle, into, length, position) =>
      ask((done) => sftp.read(handle, into, 0, length, position, done)),
    close: (handle) => {
      if (!isBroken()) sftp.close(handle, () => undefined);
    },
    get broken() {
      return isBroken();
    },
    end: () => void client.end(),
    destroy: () => void client.destroy(),
  };
}

interface SshError extends Error {
  /** of the connection */
  level?: string;
  /** number of an SFTP status, name of a system's error */
  code?: number | string;
}

export const isGone = (error: unknown): boolean => (error as SshError).code === NO_SUCH_FILE;

const expired = (spec: SftpPlace): MillraceError =>
  new MillraceError('AccessDenied', {
    ...{ what: `The password of '${spec.user}' has expired`, where: { file: addressOf(spec) } },
    fix: 'Have it changed, give the worker the new one, and start the run again',
  });

/** What the library or the server says, as an error that says what to do. Errors of the project itself pass. */
export function explainSftp(error: unknown, spec: SftpPlace, path = ''): unknown {
  if (!(error instanceof Error) || error instanceof MillraceError) return error;
  const { level, code, message } = error as SshError;
  const where = { file: `${addressOf(spec)}${path === '' ? '' : `/${path.replace(/^\//, '')}`}` };
  if (level === 'client-authentication') {
    return new MillraceError('AccessDenied', {
      ...{
        what: `The server refuses '${spec.user}': wrong password or key, or a locked account`,
        where,
        cause: error,
      },
      fix: 'Check user, password or privateKey with sftp on the command line. Nothing was tried again, so that the account is not locked',
    });
  }
  if (/privateKey|passphrase/i.test(message)) {
    return new MillraceError('AccessDenied', {
      ...{ what: `The private key cannot be used: ${message}`, where, cause: error },
      fix: 'Give it in OpenSSH or PEM form, with its passphrase if it has one',
    });
  }
  if (level === 'handshake' && /no matching/i.test(message)) {
    return new MillraceError('ServerUnsuitable', {
      ...{ what: `The server has no algorithm in common with this client: ${message}`, where, cause: error },
      fix: 'Have its SSH server updated, or allow a current key exchange, cipher and host key there',
    });
  }
  if (code === PERMISSION_DENIED) {
    return new MillraceError('AccessDenied', {
      ...{ what: `'${spec.user}' may not read this`, where, cause: error },
      fix: 'Have the permission granted, or correct folder or path',
    });
  }
  if (code === NO_SUCH_FILE) {
    return new MillraceError('SourceMissing', {
      ...{ what: 'The file was there when it was listed, and is gone', where, cause: error },
      fix: 'Keep delivered files until a run has read them; start the run again for the others',
    });
  }
  return new MillraceError('Unavailable', {
    ...{ what: `The SFTP server cannot be reached, or broke off: ${message}`, where, cause: error },
    fix: 'Check host, port and network if it stays so; the retry goes on where this stopped',
  });
}
