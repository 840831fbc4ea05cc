import { MillraceError, type ErrorType } from '../../schemas/errors.js';

/** What the driver throws: a code of its own (a number) or the server's (six digits). */
interface DriverError extends Error {
  code?: number | string;
  sqlState?: string;
}

const BY_CODE: Record<string, { type: ErrorType; fix: string }> = {
  '390100': { type: 'AccessDenied', fix: 'Check user and password' },
  '390144': {
    type: 'AccessDenied',
    fix: "Check that the key is the user's (`describe user`: RSA_PUBLIC_KEY_FP) and that this machine's clock is right",
  },
  '390189': { type: 'AccessDenied', fix: 'Grant the role to the user, or name another role' },
  '390201': { type: 'AccessDenied', fix: 'Check database, schema, warehouse and role of the settings' },
  '390303': { type: 'AccessDenied', fix: 'The OAuth token is invalid: get a new one' },
  '390318': { type: 'AccessDenied', fix: 'The OAuth token has expired: get a new one' },
  '390422': {
    type: 'AccessDenied',
    fix: "This machine's address is not allowed by the account's network policy",
  },
  '003001': { type: 'AccessDenied', fix: 'Grant it to the role of the warehouse, or name another role' },
  '000606': {
    type: 'WarehouseSuspended',
    fix: 'Name a virtual warehouse that the role may use; was it dropped, or is it suspended without auto-resume?',
  },
  '000607': { type: 'WarehouseSuspended', fix: 'Resume it, or grant OPERATE on it to the role' },
  '090073': {
    type: 'WarehouseSuspended',
    fix: 'Its resource monitor has used up its quota: raise it, or wait for the next period',
  },
  '000625': { type: 'CommitConflict', fix: 'The transaction is tried again' },
  '000624': { type: 'CommitConflict', fix: 'The transaction is tried again' },
  '000630': {
    type: 'SqlError',
    fix: 'It ran into STATEMENT_TIMEOUT_IN_SECONDS: make it smaller, use a larger warehouse, or raise that parameter',
  },
  '000604': { type: 'SqlError', fix: 'Somebody stopped it in Snowflake; run it again' },
  // sessions end; the next statement opens another
  '390111': { type: 'WarehouseUnavailable', fix: 'It is tried again with a new session' },
  '390112': { type: 'WarehouseUnavailable', fix: 'It is tried again with a new session' },
  '390114': { type: 'WarehouseUnavailable', fix: 'It is tried again with a new session' },
  '390104': { type: 'WarehouseUnavailable', fix: 'It is tried again with a new session' },
};

/** The driver's own codes for a server that was not reached, gave no answer, or a session that ended. */
const UNREACHED = /^(4010\d\d|4020\d\d|4070\d\d|4080\d\d)$/;
const LOGIN = /JWT token is invalid|username or password|OAuth|Incorrect username/i;
const CONFLICT =
  /deadlock|lock wait|number of waiters for this lock|modified by another|concurrent transaction/i;

/** What Snowflake or its driver said about a statement, as the error its reader needs. */
export function snowflakeError(cause: unknown, sql: string | null, account: string): unknown {
  if (cause instanceof MillraceError || !(cause instanceof Error)) return cause;
  const { code = '', message, sqlState } = cause as DriverError;
  const text = message.replace(/^\d{6} \(\w{5}\): /, '').trim();
  const number = String(code).padStart(6, '0');
  const known = BY_CODE[number];
  const where = { path: `Snowflake account ${account}` };
  const error = (type: ErrorType, what: string, fix: string): MillraceError =>
    new MillraceError(type, { what, where, fix, cause });
  if (known && known.type !== 'SqlError')
    return error(known.type, `Snowflake refuses: ${text} (${number})`, known.fix);
  if (CONFLICT.test(text)) return error('CommitConflict', text, 'The transaction is tried again');
  if (sql === null && LOGIN.test(text))
    return error(
      'AccessDenied',
      `Snowflake refuses the login: ${text}`,
      'Check user, key, password or token',
    );
  if (/resource monitor|cannot be resumed|is suspended/i.test(text))
    return error(
      'WarehouseSuspended',
      text,
      'Resume the virtual warehouse, or raise the quota of its resource monitor',
    );
  if (UNREACHED.test(number) || sqlState === '08001' || sqlState === '08006')
    return error(
      'WarehouseUnavailable',
      `Snowflake cannot be reached: ${text}`,
      'It is tried again; if it repeats, check account, network policy and proxy',
    );
  if (sqlState === '42501') return error('AccessDenied', text, 'Grant it to the role of the warehouse');
  const line = /\bline (\d+) at position/i.exec(text)?.[1];
  return new MillraceError('SqlError', {
    what: text,
    ...(line !== undefined && { where: { line: Number(line), path: 'the SQL statement' } }),
    ...(line === undefined && sql !== null && sql.length <= 200 && { where: { path: sql } }),
    ...(known && { fix: known.fix }),
    cause,
  });
}
