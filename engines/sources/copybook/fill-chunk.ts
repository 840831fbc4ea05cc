import duckdb from '@duckdb/node-bindings';
import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { Column } from '../../copybook/columns/column.js';
import { INLINE } from '../../copybook/columns/column.js';

/** Sets the size of a chunk and copies the first `rows` values of each column into it. */
export function fillChunk({ chunk }: DuckDBDataChunk, columns: Column[], rows: number): void {
  duckdb.data_chunk_set_size(chunk, rows);
  columns.forEach((column, index) => fillVector(duckdb.data_chunk_get_vector(chunk, index), column, rows));
}

/** Columns lie in memory as DuckDB's vectors do, so filling one is a copy, and not a call for each value. */
function fillVector(vector: duckdb.Vector, column: Column, rows: number): void {
  if (rows === 0) return;
  const { type, data, width, hasNulls, valid } = column;
  if (hasNulls) {
    duckdb.vector_ensure_validity_writable(vector);
    const bytes = 8 * Math.ceil(rows / 64);
    duckdb.copy_data_to_vector_validity(vector, 0, valid.buffer as ArrayBuffer, 0, bytes);
  }
  if (type.kind === 'struct') {
    column.children.forEach((child, n) => fillVector(duckdb.struct_vector_get_child(vector, n), child, rows));
    return;
  }
  if (type.kind === 'list') {
    duckdb.list_vector_reserve(vector, column.elements);
    duckdb.list_vector_set_size(vector, column.elements);
    const [child] = column.children;
    if (child) fillVector(duckdb.list_vector_get_child(vector), child, column.elements);
  }
  if (column.heapUsed > 0) placeHeap(vector, column, rows);
  duckdb.copy_data_to_vector(vector, 0, data, 0, rows * width);
}

/**
 * Hands the heap over as one long string, which the vector then owns, and points the others into it: a string of more
 * than 12 bytes is its length, its first four bytes and an address (`duckdb_string_t` of the C interface).
 */
function placeHeap(vector: duckdb.Vector, column: Column, rows: number): void {
  const { words, heap, heapUsed } = column;
  duckdb.vector_assign_string_element_len(vector, 0, heap.subarray(0, heapUsed));
  const whole = duckdb.vector_get_data(vector, 16);
  const address = new DataView(whole.buffer, whole.byteOffset).getBigUint64(8, true);
  const low = Number(address & 0xffff_ffffn);
  const high = Number(address >> 32n);
  for (let row = 0; row < rows; row++) {
    if ((words[4 * row] as number) <= INLINE) continue;
    const sum = low + (words[4 * row + 2] as number);
    words[4 * row + 2] = sum;
    words[4 * row + 3] = high + (sum > 0xffff_ffff ? 1 : 0);
  }
}
