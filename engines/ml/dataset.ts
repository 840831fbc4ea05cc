import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '../../schemas/errors.js';
import { asDiskFull } from '../lake/disk-full.js';
import { quoteIdent, quoteText, type ColumnInfo } from '../warehouse/port.js';
import { DuckDBInstance } from './duckdb.js';

/** Rows of Parquet files in an in-memory DuckDB, as its view `rows`, in the order of the files. */
export interface Dataset {
  connection: DuckDBConnection;
  /** for appending while {@link connection} streams: any other statement on a connection ends its stream, unnoticed */
  writer: DuckDBConnection;
  columns: ColumnInfo[];
  files: string[];
  /** all rows of a small result, as plain values */
  query: (sql: string) => Promise<Record<string, unknown>[]>;
  run: (sql: string) => Promise<void>;
}

/**
 * Opens Parquet files for the time of `work`. An aborted signal interrupts the statement.
 * @throws MillraceError ObjectCorrupt when DuckDB cannot read them
 */
export async function withDataset<T>(
  files: string[],
  threads: number,
  work: (dataset: Dataset) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', { threads: String(threads) });
  const connection = await instance.connect();
  const writer = await instance.connect();
  const stop = (): void => connection.interrupt();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const query = async (sql: string): Promise<Record<string, unknown>[]> =>
      (await connection.runAndReadAll(sql)).getRowObjectsJS();
    const run = async (sql: string): Promise<void> => void (await connection.run(sql));
    const columns = await openFiles(query, run, files);
    return await work({ connection, writer, columns, files, query, run });
  } catch (error) {
    signal?.throwIfAborted();
    throw asDiskFull(error, files[0] ?? '');
  } finally {
    signal?.removeEventListener('abort', stop);
    connection.closeSync();
    writer.closeSync();
    instance.closeSync();
  }
}

async function openFiles(
  query: Dataset['query'],
  run: Dataset['run'],
  files: string[],
): Promise<ColumnInfo[]> {
  try {
    await run(`CREATE VIEW rows AS SELECT * FROM read_parquet([${files.map(quoteText).join(', ')}])`);
    const found = await query('DESCRIBE rows');
    return found.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }));
  } catch (cause) {
    throw new MillraceError('ObjectCorrupt', {
      what: `Parquet cannot be read: ${(cause as Error).message.trim()}`,
      where: { file: files.join(', ') },
      fix: 'Freeze the rows again: run the stage from its beginning',
      cause,
    });
  }
}

/** A result that is shorter than the rows must never pass for all of them. @throws MillraceError ObjectCorrupt */
export function requireRows({ files }: Dataset, found: number, expected: number): void {
  if (found === expected) return;
  throw new MillraceError('ObjectCorrupt', {
    what: `${found} rows were read where ${expected} were expected`,
    where: { file: files.join(', ') },
    fix: 'The files changed while they were read; freeze the rows again: run the stage from its beginning',
  });
}

/** @throws MillraceError FeatureMissing naming the columns that are there */
export function requireColumns({ columns, files }: Dataset, names: string[], what: string): void {
  const missing = names.filter((name) => !columns.some((column) => column.name === name));
  if (missing.length === 0) return;
  throw new MillraceError('FeatureMissing', {
    what: `the rows have no column ${missing.map(quoteIdent).join(', ')}, ${what}`,
    where: { file: files[0] ?? '' },
    fix: `They have ${columns.map(({ name }) => name).join(', ')}`,
  });
}
