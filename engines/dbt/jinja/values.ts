import { JinjaFault } from './fault.js';
import type { Site } from './ast.js';

/**
 * Python's values as JavaScript ones: `None` is null, str string, list array, dict Map, set Set, int and float number.
 * A whole float is a {@link Float}, because Python prints `1.0`; a tuple is a {@link Tuple}; an int beyond what a number
 * holds exactly is a bigint.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Float
  | Undefined
  | Value[]
  | Dict
  | Set<Value>
  | PyObject
  | JinjaFunction;
export type Dict = Map<Value, Value>;
export type Kwargs = Record<string, Value>;
/** @param site of the expression that calls, for errors */
export type JinjaFunction = (args: Value[], kwargs: Kwargs, site: Site) => Value;

export class Float {
  constructor(readonly value: number) {}
}

/** An exact number of the warehouse: prints, and is reckoned with, by its digits. */
export class Decimal extends Float {
  constructor(readonly text: string) {
    super(Number(text));
  }
}

export class Tuple extends Array<Value> {}
export const tuple = (...items: Value[]): Tuple => {
  const made = new Tuple();
  made.push(...items);
  return made;
};

/** What a name stands for that nobody defined: prints as nothing, and using it is an error that names it. */
export class Undefined {
  constructor(
    readonly name: string,
    /** while a project is read, dbt lets undefined names pass: what they need may only exist when it runs */
    readonly lenient = false,
    /** what its author should do */
    readonly fix?: string,
  ) {}
}

/** An object of the context, such as `this` or `target`. */
export abstract class PyObject {
  abstract readonly typeName: string;
  /** @returns undefined when there is no such attribute */
  abstract attribute(name: string): Value | undefined;
  item(key: Value): Value | undefined {
    return typeof key === 'string' ? this.attribute(key) : undefined;
  }
  call?(args: Value[], kwargs: Kwargs, site: Site): Value;
  iterate?(): Iterable<Value>;
  /** `x in object`, where that is not a search through its items */
  has?(item: Value): boolean;
  equals(other: Value): boolean {
    return this === other;
  }
  /** `this operator other`, or the other way round; undefined when that means nothing */
  operate?(operator: string, other: Value, swapped: boolean): Value | undefined;
  /** negative, 0 or positive; undefined when there is no order between the two */
  compareTo?(other: Value): number | undefined;
  truthy(): boolean {
    return true;
  }
  /** how it prints inside a list */
  repr(): string {
    return this.toString();
  }
  abstract toString(): string;
}

export class Namespace extends PyObject {
  readonly typeName = 'Namespace';
  constructor(readonly members: Dict) {
    super();
  }
  override attribute(name: string): Value | undefined {
    return this.members.get(name);
  }
  override toString(): string {
    return `<Namespace ${repr(this.members)}>`;
  }
}

/** A fixed set of names, such as `exceptions` or `modules.re`. */
export class Module extends PyObject {
  readonly typeName = 'module';
  constructor(
    readonly name: string,
    private readonly members: Record<string, Value>,
  ) {
    super();
  }
  override attribute(name: string): Value | undefined {
    return Object.hasOwn(this.members, name) ? this.members[name] : undefined;
  }
  override toString(): string {
    return `<module ${this.name}>`;
  }
}

export const isNumber = (value: Value): value is number | bigint | Float | boolean =>
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  typeof value === 'bigint' ||
  value instanceof Float;
export const isFloat = (value: Value): boolean =>
  value instanceof Float || (typeof value === 'number' && !Number.isInteger(value));
export const float = (value: number): Value => (Number.isInteger(value) ? new Float(value) : value);

/** an int as a number where that is exact */
export const integer = (value: bigint): Value =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

export function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Float) return value.value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new JinjaFault(`A number was needed, not ${typeName(value)} ${repr(value)}`);
}

export function truthy(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0;
  if (value instanceof Map || value instanceof Set) return value.size > 0;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof PyObject) return value.truthy();
  return Boolean(value);
}

export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (value instanceof Undefined) return 'Undefined';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (isNumber(value)) return isFloat(value) ? 'float' : 'int';
  if (value instanceof Tuple) return 'tuple';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Map) return 'dict';
  if (value instanceof Set) return 'set';
  return value instanceof PyObject ? value.typeName : 'function';
}

/** Python's `str()`: what `{{ value }}` prints. */
export function str(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Undefined) return '';
  if (value instanceof Decimal) return value.text;
  if (value instanceof PyObject) return value.toString();
  return repr(value);
}

export function repr(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return reprText(value);
  if (typeof value === 'number') return reprNumber(value);
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Decimal) return `Decimal('${value.text}')`;
  if (value instanceof Float) return reprFloat(value.value);
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Tuple) return `(${value.map(repr).join(', ')}${value.length === 1 ? ',' : ''})`;
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (value instanceof Map)
    return `{${[...value].map(([key, item]) => `${repr(key)}: ${repr(item)}`).join(', ')}}`;
  if (value instanceof Set) return value.size === 0 ? 'set()' : `{${[...value].map(repr).join(', ')}}`;
  return value instanceof PyObject ? value.repr() : '<function>';
}

const PLAIN = /^[\x20-\x26\x28-\x5b\x5d-\x7e]*$/;
/** what Python shows by its number: controls, formats and blanks other than the plain one */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/gu;

function reprText(text: string): string {
  if (PLAIN.test(text)) return `'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(UNPRINTABLE, (char) => {
      const code = char.codePointAt(0) ?? 0;
      return code < 256
        ? `\\x${code.toString(16).padStart(2, '0')}`
        : `\\u${code.toString(16).padStart(4, '0')}`;
    });
  return quote + escaped + quote;
}

function reprNumber(value: number): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e21 ? String(value) : BigInt(value).toString();
  return reprFloat(value);
}

/** Python writes exponents from 1e16 and below 1e-4, with two digits at least */
function reprFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4))
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  if (Object.is(value, -0)) return '-0.0';
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

export function equal(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (isNumber(left) && isNumber(right))
    return typeof left === 'bigint' && typeof right === 'bigint'
      ? left === right
      : toNumber(left) === toNumber(right);
  if (Array.isArray(left) && Array.isArray(right))
    return (
      left instanceof Tuple === right instanceof Tuple &&
      left.length === right.length &&
      left.every((item, index) => equal(item, right[index] as Value))
    );
  if (left instanceof Map && right instanceof Map)
    return (
      left.size === right.size &&
      [...left].every(([key, item]) => right.has(key) && equal(item, right.get(key) as Value))
    );
  if (left instanceof Set && right instanceof Set)
    return left.size === right.size && [...left].every((item) => right.has(keyOf(item)));
  if (left instanceof Undefined && right instanceof Undefined) return true;
  if (left instanceof PyObject) return left.equals(right);
  return right instanceof PyObject ? right.equals(left) : false;
}

const negated = (order: number | undefined): number | undefined => (order === undefined ? undefined : -order);

/** @returns negative, 0 or positive. @throws JinjaFault when Python has no order between the two */
export function compare(left: Value, right: Value): number {
  if (isNumber(left) && isNumber(right)) return toNumber(left) - toNumber(right);
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  if (Array.isArray(left) && Array.isArray(right)) {
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      const order = compare(left[i] as Value, right[i] as Value);
      if (order !== 0) return order;
    }
    return left.length - right.length;
  }
  const order =
    left instanceof PyObject
      ? left.compareTo?.(right)
      : right instanceof PyObject
        ? negated(right.compareTo?.(left))
        : undefined;
  if (order !== undefined) return order;
  throw new JinjaFault(`${typeName(left)} ${repr(left)} and ${typeName(right)} ${repr(right)} have no order`);
}

export function iterate(value: Value): Iterable<Value> {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return [...value];
  if (value instanceof Map) return value.keys();
  if (value instanceof Set) return value;
  if (value instanceof PyObject && value.iterate) return value.iterate();
  // as in Jinja: nothing to go through
  if (value instanceof Undefined) return [];
  throw new JinjaFault(`${typeName(value)} ${repr(value)} cannot be iterated over`);
}

export function length(value: Value): number {
  if (typeof value === 'string') return /[\ud800-\udbff]/.test(value) ? [...value].length : value.length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map || value instanceof Set) return value.size;
  return [...iterate(value)].length;
}

export function contains(container: Value, item: Value): boolean {
  if (typeof container === 'string') {
    if (typeof item !== 'string')
      throw new JinjaFault(`'in <text>' needs a text on its left, not ${typeName(item)}`);
    return container.includes(item);
  }
  if (container instanceof Map || container instanceof Set) return container.has(keyOf(item));
  if (container instanceof PyObject && container.has) return container.has(item);
  for (const each of iterate(container)) if (equal(each, item)) return true;
  return false;
}

/** Whole floats and ints are one key in Python, and so are equal tuples. */
export function keyOf(key: Value): Value {
  if (key instanceof Float) return key.value;
  if (!(key instanceof Tuple)) return key;
  const text = repr(key);
  const known = TUPLES.get(text);
  if (known && equal(known, key)) return known;
  TUPLES.set(text, key);
  return key;
}
/** one object for each tuple that is a key */
const TUPLES = new Map<string, Tuple>();

/** Plain data (JSON, YAML) as template values. */
export function fromPlain(data: unknown): Value {
  if (data === null || data === undefined) return null;
  if (typeof data === 'string' || typeof data === 'number' || typeof data === 'boolean') return data;
  if (typeof data === 'bigint') return integer(data);
  if (data instanceof Float || data instanceof PyObject || data instanceof Undefined) return data;
  if (data instanceof Map) return new Map([...data].map(([key, item]) => [fromPlain(key), fromPlain(item)]));
  if (data instanceof Set) return new Set([...data].map((each) => keyOf(fromPlain(each))));
  if (data instanceof Tuple) return data;
  if (Array.isArray(data)) return data.map(fromPlain);
  if (data instanceof Date) return data.toISOString();
  if (typeof data === 'function') return data as JinjaFunction;
  return new Map(Object.entries(data).map(([key, item]) => [key, fromPlain(item)]));
}

/** Template values as plain data; objects become their text. */
export function toPlain(value: Value): unknown {
  if (value instanceof Float) return value.value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Undefined) return null;
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [str(key), toPlain(item)]));
  if (Array.isArray(value)) return Array.from(value, toPlain);
  if (value instanceof Set) return Array.from(value, toPlain);
  if (value instanceof PyObject || typeof value === 'function') return str(value);
  return value;
}
