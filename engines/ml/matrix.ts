import type { DuckDBVector } from '@duckdb/node-api';
import { requireRows, type Dataset } from './dataset.js';
import type { LabelledMatrix } from './xgboost.js';

/** A block of a query's rows: one reader a column. */
export interface Block {
  rows: number;
  columns: DuckDBVector[];
}

/** Streams a query's result in blocks of at most 2,048 rows, in order, without an object for each row. */
export async function* readBlocks({ connection }: Dataset, sql: string): AsyncGenerator<Block> {
  const result = await connection.stream(sql);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return;
    const columns = Array.from({ length: chunk.columnCount }, (_, at) => chunk.getColumnVector(at));
    yield { rows: chunk.rowCount, columns };
  }
}

/** Copies FLOAT columns into a row-major matrix at row `start`. The columns hold no nulls: the encoder made them NaN. */
export function copyRows(
  values: Float32Array,
  width: number,
  start: number,
  columns: DuckDBVector[],
  rows: number,
): void {
  columns.forEach((column, at) => {
    let to = start * width + at;
    for (let row = 0; row < rows; row++, to += width) values[to] = column.getItem(row) as number;
  });
}

/** Reads a query whose first column is the label and whose others are the features. */
export async function fill(dataset: Dataset, sql: string, matrix: LabelledMatrix): Promise<void> {
  let start = 0;
  for await (const { rows, columns } of readBlocks(dataset, sql)) {
    const [labels, ...features] = columns;
    for (let row = 0; row < rows; row++) matrix.labels[start + row] = labels?.getItem(row) as number;
    copyRows(matrix.values, matrix.columns, start, features, rows);
    start += rows;
  }
  requireRows(dataset, start, matrix.rows);
}
