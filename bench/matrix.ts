import { openDuckDb } from '../engines/warehouse/duckdb.js';

/** Writes seeded rows as Parquet: `id`, `columns` numbers in [0, 1) and a label that depends on four of them. */
export async function writeMatrix(path: string, rows: number, columns: number): Promise<void> {
  const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '2GB' });
  const value = (column: number): string => `(hash(i, ${column}) % 1000003) / 1000003.0`;
  const names = Array.from({ length: columns }, (_, column) => `${value(column)}::float as f${column}`);
  const signal = `${value(0)} + ${value(1)} * ${value(2)} - ${value(3)} * 0.5 + (hash(i, 99) % 1000) / 2000.0 > 0.75`;
  try {
    await warehouse.run(
      `copy (select i as id, ${names.join(', ')}, (${signal})::integer as label from range(${rows}) t(i) order by i) to '${path}' (format parquet, compression zstd)`,
    );
  } finally {
    await warehouse.close();
  }
}
