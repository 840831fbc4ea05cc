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
