import type { BinaryOperator, CompareOperator } from './ast.js';
import { collectionMethod } from './collection-methods.js';
import { decimalArithmetic } from './decimal.js';
import { JinjaFault } from './fault.js';
import { percentFormat } from './text-format.js';
import { textMethod } from './text-methods.js';
import {
  compare,
  contains,
  Decimal,
  equal,
  float,
  integer,
  isFloat,
  isNumber,
  keyOf,
  PyObject,
  repr,
  str,
  toNumber,
  Tuple,
  tuple,
  typeName,
  Undefined,
  type JinjaFunction,
  type Value,
} from './values.js';

const floats = (operator: BinaryOperator, a: number, b: number): Value => {
  switch (operator) {
    case '+':
      return float(a + b);
    case '-':
      return float(a - b);
    case '*':
      return float(a * b);
    case '/':
      return float(a / b);
    case '//':
      return float(Math.floor(a / b));
    case '%':
      return float(a - b * Math.floor(a / b));
    default:
      return float(a ** b);
  }
};

/** the exact way, for what numbers cannot hold */
const bigIntegers = (operator: BinaryOperator, a: bigint, b: bigint): Value => {
  const quotient = (): bigint => a / b - (a % b !== 0n && a < 0n !== b < 0n ? 1n : 0n);
  switch (operator) {
    case '+':
      return integer(a + b);
    case '-':
      return integer(a - b);
    case '*':
      return integer(a * b);
    case '//':
      return integer(quotient());
    case '%':
      return integer(a - b * quotient());
    default:
      if (b > 10_000n) throw new JinjaFault('This power is too large');
      return integer(a ** b);
  }
};

const asBigInt = (value: Value): bigint => (typeof value === 'bigint' ? value : BigInt(toNumber(value)));

const numeric = (operator: BinaryOperator, left: Value, right: Value): Value => {
  const [a, b] = [toNumber(left), toNumber(right)];
  if ((operator === '/' || operator === '//' || operator === '%') && b === 0)
    throw new JinjaFault('division by zero');
  if (left instanceof Decimal || right instanceof Decimal) {
    const exact = decimalArithmetic(operator, left, right);
    if (exact !== undefined) return exact;
  }
  if (isFloat(left) || isFloat(right) || operator === '/' || (operator === '**' && b < 0))
    return floats(operator, a, b);
  const quick = toNumber(floats(operator, a, b));
  return Number.isSafeInteger(quick) && Number.isSafeInteger(a) && Number.isSafeInteger(b)
    ? quick
    : bigIntegers(operator, asBigInt(left), asBigInt(right));
};

const repeat = (value: Value, times: number): Value => {
  const count = Math.max(0, times);
  if (length_(value) * count > 10_000_000) throw new JinjaFault('This repetition is too long');
  if (typeof value === 'string') return value.repeat(count);
  const items = Array.from({ length: count }, () => value as Value[]).flat();
  return value instanceof Tuple ? tuple(...items) : items;
};
const length_ = (value: Value): number =>
  typeof value === 'string' || Array.isArray(value) ? value.length : 0;

export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  if (operator === '~') return str(left) + str(right);
  if (isNumber(left) && isNumber(right)) return numeric(operator, left, right);
  if (operator === '%' && typeof left === 'string') return percentFormat(left, right);
  if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') return left + right;
    if (Array.isArray(left) && Array.isArray(right) && left instanceof Tuple === right instanceof Tuple)
      return left instanceof Tuple ? tuple(...left, ...right) : [...left, ...right];
  }
  if (operator === '*') {
    if ((typeof left === 'string' || Array.isArray(left)) && isNumber(right))
      return repeat(left, toNumber(right));
    if ((typeof right === 'string' || Array.isArray(right)) && isNumber(left))
      return repeat(right, toNumber(left));
  }
  if (operator === '-' && left instanceof Set && right instanceof Set)
    return new Set([...left].filter((item) => !right.has(item)));
  if (left instanceof PyObject) {
    const result = left.operate?.(operator, right, false);
    if (result !== undefined) return result;
  }
  if (right instanceof PyObject) {
    const result = right.operate?.(operator, left, true);
    if (result !== undefined) return result;
  }
  for (const side of [left, right])
    if (side instanceof Undefined) {
      if (side.lenient) return side;
      throw new JinjaFault(`'${side.name}' is undefined`);
    }
  throw new JinjaFault(`'${operator}' does not work between ${describe(left)} and ${describe(right)}`);
}

const describe = (value: Value): string => {
  const text = repr(value);
  return `${typeName(value)} ${text.length > 40 ? `${text.slice(0, 40)}…` : text}`;
};

export function compares(operator: CompareOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equal(left, right);
    case '!=':
      return !equal(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    default:
      break;
  }
  for (const side of [left, right])
    if (side instanceof Undefined) {
      if (side.lenient) return false;
      throw new JinjaFault(`'${side.name}' is undefined`);
    }
  const order = compare(left, right);
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
}

/** `of.name`: an attribute or method, and failing that the item of that key. */
export function attribute(of: Value, name: string): Value {
  if (of instanceof PyObject) {
    // null is None, and found
    const found = of.attribute(name);
    if (found !== undefined) return found;
    const kept = of.item(name);
    return kept === undefined ? absent(of, name) : kept;
  }
  if (typeof of === 'string') return textMethod(of, name, attribute) ?? absent(of, name);
  const method = collectionMethod(of, name) ?? numberMethod(of, name);
  if (method) return method;
  if (of instanceof Map && of.has(name)) return of.get(name) as Value;
  return absent(of, name);
}

const numberMethod = (of: Value, name: string): JinjaFunction | undefined => {
  if (!isNumber(of)) return undefined;
  if (name === 'is_integer') return () => !isFloat(of) || Number.isInteger(toNumber(of));
  if (name === 'bit_length' && !isFloat(of))
    return () => asBigInt(of).toString(2).replace(/^-?0?/, '').length;
  return undefined;
};

/** `of[index]`: an item, and failing that the attribute of that name. */
export function item(of: Value, index: Value): Value {
  if (of instanceof PyObject) {
    const found = of.item(index);
    if (found !== undefined) return found;
  } else if (of instanceof Map) {
    const key = keyOf(index);
    if (of.has(key)) return of.get(key) as Value;
  } else if ((Array.isArray(of) || typeof of === 'string') && isNumber(index)) {
    const at = toNumber(index);
    const found = typeof of === 'string' ? [...of].at(at) : of.at(at);
    return found === undefined ? new Undefined(`item ${at} of ${describe(of)}`) : found;
  }
  return typeof index === 'string' ? attribute(of, index) : absent(of, str(index));
}

function absent(of: Value, name: string): Value {
  if (of instanceof Undefined) {
    if (of.lenient) return of;
    throw new JinjaFault(`'${of.name}' is undefined, so it has no '${name}'`);
  }
  return new Undefined(of instanceof PyObject ? `${of.typeName}.${name}` : `${name} of ${describe(of)}`);
}

export function slice(of: Value, start: number | null, stop: number | null, step: number | null): Value {
  const listed = of instanceof PyObject && of.iterate ? tuple(...of.iterate()) : of;
  if (typeof listed !== 'string' && !Array.isArray(listed))
    throw new JinjaFault(`${describe(of)} cannot be sliced`);
  const items: Value[] = [...listed];
  const by = step ?? 1;
  if (by === 0) throw new JinjaFault('The step of a slice cannot be 0');
  const size = items.length;
  const clamp = (index: number, low: number, high: number): number =>
    Math.min(high, Math.max(low, index < 0 ? index + size : index));
  const [low, high] = by > 0 ? [0, size] : [-1, size - 1];
  const from = start === null ? (by > 0 ? 0 : size - 1) : clamp(start, low, high);
  const to = stop === null ? (by > 0 ? size : -1) : clamp(stop, low, high);
  const picked: Value[] = [];
  for (let i = from; by > 0 ? i < to : i > to; i += by) picked.push(items[i] as Value);
  if (typeof listed === 'string') return picked.map(str).join('');
  return listed instanceof Tuple ? tuple(...picked) : picked;
}
