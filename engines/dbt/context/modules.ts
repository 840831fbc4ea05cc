import { Arguments } from '../jinja/arguments.js';
import { callValue } from '../jinja/evaluate.js';
import { JinjaFault } from '../jinja/fault.js';
import { binary } from '../jinja/operators.js';
import {
  iterate,
  Module,
  PyObject,
  str,
  toNumber,
  truthy,
  tuple,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';
import { DateTime, Time, UTC } from './datetime.js';
import { DAY, TimeDelta } from './time-delta.js';
import { formatTime, parseDateTime } from './time-format.js';
import { TimeZone } from './time-zone.js';

/** A class: called it makes one, and it has functions of its own. */
class ClassModule extends Module {
  constructor(
    name: string,
    private readonly make: JinjaFunction,
    members: Record<string, Value>,
  ) {
    super(name, members);
  }
  override toString(): string {
    return `<class '${this.name}'>`;
  }
  override call(args: Value[], kwargs: Kwargs, site: Parameters<JinjaFunction>[2]): Value {
    return this.make(args, kwargs, site);
  }
}

/** `modules` of dbt's context. @param now ISO 8601, what `now()` and `today()` give: the run's time, not the clock's */
export function modules(now: string): Module {
  const instant = DateTime.fromIso(now).instant;
  const here = new DateTime(instant, false);
  const datetime = new Module('datetime', {
    date: new ClassModule('datetime.date', (args, kwargs) => DateTime.make(true, args, kwargs), {
      today: () => new DateTime(Math.floor(instant / DAY) * DAY, true),
      fromisoformat: (args) => DateTime.fromIso(str(args[0] ?? '')),
    }),
    datetime: new ClassModule('datetime.datetime', (args, kwargs) => DateTime.make(false, args, kwargs), {
      now: (args, kwargs) => {
        const zone = args[0] ?? kwargs['tz'] ?? null;
        return zone instanceof TimeZone ? new DateTime(instant, false, true).in(zone) : here;
      },
      utcnow: () => here,
      today: () => here,
      fromisoformat: (args) => {
        const { ms, zone } = DateTime.fromIso(str(args[0] ?? ''));
        return new DateTime(ms, false, zone);
      },
      fromtimestamp: (args) => {
        const [seconds = 0, zone = null] = args;
        const time = new DateTime(toNumber(seconds) * 1000, false, zone instanceof TimeZone);
        return zone instanceof TimeZone ? time.in(zone) : time;
      },
      utcfromtimestamp: (args) => new DateTime(toNumber(args[0] ?? 0) * 1000, false),
      combine: (args) => combine(args[0] ?? null, args[1] ?? null),
      strptime: (args) => parseDateTime(str(args[0] ?? ''), str(args[1] ?? '')),
    }),
    time: new ClassModule('datetime.time', (args, kwargs) => Time.make(args, kwargs), {}),
    timedelta: new ClassModule('datetime.timedelta', (args, kwargs) => TimeDelta.make(args, kwargs), {}),
    timezone: new Module('timezone', { utc: UTC() }),
  });
  return new Module('modules', { datetime, re: RE, itertools: ITERTOOLS, pytz: PYTZ });
}

function combine(date: Value, time: Value): Value {
  if (!(date instanceof DateTime) || !(time instanceof Time)) throw new JinjaFault('combine() needs a date and a time');
  return DateTime.fromIso(`${formatTime(date, '%Y-%m-%d')} ${time.toString()}`);
}

const PYTZ = new Module('pytz', {
  utc: UTC(),
  UTC: UTC(),
  timezone: (args) => (/^utc$/i.test(str(args[0] ?? '')) ? UTC() : new TimeZone(str(args[0] ?? ''))),
});

const FLAGS = {
  ...{ IGNORECASE: 2, I: 2, MULTILINE: 8, M: 8, DOTALL: 16, S: 16 },
  ...{ VERBOSE: 64, X: 64, UNICODE: 32, U: 32, ASCII: 256, A: 256, NOFLAG: 0 },
} as const;

/** Python's pattern as a JavaScript one */
function pattern(text: string, flags: number, sticky = ''): RegExp {
  const inline = /^\(\?([imsx]+)\)/.exec(text);
  const source = text
    .slice(inline?.[0].length ?? 0)
    .replaceAll('(?P<', '(?<')
    .replace(/\(\?P=(\w+)\)/g, '\\k<$1>')
    .replaceAll('\\A', '^')
    .replaceAll('\\Z', '$');
  const letters = new Set(inline?.[1] ?? '');
  if (flags & 2) letters.add('i');
  if (flags & 8) letters.add('m');
  if (flags & 16) letters.add('s');
  const readable = flags & 64 || letters.has('x') ? source.replace(/\\.|\[[^\]]*\]|\s+|#.*$/gm, (part) => (/^[\s#]/.test(part) ? '' : part)) : source;
  try {
    return new RegExp(readable, [...letters].filter((letter) => 'ims'.includes(letter)).join('') + sticky);
  } catch {
    throw new JinjaFault(`'${text}' is not a regular expression`);
  }
}

class Match extends PyObject {
  readonly typeName = 'Match';
  constructor(private readonly found: RegExpExecArray) {
    super();
  }
  private group(key: Value): Value {
    const value = typeof key === 'number' ? this.found[key] : this.found.groups?.[str(key)];
    return value ?? null;
  }
  override attribute(name: string): Value | undefined {
    const methods: Record<string, JinjaFunction> = {
      group: (args) =>
        args.length > 1 ? tuple(...args.map((key) => this.group(key))) : this.group(args[0] ?? 0),
      groups: () => tuple(...this.found.slice(1).map((each: string | undefined) => each ?? null)),
      groupdict: () => new Map(Object.entries(this.found.groups ?? {})),
      start: () => this.found.index,
      end: () => this.found.index + this.found[0].length,
      span: () => tuple(this.found.index, this.found.index + this.found[0].length),
    };
    return Object.hasOwn(methods, name) ? methods[name] : undefined;
  }
  override item(key: Value): Value {
    return this.group(key);
  }
  override toString(): string {
    return `<re.Match '${this.found[0]}'>`;
  }
}

function matchOf(whole: string, parts: (string | undefined)[], named: Record<string, string>): Match {
  const at = parts.findIndex((part) => typeof part === 'number');
  const found = parts.slice(0, at < 0 ? 1 : at) as unknown as RegExpExecArray;
  return new Match(Object.assign(found, { index: Number(parts[at] ?? 0), input: whole, groups: named }));
}

const matched = (found: RegExpExecArray | null): Value => (found ? new Match(found) : null);

const RE_FUNCTIONS: Record<string, (given: Arguments) => Value> = {
  match: (given) =>
    matched(
      pattern(`(?:${given.text(0, 'pattern')})`, given.number(2, 'flags', 0), 'y').exec(
        given.text(1, 'string'),
      ),
    ),
  fullmatch: (given) =>
    matched(
      pattern(`^(?:${given.text(0, 'pattern')})$`, given.number(2, 'flags', 0)).exec(given.text(1, 'string')),
    ),
  search: (given) =>
    matched(pattern(given.text(0, 'pattern'), given.number(2, 'flags', 0)).exec(given.text(1, 'string'))),
  findall: (given) =>
    [
      ...given
        .text(1, 'string')
        .matchAll(pattern(given.text(0, 'pattern'), given.number(2, 'flags', 0), 'g')),
    ].map((found) => (found.length > 2 ? tuple(...found.slice(1)) : (found[1] ?? found[0]))),
  finditer: (given) =>
    [
      ...given
        .text(1, 'string')
        .matchAll(pattern(given.text(0, 'pattern'), given.number(2, 'flags', 0), 'g')),
    ].map((found) => new Match(found)),
  split: (given) => {
    const text = given.text(1, 'string');
    const limit = given.number(2, 'maxsplit', 0) || Infinity;
    const parts: Value[] = [];
    let at = 0;
    let cuts = 0;
    for (const found of text.matchAll(pattern(given.text(0, 'pattern'), given.number(3, 'flags', 0), 'g'))) {
      if (cuts++ >= limit) break;
      parts.push(text.slice(at, found.index), ...found.slice(1).map((each: string | undefined) => each ?? null));
      at = found.index + found[0].length;
    }
    return [...parts, text.slice(at)];
  },
  subn: (given) => {
    const found = [
      ...given
        .text(2, 'string')
        .matchAll(pattern(given.text(0, 'pattern'), given.number(4, 'flags', 0), 'g')),
    ].length;
    const count = given.number(3, 'count', 0);
    return tuple((RE_FUNCTIONS['sub'] as (given: Arguments) => Value)(given), count > 0 ? Math.min(count, found) : found);
  },
  sub: (given) => {
    const replacement = given.value(1, 'repl');
    const count = given.number(3, 'count', 0) || Infinity;
    let done = 0;
    return given
      .text(2, 'string')
      .replace(pattern(given.text(0, 'pattern'), given.number(4, 'flags', 0), 'g'), (...parts: unknown[]) => {
        const whole = parts[0] as string;
        if (done++ >= count) return whole;
        const named = typeof parts.at(-1) === 'object' ? (parts.at(-1) as Record<string, string>) : {};
        const groups = parts as (string | undefined)[];
        if (typeof replacement !== 'string') return str(callValue(replacement, [matchOf(whole, groups, named)]));
        return replacement.replace(
          /\\(?:g<(\w+)>|(\d)|(.))/g,
          (_, name: string | undefined, digit: string | undefined, other: string) => {
            if (name !== undefined) return (/^\d+$/.test(name) ? groups[Number(name)] : named[name]) ?? '';
            if (digit !== undefined) return groups[Number(digit)] ?? '';
            return { n: '\n', t: '\t', r: '\r' }[other] ?? other;
          },
        );
      });
  },
  escape: (given) => given.text(0, 'pattern').replace(/[.*+?^${}()|[\]\\\s#&~-]/g, '\\$&'),
};

const RE = new Module('re', {
  ...FLAGS,
  ...Object.fromEntries(
    Object.entries(RE_FUNCTIONS).map(([name, run]): [string, JinjaFunction] => [
      name,
      (args, kwargs) => run(new Arguments(`re.${name}()`, args, kwargs)),
    ]),
  ),
  compile: (args) => {
    const bound =
      (name: string): JinjaFunction =>
      (rest, kwargs) =>
        (RE_FUNCTIONS[name] as (given: Arguments) => Value)(
          new Arguments(`re.${name}()`, [args[0] ?? '', ...rest], { flags: args[1] ?? 0, ...kwargs }),
        );
    return new Module(
      'Pattern',
      Object.fromEntries(Object.keys(RE_FUNCTIONS).map((name) => [name, bound(name)])),
    );
  },
});

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
  combinations: (given) => choose(listOf(given.value(0, 'iterable')), given.number(1, 'r'), (at) => at + 1, false),
  combinations_with_replacement: (given) =>
    choose(listOf(given.value(0, 'iterable')), given.number(1, 'r'), (at) => at, true),
  permutations: (given) => {
    const items = listOf(given.value(0, 'iterable'));
    return choose(items, given.number(1, 'r', items.length), () => 0, false);
  },
  islice: (given) => {
    const [first, second, step] = [1, 2, 3].map((index) => given.optionalNumber(index, '')) as (number | null)[];
    const [from, to] = given.args.length < 3 ? [0, first ?? null] : [first ?? 0, second ?? null];
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
    return items.length === 0 ? [] : Array.from({ length: ENDLESS }, (_, at) => items[at % items.length] as Value);
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

const ITERTOOLS = new Module('itertools', {
  ...Object.fromEntries(
    Object.entries(ITERTOOLS_FUNCTIONS).map(([name, run]): [string, JinjaFunction] => [
      name,
      (args, kwargs) => run(new Arguments(`itertools.${name}()`, args, kwargs)),
    ]),
  ),
});
