import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseType } from '../lake/types.js';
import { openDuckDb } from './duckdb.js';
import { quoteIdent, quoteText, type LoadFiles } from './port.js';

/** Lends a CSV file with the rows of Parquet files, as PostgreSQL's COPY reads it: what is null is an empty field. */
export async function withCsv<T>(
  { columns, files }: LoadFiles,
  work: (csv: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-load-'));
  const csv = join(folder, 'rows.csv');
  const values = columns.map(
    ({ name, bronze }) => `${textOf(quoteIdent(name), bronze)} as ${quoteIdent(name)}`,
  );
  const duckdb = await openDuckDb({ path: ':memory:', memoryLimit: '512MB' });
  try {
    await duckdb.run(
      `copy (select ${values.join(', ')} from read_parquet([${files.map(quoteText).join(', ')}], hive_partitioning = false))
        to ${quoteText(csv)} (format csv, header false)`,
    );
    return await work(csv);
  } finally {
    await duckdb.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function textOf(value: string, bronze: string): string {
  const { kind } = parseType(bronze);
  if (kind !== 'scalar' && kind !== 'decimal') return `to_json(${value})::varchar`;
  return /^(binary|blob)$/i.test(bronze) ? `'\\x' || lower(hex(${value}))` : value;
}
