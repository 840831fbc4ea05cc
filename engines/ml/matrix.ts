import type { DuckDBDataChunk } from '@duckdb/node-api';
import { requireRows, type Dataset } from './dataset.js';
import { DuckDBFloatVector } from './duckdb.js';
import type { LabelledMatrix } from './xgboost.js';

/** Rows in one DuckDB vector, so the most that a block has. */
export const VECTOR = 2_048;

/** A block of a query's rows, column by column; a view of DuckDB's memory. */
export interface Block {
  rows: number;
  columns: Float32Array[];
}

/**
 * Streams the result of a query that has only FLOAT columns without nulls (the encoder made them NaN), in order, in
 * blocks of at most {@link VECTOR} rows, without a call for each value.
 */
export async function* readBlocks({ connection }: Dataset, sql: string): AsyncGenerator<Block> {
  const result = await connection.stream(sql);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return;
    const columns = Array.from({ length: chunk.columnCount }, (_, at) => floatsOf(chunk, at));
    yield { rows: chunk.rowCount, columns };
  }
}

/** The vector's own array: asking it value by value takes five times as long as all else in reading. */
function floatsOf(chunk: DuckDBDataChunk, at: number): Float32Array {
  const column = chunk.getColumnVector(at);
  const items: unknown = column instanceof DuckDBFloatVector ? column['items'] : null;
  if (items instanceof Float32Array) return items;
  throw new TypeError(`column ${at} is ${column.type.toString()}, not FLOAT`);
}

/** Copies columns into a row-major matrix at row `start`. */
export function copyRows(values: Float32Array, start: number, columns: Float32Array[], rows: number): void {
  const width = columns.length;
  columns.forEach((column, at) => {
    let to = start * width + at;
    for (let row = 0; row < rows; row++, to += width) values[to] = column[row]!;
  });
}

/** Copies the rows `order[from]` to `order[to - 1]` of a row-major matrix to the beginning of another. */
export function gatherRows(
  target: Float32Array,
  values: Float32Array,
  width: number,
  order: Uint32Array,
  from: number,
  to: number,
): void {
  let cell = 0;
  for (let at = from; at < to; at++) {
    const start = order[at]! * width;
    for (let column = 0; column < width; column++) target[cell++] = values[start + column]!;
  }
}

/** Reads a query whose first column is the label and whose others are the features. */
export async function fill(dataset: Dataset, sql: string, matrix: LabelledMatrix): Promise<void> {
  let start = 0;
  for await (const { rows, columns } of readBlocks(dataset, sql)) {
    const [labels, ...features] = columns;
    const from = start;
    start += rows;
    if (start > matrix.rows) break;
    if (labels) matrix.labels.set(labels, from);
    copyRows(matrix.values, from, features, rows);
  }
  requireRows(dataset, start, matrix.rows);
}
