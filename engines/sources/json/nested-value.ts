import type { BronzeType } from '../../lake/types.js';
import type { JsonCursor } from './json-cursor.js';

/** DuckDB reads numbers inside of JSON as doubles; longer ones must not lose their end. */
const DOUBLE_DIGITS = 15;
/** Put before a value that does not fit, so that no cast takes it: no JSON begins so. */
const MISFIT = Buffer.from([1]);
/** Put before a value of which members were left out, so that they are counted: JSON may begin so. */
const PART = Buffer.from(' ');
const QUOTE = Buffer.from('"');

/**
 * Walks over a value for a nested column. DuckDB's cast from JSON is kind: it drops members that the type lacks, rounds
 * numbers, and makes null of what does not fit. So it is checked here, all the way down.
 * @param spare that members which the type lacks are left out, as the cast does, and the value marked
 * @returns the JSON that casts to the type without loss; marked where there is none
 */
export function nestedValue(cursor: JsonCursor, type: BronzeType, spare = false): Buffer {
  const start = cursor.at;
  const long: [start: number, end: number][] = [];
  const spared = { members: 0 };
  const fits = walk(cursor, type, long, spare ? spared : undefined);
  const bytes = cursor.bytes.subarray(start, cursor.at);
  if (!fits) return Buffer.concat([MISFIT, bytes]);
  const value = long.length > 0 ? quoteNumbers(bytes, start, long) : bytes;
  return spared.members > 0 ? Buffer.concat([PART, value]) : value;
}

function walk(
  cursor: JsonCursor,
  type: BronzeType,
  long: [number, number][],
  spared?: { members: number },
): boolean {
  const kind = cursor.kind();
  let fits = true;
  if (kind === 'object') {
    const fields =
      type.kind === 'struct' ? new Map(type.fields.map((one) => [one.name.toLowerCase(), one.type])) : null;
    cursor.object((key) => {
      const field = fields?.get(key.toLowerCase());
      if (field) {
        fits = walk(cursor, field, long, spared) && fits;
        return;
      }
      const empty = cursor.kind() === 'null';
      cursor.skip();
      if (fields && spared) spared.members += empty ? 0 : 1;
      else fits = fits && takesAll(type);
    });
    return fits && (fields !== null || takesAll(type));
  }
  if (kind === 'array') {
    cursor.array(() => {
      if (type.kind === 'list') fits = walk(cursor, type.of, long, spared) && fits;
      else cursor.skip();
    });
    return fits && (type.kind === 'list' || takesAll(type));
  }
  const start = cursor.at;
  cursor.scalar(kind);
  if (kind === 'null' || takesAll(type)) {
    if (
      kind === 'number' &&
      type.kind === 'scalar' &&
      type.name === 'text' &&
      cursor.at - start > DOUBLE_DIGITS
    )
      long.push([start, cursor.at]);
    return true;
  }
  if (kind === 'number') {
    const text = cursor.bytes.toString('latin1', start, cursor.at);
    if (type.kind !== 'scalar' || type.name !== 'double') {
      if (text.length > DOUBLE_DIGITS) long.push([start, cursor.at]);
    }
    return fitsNumber(text, type);
  }
  return kind !== 'string' && type.kind === 'scalar' && type.name === 'boolean';
}

const takesAll = (type: BronzeType): boolean =>
  type.kind === 'scalar' && (type.name === 'json' || type.name === 'text');

function fitsNumber(text: string, type: BronzeType): boolean {
  if (type.kind === 'decimal') {
    const [, whole = '', fraction = ''] = /^-?(\d+)(?:\.(\d+?)0*)?$/.exec(text) ?? [];
    return whole !== '' && whole.length <= type.precision - type.scale && fraction.length <= type.scale;
  }
  if (type.kind !== 'scalar') return false;
  if (type.name === 'double') return Number.isFinite(Number(text));
  const bits = type.name === 'int64' ? 64 : type.name === 'int32' ? 32 : 0;
  return bits > 0 && /^-?\d+$/.test(text) && BigInt.asIntN(bits, BigInt(text)) === BigInt(text);
}

/** The same JSON with some of its numbers as strings, which DuckDB casts to the same type without rounding. */
function quoteNumbers(bytes: Buffer, base: number, numbers: [number, number][]): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const [start, end] of numbers) {
    parts.push(bytes.subarray(from, start - base), QUOTE, bytes.subarray(start - base, end - base), QUOTE);
    from = end - base;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}
