import { MillraceError } from '../../schemas/errors.js';

const text = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).trim();

/** Two transactions touched the same catalog entry or row; the one that lost may simply try again. */
export const isConflict = (cause: unknown): boolean =>
  /write-write conflict|Conflict on (tuple|update|delet)|TransactionContext Error: (Catalog|Conflict)|has been altered by a different transaction/i.test(
    text(cause),
  );

/** What DuckDB said about a statement, as the error its reader needs. */
export function sqlError(cause: unknown, sql: string): MillraceError {
  if (cause instanceof MillraceError) return cause;
  const message = text(cause);
  if (isConflict(cause))
    return new MillraceError('CommitConflict', {
      what: `Another transaction changed the same relation: ${message}`,
      fix: 'The statement is tried again',
      cause,
    });
  if (/No space left on device|could not allocate.*temp|max_temp_directory_size/i.test(message))
    return new MillraceError('DiskFull', {
      what: `The warehouse ran out of disk: ${message}`,
      fix: 'Free space beside the warehouse file (its temporary files lie there, too); what was published is intact',
      cause,
    });
  if (/Out of Memory Error/i.test(message))
    return new MillraceError('SqlError', {
      what: message,
      fix: 'Give the warehouse more memory (`memoryLimit`), or make the query hold less at once',
      cause,
    });
  if (/Corrupt|checksum|Serialization Error|not a valid DuckDB/i.test(message))
    return new MillraceError('ObjectCorrupt', {
      what: `The warehouse file is damaged: ${message}`,
      fix: 'Restore it from a backup, or remove it and build it again from the lake',
      cause,
    });
  const line = /^LINE (\d+):/m.exec(message)?.[1];
  return new MillraceError('SqlError', {
    what: message,
    ...(line !== undefined && { where: { line: Number(line), path: 'the SQL statement' } }),
    ...(line === undefined && sql.length <= 200 && { where: { path: sql } }),
    cause,
  });
}

/** What DuckDB said while the file was opened. */
export function openError(cause: unknown, path: string): MillraceError {
  const message = text(cause);
  const holder = /lock is held in (.+?) \(PID (\d+)\)/.exec(message);
  if (holder || /could not set lock/i.test(message))
    return new MillraceError('WarehouseBusy', {
      what: holder
        ? `The warehouse file is held by process ${holder[2]} (${holder[1]}); a DuckDB file has one writing process`
        : `The warehouse file is held by another process: ${message}`,
      where: { file: path },
      fix: 'Stop that process, give this one another path, or move to a warehouse with many writers (Snowflake, Postgres)',
      cause,
    });
  if (/not a valid DuckDB|Corrupt|checksum|Serialization Error/i.test(message))
    return new MillraceError('ObjectCorrupt', {
      what: `The warehouse file cannot be read: ${message}`,
      where: { file: path },
      fix: 'Restore it from a backup, or remove it and build it again from the lake',
      cause,
    });
  if (/No space left/i.test(message))
    return new MillraceError('DiskFull', {
      what: `The warehouse file cannot be opened: ${message}`,
      where: { file: path },
      fix: 'Free space on that disk',
      cause,
    });
  return new MillraceError('WarehouseUnavailable', {
    what: `The warehouse file cannot be opened: ${message}`,
    where: { file: path },
    fix: 'Check that its folder exists and may be written to',
    cause,
  });
}
