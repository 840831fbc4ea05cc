import { Arguments } from './arguments.js';
import { JinjaFault } from './fault.js';
import {
  compare,
  equal,
  iterate,
  keyOf,
  repr,
  tuple,
  truthy,
  Tuple,
  type Dict,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from './values.js';

type Method<T> = (self: T, given: Arguments) => Value;

const bind = <T>(
  methods: Record<string, Method<T>>,
  type: string,
  self: T,
  name: string,
): JinjaFunction | undefined => {
  if (!Object.hasOwn(methods, name)) return undefined;
  const method = methods[name] as Method<T>;
  return (args: Value[], kwargs: Kwargs) => method(self, new Arguments(`${type}.${name}()`, args, kwargs));
};

const position = (list: Value[], item: Value): number => {
  const at = list.findIndex((each) => equal(each, item));
  if (at < 0) throw new JinjaFault(`${repr(item)} is not in the list`);
  return at;
};

const TUPLE: Record<string, Method<Value[]>> = {
  index: (list, given) => position(list, given.value(0, 'value')),
  count: (list, given) => list.filter((each) => equal(each, given.value(0, 'value'))).length,
};

const LIST: Record<string, Method<Value[]>> = {
  ...TUPLE,
  append: (list, given) => (list.push(given.value(0, 'object')), null),
  extend: (list, given) => (list.push(...iterate(given.value(0, 'iterable'))), null),
  insert: (list, given) => (list.splice(given.number(0, 'index'), 0, given.value(1, 'object')), null),
  pop: (list, given) => {
    const index = given.number(0, 'index', -1);
    const [item] = list.splice(index, 1);
    if (item === undefined) throw new JinjaFault('pop from a list that has no such item');
    return item;
  },
  remove: (list, given) => (list.splice(position(list, given.value(0, 'value')), 1), null),
  clear: (list) => ((list.length = 0), null),
  copy: (list) => [...list],
  reverse: (list) => (list.reverse(), null),
  sort: (list, given) => {
    const key = given.kwargs['key'];
    const of = (item: Value): Value =>
      typeof key === 'function' ? key([item], {}, { file: '', line: 0, column: 0 }) : item;
    list.sort((a, b) => compare(of(a), of(b)));
    if (truthy(given.kwargs['reverse'] ?? false)) list.reverse();
    return null;
  },
};

/** pairs, or another dict, as `update` and `dict()` take them */
export function mergeInto(dict: Dict, source: Value, named: Kwargs): void {
  if (source instanceof Map) for (const [key, value] of source) dict.set(key, value);
  else
    for (const pair of iterate(source)) {
      const [key, value] = iterate(pair);
      if (key === undefined || value === undefined)
        throw new JinjaFault(`A dict is made of pairs, not of ${repr(pair)}`);
      dict.set(keyOf(key), value);
    }
  for (const [key, value] of Object.entries(named)) dict.set(key, value);
}

const DICT: Record<string, Method<Dict>> = {
  items: (dict) => [...dict].map(([key, value]) => tuple(key, value)),
  keys: (dict) => [...dict.keys()],
  values: (dict) => [...dict.values()],
  get: (dict, given) => {
    const key = keyOf(given.value(0, 'key'));
    return dict.has(key) ? (dict.get(key) as Value) : given.value(1, 'default', null);
  },
  pop: (dict, given) => {
    const key = keyOf(given.value(0, 'key'));
    const value = dict.get(key);
    if (value === undefined && !given.has(1, 'default'))
      throw new JinjaFault(`The dict has no key ${repr(key)}`);
    dict.delete(key);
    return value ?? given.value(1, 'default');
  },
  popitem: (dict) => {
    const last = [...dict].at(-1);
    if (!last) throw new JinjaFault('popitem(): the dict is empty');
    dict.delete(last[0]);
    return tuple(...last);
  },
  fromkeys: (_dict, given) =>
    new Map([...iterate(given.value(0, 'keys'))].map((key) => [keyOf(key), given.value(1, 'value', null)])),
  setdefault: (dict, given) => {
    const key = keyOf(given.value(0, 'key'));
    if (!dict.has(key)) dict.set(key, given.value(1, 'default', null));
    return dict.get(key) as Value;
  },
  update: (dict, given) => (mergeInto(dict, given.args[0] ?? new Map(), given.kwargs), null),
  copy: (dict) => new Map(dict),
  clear: (dict) => (dict.clear(), null),
};

const others = (given: Arguments): Set<Value>[] =>
  given.args.map((each) => new Set([...iterate(each)].map(keyOf)));

const SET: Record<string, Method<Set<Value>>> = {
  add: (set, given) => (set.add(keyOf(given.value(0, 'elem'))), null),
  update: (set, given) => {
    for (const other of others(given)) for (const item of other) set.add(item);
    return null;
  },
  discard: (set, given) => (set.delete(keyOf(given.value(0, 'elem'))), null),
  remove: (set, given) => {
    const item = given.value(0, 'elem');
    if (!set.delete(keyOf(item))) throw new JinjaFault(`The set has no ${repr(item)}`);
    return null;
  },
  pop: (set) => {
    const [item] = set;
    if (item === undefined) throw new JinjaFault('pop from an empty set');
    set.delete(item);
    return item;
  },
  clear: (set) => (set.clear(), null),
  union: (set, given) => new Set([set, ...others(given)].flatMap((each) => [...each])),
  intersection: (set, given) => {
    const all = others(given);
    return new Set([...set].filter((item) => all.every((other) => other.has(item))));
  },
  difference: (set, given) => {
    const all = others(given);
    return new Set([...set].filter((item) => !all.some((other) => other.has(item))));
  },
  symmetric_difference: (set, given) => {
    const [other = new Set<Value>()] = others(given);
    return new Set([
      ...[...set].filter((item) => !other.has(item)),
      ...[...other].filter((item) => !set.has(item)),
    ]);
  },
  issubset: (set, given) => [...set].every((item) => others(given)[0]?.has(item)),
  issuperset: (set, given) => others(given).every((other) => [...other].every((item) => set.has(item))),
  isdisjoint: (set, given) => others(given).every((other) => ![...other].some((item) => set.has(item))),
  copy: (set) => new Set(set),
};

/** A method of Python's list, tuple, dict or set. */
export function collectionMethod(value: Value, name: string): JinjaFunction | undefined {
  if (value instanceof Tuple) return bind(TUPLE, 'tuple', value as Value[], name);
  if (Array.isArray(value)) return bind(LIST, 'list', value, name);
  if (value instanceof Map) return bind(DICT, 'dict', value, name);
  if (value instanceof Set) return bind(SET, 'set', value, name);
  return undefined;
}
