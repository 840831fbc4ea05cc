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
    case 'decimal': {
      const scale = type.kind === 'decimal' ? type.scale : 0;
      const small = smallUnscaled(value, scale);
      return Number.isNaN(small)
        ? putInteger(column, row, unscaled(value, scale))
        : putSmall(column, row, small);
    }
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

/** Digits that a JavaScript number holds exactly. */
const SMALL = 15;

function putSmall(column: Column, row: number, value: number): boolean {
  const { type, width } = column;
  const digits = type.kind === 'decimal' ? Math.min(type.precision, SMALL) : SMALL;
  const bound = type.kind !== 'decimal' && width === 4 ? 0x7fffffff : 10 ** digits - 1;
  if (value > bound || value < -bound) return putInteger(column, row, BigInt(value));
  column.putSmall(row, value);
  return true;
}

/** What `unscaled` gives where that has few digits: most do, and numbers are faster than bigints. NaN for the others. */
function smallUnscaled(value: unknown, scale: number): number {
  if (typeof value === 'number')
    return scale === 0 && Number.isInteger(value) && Math.abs(value) < 10 ** SMALL ? value : NaN;
  if (typeof value !== 'object' || value === null || !('text' in value)) return NaN;
  const text = value.text as string;
  let result = 0;
  let places = -1;
  const first = text.charCodeAt(0) === 0x2d ? 1 : 0;
  if (text.length - first > SMALL) return NaN;
  for (let at = first; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (places >= 0) places++;
    if (digit === 0x2e - 0x30 && places < 0) places = 0;
    else if (digit >= 0 && digit <= 9) result = result * 10 + digit;
    else return NaN;
  }
  if (Math.max(places, 0) !== scale) return NaN;
  return first === 1 ? -result : result;
}

/** The greatest number of so many digits. */
const NINES = Array.from({ length: 39 }, (_, digits) => 10n ** BigInt(digits) - 1n);

function putInteger(column: Column, row: number, value: bigint): boolean {
  const { type, width } = column;
  const bound =
    type.kind === 'decimal'
      ? (NINES[type.precision] as bigint)
      : width === 4
        ? 0x7fff_ffffn
        : 0x7fff_ffff_ffff_ffffn;
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
  const point = text.indexOf('.');
  if (typeof value === 'object' && (point < 0 ? 0 : text.length - point - 1) === scale)
    return BigInt(point < 0 ? text : text.slice(0, point) + text.slice(point + 1));
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
