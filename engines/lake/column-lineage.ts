import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteText } from '../warehouse/port.js';

export interface ColumnLineage {
  source: string;
  stream: string;
  /** columns of bronze, each with the source's field that it was made from; null where the source had none */
  columns: { name: string; from: string | null }[];
}

/**
 * An option of DuckDB's `COPY … TO (FORMAT parquet, …)` that writes into the file where its columns come from, as
 * `parquet_kv_metadata()` and every Parquet reader show it.
 */
export const lineageOption = ({ source, stream, columns }: ColumnLineage): string => {
  const fields = Object.fromEntries(columns.map(({ name, from }) => [name, from]));
  const entries = {
    'millrace.source': source,
    'millrace.stream': stream,
    'millrace.columns': JSON.stringify(fields),
  };
  const pairs = Object.entries(entries).map(([key, value]) => `${quoteText(key)}: ${quoteText(value)}`);
  return `KV_METADATA {${pairs.join(', ')}}`;
};

/** @returns by column of a part, the source's field that it was made from; empty where the part does not say */
export async function readLineage(
  session: DuckDBConnection,
  part: string,
): Promise<Record<string, string | null>> {
  const reader = await session.runAndReadAll(
    `SELECT decode(value) FROM parquet_kv_metadata(${quoteText(part)}) WHERE decode(key) = 'millrace.columns'`,
  );
  const [row] = reader.getRowsJson() as [string][];
  return row ? (JSON.parse(row[0]) as Record<string, string | null>) : {};
}
