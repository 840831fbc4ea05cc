import { MillraceError, type ErrorType, type Position } from '../../schemas/errors.js';

/** Where a server is, as errors name it: without user and password. */
export interface PostgresAddress {
  host: string;
  port: number;
  database: string;
}

const NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/;
const BROKEN = /Connection terminated|timeout expired|connection error|not queryable|does not support SSL/i;
const CERTIFICATE = /^(DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS_CERT_|HOSTNAME_MISMATCH)/;

/** By SQLSTATE or its class (two characters). Whatever is not named is a fault of the statement. */
const STATES: Record<string, { type: ErrorType; fix: string }> = {
  '28': {
    type: 'AccessDenied',
    fix: 'Check user and password of the warehouse, and pg_hba.conf of the server for this host',
  },
  '42501': { type: 'AccessDenied', fix: "Grant it to the warehouse's user, or name another role" },
  '3D000': {
    type: 'ProjectInvalid',
    fix: 'Create the database, or name another in the settings of the warehouse',
  },
  '40001': { type: 'CommitConflict', fix: 'The transaction is tried again' },
  '40P01': { type: 'CommitConflict', fix: 'The transaction is tried again' },
  '55P03': {
    type: 'CommitConflict',
    fix: 'The transaction is tried again; what holds the lock is in pg_locks',
  },
  '53100': { type: 'DiskFull', fix: 'Free space on the server; what was published is intact' },
  '53': {
    type: 'WarehouseUnavailable',
    fix: 'It is tried again; give the server more connections or memory if it repeats',
  },
  '57P': { type: 'WarehouseUnavailable', fix: 'It is tried again; see the log of the server if it repeats' },
  '58': { type: 'WarehouseUnavailable', fix: 'It is tried again; see the log of the server if it repeats' },
  '08': { type: 'WarehouseUnavailable', fix: 'It is tried again; see the log of the server if it repeats' },
};

/** Two sessions made the same schema, table or type: the unique indexes of the catalog say so. */
const CATALOG_RACE = /"pg_(namespace|class|type|proc)_\w*index"|tuple concurrently (updated|deleted)/;

interface ServerError extends Error {
  code?: string;
  /** 1-based character of the statement */
  position?: string;
  detail?: string;
  hint?: string;
}

/** What PostgreSQL, the network or TLS said about a statement, as the error its reader needs. */
export function postgresError(cause: unknown, sql: string | null, address: PostgresAddress): unknown {
  if (cause instanceof MillraceError || !(cause instanceof Error)) return cause;
  const { code = '', message, position, detail, hint } = cause as ServerError;
  const server = { path: `${address.host}:${address.port}/${address.database}` };
  const error = (type: ErrorType, what: string, where: Position, fix?: string): MillraceError =>
    new MillraceError(type, { what, where, ...(fix !== undefined && { fix }), cause });

  if (CERTIFICATE.test(code))
    return error(
      'CertificateInvalid',
      `The server's certificate is refused: ${message}`,
      server,
      'Name its authority (sslrootcert), and the host as the certificate does',
    );
  if (NETWORK.test(code) || BROKEN.test(message))
    return error(
      'WarehouseUnavailable',
      `The PostgreSQL server cannot be reached: ${message}`,
      server,
      'It is tried again; if it repeats, check host, port, sslmode and firewall',
    );
  if (!/^[0-9A-Z]{5}$/.test(code)) return cause;
  if (CATALOG_RACE.test(message))
    return error('CommitConflict', `Another session changed the same relation: ${message}`, server);
  const known = STATES[code] ?? STATES[code.slice(0, 3)] ?? STATES[code.slice(0, 2)];
  if (known) return error(known.type, `PostgreSQL refuses: ${message} (SQLSTATE ${code})`, server, known.fix);
  const what = [message, detail].filter(Boolean).join('\n');
  return error('SqlError', what, place(sql, position), hint);
}

function place(sql: string | null, position: string | undefined): Position {
  if (sql === null) return {};
  if (position !== undefined)
    return { line: sql.slice(0, Number(position) - 1).split('\n').length, path: 'the SQL statement' };
  return sql.length <= 200 ? { path: sql } : {};
}
