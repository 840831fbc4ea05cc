import type { Arguments } from './arguments.js';
import { JinjaFault } from './fault.js';
import type { Filter, FilterHost } from './filter.js';
import { binary } from './operators.js';
import { runTest } from './tests.js';
import { compare, equal, iterate, PyObject, str, truthy, tuple, Undefined, type Value } from './values.js';

type KeyOf = (item: Value) => Value;

/** `a.b.0` reaches through attributes and items */
const reach = (item: Value, path: Value, host: FilterHost, fallback?: Value): Value => {
  let value = item;
  for (const part of typeof path === 'number' ? [path] : str(path).split('.')) {
    value =
      typeof part === 'number' || /^\d+$/.test(part)
        ? host.item(value, Number(part))
        : host.item(value, part);
    if (value instanceof Undefined && fallback !== undefined) return fallback;
  }
  return value;
};

const folded =
  (of: KeyOf, caseSensitive: boolean): KeyOf =>
  (item) => {
    const key = of(item);
    return typeof key === 'string' && !caseSensitive ? key.toLowerCase() : key;
  };

const byAttribute = (path: Value, host: FilterHost): KeyOf =>
  path === null ? (item) => item : (item) => reach(item, path, host);

function sort(input: Value, given: Arguments, host: FilterHost): Value[] {
  const attribute = given.value(2, 'attribute', null);
  const paths = typeof attribute === 'string' ? attribute.split(',') : [attribute];
  const keys = paths.map((path) => folded(byAttribute(path, host), given.flag(1, 'case_sensitive')));
  const sign = given.flag(0, 'reverse') ? -1 : 1;
  return [...iterate(input)].sort((a, b) => {
    for (const key of keys) {
      const order = compare(key(a), key(b));
      if (order !== 0) return sign * order;
    }
    return 0;
  });
}

const extreme =
  (sign: 1 | -1): Filter =>
  (input, given, host) => {
    const key = folded(byAttribute(given.value(1, 'attribute', null), host), given.flag(0, 'case_sensitive'));
    let best: Value | undefined;
    for (const item of iterate(input))
      if (best === undefined || sign * compare(key(item), key(best)) > 0) best = item;
    return best ?? new Undefined('the extreme of nothing');
  };

/** map, select and reject of something false (none above all) are of nothing, where other filters refuse it */
const itemsOf = (input: Value): Value[] => (truthy(input) ? [...iterate(input)] : []);

/** select, reject, selectattr, rejectattr */
const chooser =
  (keep: boolean, byAttributeFirst: boolean): Filter =>
  (input, given, host) => {
    const args = byAttributeFirst ? given.args.slice(1) : given.args;
    const [test, ...rest] = args;
    const of = byAttributeFirst ? byAttribute(given.value(0, 'attribute'), host) : (item: Value) => item;
    return itemsOf(input).filter((item) => {
      const value = of(item);
      return (test === undefined ? truthy(value) : runTest(str(test), value, rest)) === keep;
    });
  };

const map: Filter = (input, given, host) => {
  const attribute = given.kwargs['attribute'];
  if (attribute !== undefined)
    return itemsOf(input).map((item) => reach(item, attribute, host, given.kwargs['default']));
  const [name, ...rest] = given.args;
  if (name === undefined) throw new JinjaFault('| map needs a filter or an attribute');
  return itemsOf(input).map((item) => host.filter(str(name), item, rest, given.kwargs));
};

const groupby: Filter = (input, given, host) => {
  const path = given.value(0, 'attribute');
  const of = (item: Value): Value => reach(item, path, host, given.kwargs['default']);
  const key = folded(of, given.flag(2, 'case_sensitive'));
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of iterate(input)) {
    const group = groups.find((each) => equal(key(each.items[0] as Value), key(item)));
    if (group) group.items.push(item);
    else groups.push({ key: of(item), items: [item] });
  }
  groups.sort((a, b) => compare(key(a.items[0] as Value), key(b.items[0] as Value)));
  return groups.map(({ key: grouper, items }) => new Group(grouper, items));
};

/** Reads as a pair, and by `.grouper` and `.list`. */
class Group extends PyObject {
  readonly typeName = 'tuple';
  constructor(
    private readonly grouper: Value,
    private readonly items: Value[],
  ) {
    super();
  }
  override attribute(name: string): Value | undefined {
    return name === 'grouper' ? this.grouper : name === 'list' ? this.items : undefined;
  }
  override item(key: Value): Value | undefined {
    return key === 0 ? this.grouper : key === 1 ? this.items : undefined;
  }
  override iterate(): Iterable<Value> {
    return [this.grouper, this.items];
  }
  override toString(): string {
    return str(tuple(this.grouper, this.items));
  }
}

const slices: Filter = (input, given) => {
  const items = [...iterate(input)];
  const count = given.number(0, 'slices');
  const fill = given.value(1, 'fill_with', null);
  const [size, longer] = [Math.floor(items.length / count), items.length % count];
  let at = 0;
  return Array.from({ length: count }, (_, index) => {
    const part = items.slice(at, (at += size + (index < longer ? 1 : 0)));
    if (fill !== null && index >= longer && longer > 0) part.push(fill);
    return part;
  });
};

export const LIST_FILTERS: Record<string, Filter> = {
  batch: (input, given) => {
    const size = given.number(0, 'linecount');
    const fill = given.value(1, 'fill_with', null);
    const items = [...iterate(input)];
    const batches = [];
    for (let at = 0; at < items.length; at += size) batches.push(items.slice(at, at + size));
    const last = batches.at(-1);
    if (last && fill !== null) while (last.length < size) last.push(fill);
    return batches;
  },
  dictsort: (input, given) => {
    if (!(input instanceof Map)) throw new JinjaFault('| dictsort needs a dict');
    const by = given.text(1, 'by', 'key') === 'value' ? 1 : 0;
    const key = folded((pair) => (pair as Value[])[by] as Value, given.flag(0, 'case_sensitive'));
    const pairs: Value[] = [...input].map(([name, value]) => tuple(name, value));
    pairs.sort((a, b) => compare(key(a), key(b)));
    return given.flag(2, 'reverse') ? pairs.reverse() : pairs;
  },
  first: (input) => [...iterate(input)][0] ?? new Undefined('the first item of nothing'),
  last: (input) => [...iterate(input)].at(-1) ?? new Undefined('the last item of nothing'),
  groupby,
  items: (input) => (input instanceof Map ? [...input].map(([key, value]) => tuple(key, value)) : []),
  join: (input, given, host) => {
    const of = byAttribute(given.value(1, 'attribute', null), host);
    return [...iterate(input)].map((item) => str(of(item))).join(given.text(0, 'd', ''));
  },
  list: (input) => [...iterate(input)],
  map,
  max: extreme(1),
  min: extreme(-1),
  reject: chooser(false, false),
  rejectattr: chooser(false, true),
  select: chooser(true, false),
  selectattr: chooser(true, true),
  reverse: (input) =>
    typeof input === 'string' ? [...input].reverse().join('') : [...iterate(input)].reverse(),
  random: () => {
    throw new JinjaFault('| random would give another result each time, so it is not available');
  },
  slice: slices,
  sort,
  sum: (input, given, host) => {
    const of = byAttribute(given.value(0, 'attribute', null), host);
    return [...iterate(input)].reduce((sum, item) => binary('+', sum, of(item)), given.value(1, 'start', 0));
  },
  unique: (input, given, host) => {
    const key = folded(byAttribute(given.value(1, 'attribute', null), host), given.flag(0, 'case_sensitive'));
    const seen: Value[] = [];
    return [...iterate(input)].filter((item) => {
      const value = key(item);
      if (seen.some((each) => equal(each, value))) return false;
      seen.push(value);
      return true;
    });
  },
};
