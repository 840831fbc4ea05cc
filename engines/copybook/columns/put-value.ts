import type { Column } from './column.js';

const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);
const double = new Float64Array(1);
const doubleBits = new Int32Array(double.buffer);

/**
 * Stores a value of a row in a column: a number, an exact decimal `{ text }`, a text, bytes, an object for a struct, an
 * array for a list, null or undefined for none.
 * @returns false when a number is too large for its column, where there is null then
 */
export function putValue(column: Column, row: number, value: unknown): boolean {
  const { type } = column;
  if (value === null || value === undefined) {
    column.setNull(row);
    return true;
  }
  switch (type.kind) {
    case 'int32':
    case 'int64':
    case 'date':
    case 'timestamp':
    case 'decimal':
      return putInteger(column, row, unscaled(value, type.kind === 'decimal' ? type.scale : 0));
    case 'float32':
      single[0] = numeric(value);
      column.words[row] = singleBits[0] as number;
      return true;
    case 'float64':
      double[0] = numeric(value);
      column.words[2 * row] = doubleBits[0] as number;
      column.words[2 * row + 1] = doubleBits[1] as number;
      return true;
    case 'text':
      column.putText(row, typeof value === 'string' ? value : textOf(value));
      return true;
    case 'bytes':
      column.putBytes(row, value as Uint8Array);
      return true;
    case 'struct': {
      const object = value as Record<string, unknown>;
      const stored = type.fields.map(({ name }, n) =>
        putValue(column.children[n] as Column, row, object[name]),
      );
      return !stored.includes(false);
    }
    case 'list': {
      const [child] = column.children as [Column];
      const items = value as unknown[];
      const from = column.elements;
      column.elements += items.length;
      child.reserve(column.elements);
      column.putEntry(row, from, items.length);
      return !items.map((item, n) => putValue(child, from + n, item)).includes(false);
    }
  }
}

function putInteger(column: Column, row: number, value: bigint): boolean {
  const { type, width } = column;
  const bound =
    type.kind === 'decimal' ? 10n ** BigInt(type.precision) - 1n : 2n ** BigInt(8 * width - 1) - 1n;
  if (value > bound || value < -bound - (type.kind === 'decimal' ? 0n : 1n)) {
    column.setNull(row);
    return false;
  }
  column.putInteger(row, value);
  return true;
}

const textOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'text' in value ? String(value.text) : String(value);

const numeric = (value: unknown): number => (typeof value === 'number' ? value : Number(textOf(value)));

/** A decimal as the whole number that it is in units of its last place. */
export function unscaled(value: unknown, scale: number): bigint {
  const text = textOf(value);
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) throw new RangeError(`'${text}' is no decimal`);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const places = fraction.length - Number(exponent);
  const digits = BigInt(`${whole}${fraction}` || '0');
  // places beyond the scale hold zeros only: the type was made for the field
  const result =
    places <= scale ? digits * 10n ** BigInt(scale - places) : digits / 10n ** BigInt(places - scale);
  return sign === '-' ? -result : result;
}
