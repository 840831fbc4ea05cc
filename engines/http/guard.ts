import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';
import { MillraceError } from '../../schemas/errors.js';
import { refusalOf } from './address.js';

/** All addresses of a host. */
export type Resolve = (host: string) => Promise<{ address: string; family: 4 | 6 }[]>;

export interface GuardOptions {
  /** `host` or `host:port`, names or addresses, that may be private */
  allowPrivate: string[];
  /** milliseconds to connect, name lookup and TLS included */
  timeoutMs: number;
  /** by default the system's resolver */
  resolve?: Resolve | undefined;
  /** a certificate authority (PEM) trusted besides the known ones */
  ca?: string | undefined;
}

/**
 * Opens sockets to public addresses only. Names are resolved once, here; what was judged is what the socket connects to,
 * so a name that changes its address between a check and its use gains nothing. Redirects open their sockets here, too.
 *
 * @throws (to the callback) MillraceError AddressForbidden
 */
export function guardedConnector({
  allowPrivate,
  timeoutMs,
  resolve = resolveBySystem,
  ca,
}: GuardOptions): buildConnector.connector {
  const allowed = new Set(allowPrivate.map((name) => name.toLowerCase().replace(/\.$/, '')));
  return (options, callback) => {
    const host = bare(options.hostname);
    const port = options.port || (options.protocol === 'https:' ? '443' : '80');
    const judge = (addresses: string[]): MillraceError | undefined =>
      judgeAll(host, port, addresses, allowed);
    const lookup: LookupFunction = (_host, { all }, done) => {
      resolve(host).then(
        (found) => {
          const refused = judge(found.map(({ address }) => address));
          const first = found[0];
          if (refused || !first) done(refused ?? notFound(host), '', 4);
          else if (all) done(null, found);
          else done(null, first.address, first.family);
        },
        (error: unknown) => done(error as NodeJS.ErrnoException, '', 4),
      );
    };
    // a socket resolves names only
    const refused = ipaddr.isValid(host) ? judge([host]) : undefined;
    if (refused) return callback(refused, null);
    const connect = buildConnector({
      timeout: timeoutMs,
      lookup,
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    });
    connect(options, (...[error, socket]) => {
      if (error) return callback(error, null);
      // what holds whatever the layers between have done
      const late = judge([socket.remoteAddress ?? '']);
      if (!late) return callback(null, socket);
      socket.destroy();
      callback(late, null);
    });
  };
}

function judgeAll(
  host: string,
  port: string,
  addresses: string[],
  allowed: ReadonlySet<string>,
): MillraceError | undefined {
  const named = allowed.has(host) || allowed.has(`${host}:${port}`);
  for (const address of addresses) {
    const refusal = refusalOf(address);
    if (!refusal || (named && (refusal.byName || host === address))) continue;
    return new MillraceError('AddressForbidden', {
      what: `${host} is at ${address}, which is no public address (${refusal.range})`,
      fix: refusal.byName
        ? `If the project may reach it, name it: allowPrivate: ['${host}']`
        : 'Requests never go there. Check the address, and who controls that name',
    });
  }
  return undefined;
}

const bare = (hostname: string): string =>
  hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();

const notFound = (host: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' });

const resolveBySystem: Resolve = (host) =>
  new Promise((done, failed) => {
    systemLookup(host, { all: true }, (error, found) => {
      if (error) failed(error);
      else done(found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 })));
    });
  });
