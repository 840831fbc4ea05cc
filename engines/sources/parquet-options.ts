/** Rows in one row group, DuckDB's own default. */
export const ROW_GROUP = 122_880;

/**
 * Options of a `COPY … TO` for parts of bronze. Columns with many distinct values give up their dictionary early, and
 * Bloom filters, which nobody asks for here, are left out: together a tenth of the time. The encodings of Parquet's
 * second version would save another tenth, but not every reader of a lake knows them.
 * @param metadata `KV_METADATA {…}`, or nothing
 */
export const parquetOptions = (metadata: string): string =>
  [
    'FORMAT parquet, COMPRESSION zstd',
    `ROW_GROUP_SIZE ${ROW_GROUP}, DICTIONARY_SIZE_LIMIT 4096, WRITE_BLOOM_FILTER false`,
    ...(metadata === '' ? [] : [metadata]),
  ].join(', ');
