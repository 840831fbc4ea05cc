import { MillraceError, type ErrorType } from '../../../schemas/errors.js';

/** Where a server is, as errors and rows name it: without user and password. */
export interface Address {
  host: string;
  port: number;
  database: string;
}

/** What pg says when the server answers a request for TLS with no. */
export const NO_TLS = /does not support SSL/i;

const CERTIFICATE =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_|INVALID_CA|HOSTNAME_MISMATCH)/;
const NETWORK =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ECONNABORTED)$/;
const BROKEN =
  /Connection terminated|timeout expired|Client has encountered a connection error|not queryable/i;

/** By SQLSTATE or its class (two characters). */
const STATES: Record<string, { type: ErrorType; fix: string }> = {
  '28': {
    type: 'AccessDenied',
    fix: 'Check user, password (has it expired? `SELECT rolvaliduntil FROM pg_roles`) and pg_hba.conf for this host',
  },
  '42501': { type: 'AccessDenied', fix: 'Grant it to the user of the source, for example GRANT SELECT ON …' },
  '3D000': { type: 'SourceMissing', fix: 'Check the database in the URL of the source' },
  '3F000': { type: 'SourceMissing', fix: 'Check the schema of the stream’s table' },
  '42P01': { type: 'SourceMissing', fix: 'Check the stream’s table; was it renamed or dropped?' },
  '42703': { type: 'ColumnMissing', fix: 'Check select, key, cursor and where of the stream' },
  '42': {
    type: 'ProjectInvalid',
    fix: 'Check `where` and the names of the stream: they become part of the query',
  },
  '22': { type: 'SourceUnreadable', fix: 'Check `where` and the cursor’s value of the stream' },
  '0A': { type: 'Unsupported', fix: 'The server cannot do that; its version may be too old' },
  XX: { type: 'SourceUnreadable', fix: 'The server reports damage: see its log before anything else' },
};

/**
 * What PostgreSQL, the network or TLS report, in the types of this project. Anything of the server that a later
 * attempt may not meet (restart, too many connections, a lock, a full disk) is `Unavailable`. Never shows the URL.
 */
export function asSourceError(error: unknown, { host, port, database }: Address): unknown {
  if (error instanceof MillraceError || !(error instanceof Error)) return error;
  const where = { path: `${host}:${port}/${database}` };
  const { code, message } = error as Error & { code?: string };
  if (NO_TLS.test(message)) {
    return new MillraceError('CertificateInvalid', {
      what: 'The server has no TLS, and the URL asks for it',
      where,
      fix: 'Turn TLS on in the server, or say sslmode=disable where the network is trusted',
      cause: error,
    });
  }
  if (code !== undefined && CERTIFICATE.test(code)) {
    return new MillraceError('CertificateInvalid', {
      what: `The server’s certificate is refused: ${message}`,
      where,
      fix: 'Did the certificate change? Name its authority with sslrootcert=/path in the URL, and the host as the certificate does',
      cause: error,
    });
  }
  if ((code !== undefined && NETWORK.test(code)) || BROKEN.test(message)) {
    return new MillraceError('Unavailable', {
      what: `The PostgreSQL server cannot be reached: ${message}`,
      where,
      fix: 'It is tried again; if it repeats, check host, port and firewall',
      cause: error,
    });
  }
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return error;
  const known = STATES[code] ?? STATES[code.slice(0, 2)];
  return new MillraceError(known?.type ?? 'Unavailable', {
    what: `PostgreSQL refuses: ${message} (SQLSTATE ${code})`,
    where,
    fix: known?.fix ?? 'It is tried again; if it repeats, see the log of the server',
    cause: error,
  });
}
