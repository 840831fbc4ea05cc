import { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import {
  iterate,
  Module,
  PyObject,
  str,
  tuple,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';
import { DateTime, parseDateTime, TimeDelta } from './datetime.js';

/** A class: called it makes one, and it has functions of its own. */
class ClassModule extends Module {
  constructor(
    name: string,
    private readonly make: JinjaFunction,
    members: Record<string, Value>,
  ) {
    super(name, members);
  }
  override call(args: Value[], kwargs: Kwargs, site: Parameters<JinjaFunction>[2]): Value {
    return this.make(args, kwargs, site);
  }
}

/** `modules` of dbt's context. @param now ISO 8601, what `now()` and `today()` give: the run's time, not the clock's */
export function modules(now: string): Module {
  const instant = DateTime.fromIso(now).ms;
  const datetime = new Module('datetime', {
    date: new ClassModule('date', DateTime.make(true), {
      today: () => new DateTime(Math.floor(instant / 86_400_000) * 86_400_000, true),
      fromisoformat: (args) => DateTime.fromIso(str(args[0] ?? '')),
    }),
    datetime: new ClassModule('datetime', DateTime.make(false), {
      now: (args) => new DateTime(instant, false, args.length > 0),
      utcnow: () => new DateTime(instant, false),
      today: () => new DateTime(instant, false),
      fromisoformat: (args) => new DateTime(DateTime.fromIso(str(args[0] ?? '')).ms, false),
      strptime: (args) => parseDateTime(str(args[0] ?? ''), str(args[1] ?? '')),
    }),
    timedelta: (args, kwargs) => TimeDelta.make(args, kwargs),
    timezone: new Module('timezone', { utc: 'UTC' }),
  });
  return new Module('modules', {
    datetime,
    re: RE,
    itertools: ITERTOOLS,
    pytz: new Module('pytz', { utc: 'UTC', UTC: 'UTC' }),
  });
}

const FLAGS = { IGNORECASE: 2, I: 2, MULTILINE: 8, M: 8, DOTALL: 16, S: 16 } as const;

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
  try {
    return new RegExp(source, [...letters].filter((letter) => 'ims'.includes(letter)).join('') + sticky);
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
  split: (given) =>
    given.text(1, 'string').split(pattern(given.text(0, 'pattern'), given.number(3, 'flags', 0))),
  sub: (given) => {
    const replacement = given
      .text(1, 'repl')
      .replaceAll('$', '$$$$')
      .replace(/\\g<(\w+)>/g, (_, name: string) => (/^\d+$/.test(name) ? `$${name}` : `$<${name}>`))
      .replace(/\\(\d)/g, '$$$1')
      .replaceAll('\\n', '\n');
    const count = given.number(3, 'count', 0);
    const flags = given.number(4, 'flags', 0);
    return given
      .text(2, 'string')
      .replace(pattern(given.text(0, 'pattern'), flags, count === 1 ? '' : 'g'), replacement);
  },
  escape: (given) => given.text(0, 'pattern').replace(/[.*+?^${}()|[\]\\ -]/g, '\\$&'),
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

const ITERTOOLS = new Module('itertools', {
  chain: (args) => args.flatMap((each) => [...iterate(each)]),
  product: (args) => product(args.map((each) => [...iterate(each)])).map((row) => tuple(...row)),
  combinations: (args) => {
    const items = [...iterate(args[0] ?? [])];
    const choose = (from: number, left: number): Value[][] =>
      left === 0
        ? [[]]
        : items
            .slice(from)
            .flatMap((item, index) => choose(from + index + 1, left - 1).map((rest) => [item, ...rest]));
    return choose(0, Number(args[1] ?? 2)).map((row) => tuple(...row));
  },
});
