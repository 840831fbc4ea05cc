import { Arguments } from '../jinja/arguments.js';
import { callValue } from '../jinja/evaluate.js';
import { binary } from '../jinja/operators.js';
import { iterate, Module, truthy, tuple, type JinjaFunction, type Value } from '../jinja/values.js';

const product = (lists: Value[][]): Value[][] =>
  lists.reduce<Value[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]]);

/** ordered choices of `size` items; `next` says from which place on the following one may be taken */
function choose(items: Value[], size: number, next: (at: number) => number, repeats: boolean): Value[] {
  const pick = (from: number, taken: number[]): Value[][] => {
    if (taken.length === size) return [taken.map((at) => items[at] as Value)];
    return items.flatMap((_, at) =>
      at < from || (!repeats && taken.includes(at)) ? [] : pick(next(at), [...taken, at]),
    );
  };
  return pick(0, []).map((row) => tuple(...row));
}

/** what `repeat`, `cycle` and `count` would go on with for ever is cut off here */
const ENDLESS = 10_000;
const listOf = (value: Value | undefined): Value[] => [...iterate(value ?? [])];

const ITERTOOLS_FUNCTIONS: Record<string, (given: Arguments) => Value> = {
  chain: (given) => given.args.flatMap(listOf),
  product: (given) => {
    const lists = given.args.map(listOf);
    const times = given.number(Infinity, 'repeat', 1);
    return product(Array.from({ length: times }, () => lists).flat()).map((row) => tuple(...row));
  },
  combinations: (given) =>
    choose(listOf(given.value(0, 'iterable')), given.number(1, 'r'), (at) => at + 1, false),
  combinations_with_replacement: (given) =>
    choose(listOf(given.value(0, 'iterable')), given.number(1, 'r'), (at) => at, true),
  permutations: (given) => {
    const items = listOf(given.value(0, 'iterable'));
    return choose(items, given.number(1, 'r', items.length), () => 0, false);
  },
  islice: (given) => {
    const [first = null, second = null, step = null] = [1, 2, 3].map((index) =>
      given.optionalNumber(index, ''),
    );
    const [from, to] = given.args.length < 3 ? [0, first] : [first ?? 0, second];
    return listOf(given.value(0, 'iterable'))
      .slice(from, to ?? undefined)
      .filter((_, index) => index % (step ?? 1) === 0);
  },
  zip_longest: (given) => {
    const lists = given.args.map(listOf);
    const fill = given.value(Infinity, 'fillvalue', null);
    const size = Math.max(0, ...lists.map(({ length }) => length));
    return Array.from({ length: size }, (_, row) => tuple(...lists.map((list) => list[row] ?? fill)));
  },
  accumulate: (given) => {
    const add = given.value(1, 'func', null);
    const sums: Value[] = [];
    for (const item of listOf(given.value(0, 'iterable'))) {
      const last = sums.at(-1);
      if (last === undefined) sums.push(item);
      else sums.push(add === null ? binary('+', last, item) : callValue(add, [last, item]));
    }
    return sums;
  },
  repeat: (given) =>
    Array.from({ length: given.optionalNumber(1, 'times') ?? ENDLESS }, () => given.value(0, 'object')),
  cycle: (given) => {
    const items = listOf(given.value(0, 'iterable'));
    return items.length === 0
      ? []
      : Array.from({ length: ENDLESS }, (_, at) => items[at % items.length] as Value);
  },
  count: (given) =>
    Array.from({ length: ENDLESS }, (_, at) => given.number(0, 'start', 0) + at * given.number(1, 'step', 1)),
  compress: (given) => {
    const keep = listOf(given.value(1, 'selectors'));
    return listOf(given.value(0, 'data')).filter((_, at) => truthy(keep[at] ?? false));
  },
  starmap: (given) =>
    listOf(given.value(1, 'iterable')).map((row) => callValue(given.value(0, 'function'), listOf(row))),
  tee: (given) =>
    tuple(...Array.from({ length: given.number(1, 'n', 2) }, () => listOf(given.value(0, 'iterable')))),
};

/** `modules.itertools`: lists, where Python gives iterators */
export const ITERTOOLS = new Module('itertools', {
  ...Object.fromEntries(
    Object.entries(ITERTOOLS_FUNCTIONS).map(([name, run]): [string, JinjaFunction] => [
      name,
      (args, kwargs) => run(new Arguments(`itertools.${name}()`, args, kwargs)),
    ]),
  ),
});
