import { JinjaFault } from './fault.js';
import {
  compare,
  contains,
  equal,
  isFloat,
  isNumber,
  PyObject,
  toNumber,
  Undefined,
  type Value,
} from './values.js';

type Test = (value: Value, ...args: Value[]) => boolean;

const iterable = (value: Value): boolean =>
  typeof value === 'string' ||
  Array.isArray(value) ||
  value instanceof Map ||
  value instanceof Set ||
  (value instanceof PyObject && value.iterate !== undefined);
const mapping: Test = (value) =>
  value instanceof Map ||
  (value instanceof PyObject && (value.typeName === 'dict' || value.typeName.endsWith('Relation')));

const sized = (value: Value): boolean =>
  value instanceof Map || (value instanceof PyObject && value.iterate !== undefined);

const TESTS: Record<string, Test> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => isNumber(value) && typeof value !== 'boolean' && !isFloat(value),
  float: (value) => isNumber(value) && isFloat(value),
  number: (value) => isNumber(value),
  string: (value) => typeof value === 'string',
  mapping,
  sequence: (value) =>
    typeof value === 'string' || Array.isArray(value) || value instanceof Undefined || sized(value),
  iterable: (value) => iterable(value) || value instanceof Undefined,
  callable: (value) => typeof value === 'function' || (value instanceof PyObject && value.call !== undefined),
  odd: (value) => Math.abs(toNumber(value) % 2) === 1,
  even: (value) => toNumber(value) % 2 === 0,
  divisibleby: (value, by = null) => toNumber(value) % toNumber(by) === 0,
  upper: (value) =>
    typeof value === 'string' && value === value.toUpperCase() && value !== value.toLowerCase(),
  lower: (value) =>
    typeof value === 'string' && value === value.toLowerCase() && value !== value.toUpperCase(),
  sameas: (value, other = null) => value === other,
  in: (value, container = null) => contains(container, value),
  eq: (value, other = null) => equal(value, other),
  ne: (value, other = null) => !equal(value, other),
  lt: (value, other = null) => compare(value, other) < 0,
  le: (value, other = null) => compare(value, other) <= 0,
  gt: (value, other = null) => compare(value, other) > 0,
  ge: (value, other = null) => compare(value, other) >= 0,
  escaped: () => false,
};
const ALIASES: Record<string, string> = {
  equalto: 'eq',
  '==': 'eq',
  '!=': 'ne',
  lessthan: 'lt',
  '<': 'lt',
  '<=': 'le',
  greaterthan: 'gt',
  '>': 'gt',
  '>=': 'ge',
};

/** `value is name(args)` */
export function runTest(name: string, value: Value, args: Value[]): boolean {
  const key = ALIASES[name] ?? name;
  if (!Object.hasOwn(TESTS, key)) throw new JinjaFault(`There is no test '${name}'`);
  return (TESTS[key] as Test)(value, ...args);
}
