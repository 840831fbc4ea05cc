import { parseType, printType, type BronzeType } from '../../lake/types.js';
import type { JsonCursor } from './json-cursor.js';

/** What the values of one place in many JSON texts are. */
export interface Shape {
  boolean: boolean;
  text: boolean;
  numbers: Numbers | undefined;
  /** of the elements */
  list: Shape | undefined;
  object: Map<string, Shape> | undefined;
}

interface Numbers {
  /** all are integers of 64 bits */
  int64: boolean;
  /** a double holds each of them so that it reads back as it was written */
  double: boolean;
  /** most digits before and after the point; infinite where exponents are */
  whole: number;
  scale: number;
}

export const emptyShape = (): Shape => ({
  ...{ boolean: false, text: false, numbers: undefined, list: undefined, object: undefined },
});

/** Walks over a value and adds what it is to the shape. */
export function addValue(cursor: JsonCursor, shape: Shape): void {
  const kind = cursor.kind();
  if (kind === 'object') {
    const object = (shape.object ??= new Map<string, Shape>());
    cursor.object((key) => {
      let member = object.get(key);
      if (!member) object.set(key, (member = emptyShape()));
      addValue(cursor, member);
    });
  } else if (kind === 'array') {
    const element = (shape.list ??= emptyShape());
    cursor.array(() => addValue(cursor, element));
  } else if (kind === 'number') {
    addNumber(cursor.number(), (shape.numbers ??= { int64: true, double: true, whole: 1, scale: 0 }));
  } else {
    if (kind === 'string') shape.text = true;
    else if (kind !== 'null') shape.boolean = true;
    cursor.scalar(kind);
  }
}

function addNumber(text: string, numbers: Numbers): void {
  if (text.length <= 15 && !/[.eE]/.test(text)) {
    numbers.whole = Math.max(numbers.whole, text.length);
    return;
  }
  const [mantissa = '', exponent] = text.replace('-', '').split(/[eE]/);
  const [whole = '', fraction = ''] = mantissa.split('.');
  const integer = fraction === '' && exponent === undefined;
  if (!integer || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) numbers.int64 = false;
  if (!isExactDouble(text, whole + fraction)) numbers.double = false;
  numbers.whole = exponent === undefined ? Math.max(numbers.whole, whole.length) : Infinity;
  numbers.scale = Math.max(numbers.scale, fraction.length);
}

function isExactDouble(text: string, digits: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  return digits.replace(/^0+/, '').length <= 15 || String(value) === text;
}

/** Whether all values are objects (or null), so that their members can be columns of their own. */
export const isPlainObject = ({ boolean, text, numbers, list, object }: Shape): boolean =>
  object !== undefined && object.size > 0 && !boolean && !text && !numbers && !list;

/**
 * The type that holds every value: `json` where they have nothing in common.
 * @returns undefined where all are null
 */
export function typeOf(shape: Shape): string | undefined {
  const type = nestedType(shape);
  return type && printType(type);
}

function nestedType(shape: Shape): BronzeType | undefined {
  const { boolean, text, numbers, list, object } = shape;
  const kinds = [boolean, text, numbers, list, object].filter(Boolean).length;
  if (kinds === 0) return undefined;
  if (kinds > 1) return JSON_TYPE;
  if (boolean) return { kind: 'scalar', name: 'boolean' };
  if (text) return { kind: 'scalar', name: 'text' };
  if (numbers) return numberType(numbers);
  if (list) {
    const of = nestedType(list);
    // of lists that are all empty nothing is known, and JSON takes whatever comes later
    return of ? { kind: 'list', of } : JSON_TYPE;
  }
  const names = [...(object?.keys() ?? [])];
  const distinct = new Set(names.map((name) => name.toLowerCase()));
  if (names.length === 0 || distinct.size < names.length || names.includes('')) return JSON_TYPE;
  return {
    kind: 'struct',
    fields: [...(object ?? [])].map(([name, member]) => ({ name, type: nestedType(member) ?? JSON_TYPE })),
  };
}

const JSON_TYPE: BronzeType = { kind: 'scalar', name: 'json' };

function numberType({ int64, double, whole, scale }: Numbers): BronzeType {
  if (int64) return { kind: 'scalar', name: 'int64' };
  if (double) return { kind: 'scalar', name: 'double' };
  if (whole + scale <= 38) return { kind: 'decimal', precision: 38, scale };
  return { kind: 'scalar', name: 'text' };
}

/** @returns the decimal that holds numbers with fractions, for a column of exact numbers to widen to; else undefined */
export function exactDecimal(type: string, shape: Shape): string | undefined {
  const { boolean, text, numbers, list, object } = shape;
  if (!numbers || numbers.int64 || boolean || text || list || object) return undefined;
  const { whole, scale } = numbers;
  if (!/^(int32|int64|decimal\(.*\))$/.test(type) || whole + scale > 38) return undefined;
  return `decimal(${whole + scale},${scale})`;
}

/** Whether a nested type has a place for everything that came, so that casting leaves nothing out unnoticed. */
export function hasRoomFor(type: string, shape: Shape): boolean {
  return roomFor(parseType(type), shape);
}

function roomFor(type: BronzeType, { object, list }: Shape): boolean {
  if (type.kind === 'scalar' && (type.name === 'json' || type.name === 'text')) return true;
  if (object && type.kind === 'struct') {
    const fields = new Map(type.fields.map((field) => [field.name.toLowerCase(), field.type]));
    for (const [name, member] of object) {
      const field = fields.get(name.toLowerCase());
      if (!field || !roomFor(field, member)) return false;
    }
  }
  // a value of another kind does not cast, which is noticed
  return !list || type.kind !== 'list' || roomFor(type.of, list);
}
