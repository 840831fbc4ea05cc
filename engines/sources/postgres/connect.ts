import { readFile } from 'node:fs/promises';
import { connect as openSocket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { MillraceError } from '../../../schemas/errors.js';
import { asSourceError, NO_TLS, type Address } from './source-errors.js';

export interface ConnectOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=/path` */
  url: string;
  /** aborts a running statement on the server, too */
  signal?: AbortSignal | undefined;
  /** a walsender, which takes replication commands beside SQL */
  replication?: boolean;
}

const CONNECT_MS = 15_000;
const KEEPALIVE_MS = 10_000;

/**
 * How the server writes values in this session, whatever its own defaults: the types of bronze are read from these
 * texts. A copy may take hours, so a role's statement timeout does not count; waiting for a lock may not.
 */
const SESSION = [
  ...["DateStyle = 'ISO, YMD'", "IntervalStyle = 'postgres'", "TimeZone = 'UTC'", 'extra_float_digits = 1'],
  ...["bytea_output = 'hex'", 'statement_timeout = 0', 'idle_in_transaction_session_timeout = 0'],
  ...["lock_timeout = '60s'", 'row_security = off'],
];

/** Lends a session and ends it whatever happens. @throws as {@link openPostgres} and what `work` throws, classified */
export async function withPostgres<T>(
  options: ConnectOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await openPostgres(options);
  try {
    return await work(client);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw asSourceError(error, addressOf(options.url));
  } finally {
    await client.end().catch(() => undefined); // it may have gone already
  }
}

/**
 * Opens a session. An aborted signal cancels what it runs on the server and closes it.
 * @throws MillraceError AccessDenied, CertificateInvalid, SourceMissing (no such database), Unavailable
 */
export async function openPostgres({ url, signal, replication }: ConnectOptions): Promise<pg.Client> {
  signal?.throwIfAborted();
  const { config, mode } = await parseUrl(url);
  const attempt = (ssl: ConnectionOptions | false): Promise<pg.Client> =>
    connect({ ...config, ssl, ...(replication && { replication: 'database' }) }, signal);
  try {
    return await attempt(config.ssl as ConnectionOptions | false);
  } catch (error) {
    signal?.throwIfAborted();
    // `prefer` means: encrypted where the server can
    const plain = mode === 'prefer' && error instanceof Error && NO_TLS.test(error.message);
    if (!plain) throw asSourceError(error, addressOf(url));
    return await attempt(false).catch((second: unknown) => {
      signal?.throwIfAborted();
      throw asSourceError(second, addressOf(url));
    });
  }
}

async function connect(config: pg.ClientConfig, signal: AbortSignal | undefined): Promise<pg.Client> {
  const client = new pg.Client(config);
  // a connection that breaks between statements must not end the process; the next statement reports it
  client.on('error', () => undefined);
  const abort = (): void => {
    cancelStatement(client, config);
    client.connection.stream.destroy(new Error('aborted'));
  };
  signal?.addEventListener('abort', abort, { once: true });
  client.once('end', () => signal?.removeEventListener('abort', abort));
  try {
    await client.connect();
    await client.query(SESSION.map((setting) => `SET ${setting}`).join('; '));
    return client;
  } catch (error) {
    client.connection.stream.destroy();
    throw error;
  }
}

/** The protocol's own way: a connection that names the session and its key; nothing answers. */
function cancelStatement(client: pg.Client, { host, port }: pg.ClientConfig): void {
  const { processID, secretKey } = client as unknown as {
    processID: number | null;
    secretKey: number | null;
  };
  if (processID === null || secretKey === null || host === undefined || port === undefined) return;
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(80_877_102, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const socket = host.startsWith('/') ? openSocket(`${host}/.s.PGSQL.${port}`) : openSocket(port, host);
  socket.on('error', () => undefined);
  socket.end(request);
}

/** @throws MillraceError ProjectInvalid when the text is no address; the text itself is never shown */
export function addressOf(url: string): Address {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new MillraceError('ProjectInvalid', {
      what: 'The URL of the PostgreSQL source is no address of a database',
      fix: 'Write postgres://user:password@host:port/database, special characters in the password as %XX',
    });
  }
  const host = parsed.searchParams.get('host') ?? decodeURIComponent(parsed.hostname);
  return {
    host: host.replace(/^\[(.+)\]$/, '$1') || 'localhost',
    port: Number(parsed.port || (parsed.searchParams.get('port') ?? 5432)),
    database: decodeURIComponent(parsed.pathname.slice(1)) || decodeURIComponent(parsed.username),
  };
}

const MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof MODES)[number];

async function parseUrl(url: string): Promise<{ config: pg.ClientConfig; mode: SslMode }> {
  const { host, port, database } = addressOf(url);
  const { username, password, searchParams } = new URL(url);
  const mode = (searchParams.get('sslmode') ?? 'prefer') as SslMode;
  if (!MODES.includes(mode)) {
    throw new MillraceError('ProjectInvalid', {
      what: `'${mode}' is no sslmode`,
      fix: `Use one of ${MODES.join(', ')}`,
    });
  }
  const config: pg.ClientConfig = {
    ...{ host, port, database },
    user: decodeURIComponent(username),
    // an empty one is asked for in a file of the user's home otherwise
    password: decodeURIComponent(password),
    application_name: searchParams.get('application_name') ?? 'millrace',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    ssl: host.startsWith('/') ? false : await tlsOf(mode, searchParams),
  };
  return { config, mode };
}

/** The meaning of each mode is libpq's: only the two `verify` modes, or a given authority, prove who the server is. */
async function tlsOf(mode: SslMode, parameters: URLSearchParams): Promise<ConnectionOptions | false> {
  if (mode === 'disable') return false;
  const read = async (name: string): Promise<string | undefined> => {
    const path = parameters.get(name);
    if (path === null || path === 'system') return undefined;
    return readFile(path, 'utf8').catch((cause: unknown) => {
      throw new MillraceError('SecretUnresolved', {
        what: `The file '${path}' of ${name} cannot be read`,
        fix: 'It must lie on the worker, readable by it',
        cause,
      });
    });
  };
  const [ca, cert, key] = [await read('sslrootcert'), await read('sslcert'), await read('sslkey')];
  const verified = mode.startsWith('verify') || (mode === 'require' && ca !== undefined);
  return {
    rejectUnauthorized: verified,
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
