import { Arguments } from '../jinja/arguments.js';
import { callValue } from '../jinja/evaluate.js';
import { JinjaFault } from '../jinja/fault.js';
import { Module, PyObject, str, tuple, type JinjaFunction, type Value } from '../jinja/values.js';

const FLAGS = {
  ...{ IGNORECASE: 2, I: 2, MULTILINE: 8, M: 8, DOTALL: 16, S: 16 },
  ...{ VERBOSE: 64, X: 64, UNICODE: 32, U: 32, ASCII: 256, A: 256, NOFLAG: 0 },
} as const;

/** an escape, a class, a group that Python spells in its own way, an end of a line, what `x` leaves out */
const PARTS = /\\[\s\S]|\[(\^?)(\]?)((?:\\[\s\S]|[^\]\\])*)\]|\(\?P<|\(\?P=(\w+)\)|\$|\s+|#.*/g;

/** Python's pattern as a JavaScript one */
function pattern(text: string, flags: number, sticky = '', whole = false): RegExp {
  const inline = /^(?:\(\?[aimsux]+\))*/.exec(text)?.[0] ?? '';
  const letters = new Set(inline.replace(/[^imsx]/g, ''));
  if (flags & FLAGS.I) letters.add('i');
  if (flags & FLAGS.M) letters.add('m');
  if (flags & FLAGS.S) letters.add('s');
  const verbose = (flags & FLAGS.X) !== 0 || letters.has('x');
  const translate = (
    part: string,
    not: string | undefined,
    bracket: string | undefined,
    items: string | undefined,
    name: string | undefined,
  ): string => {
    if (items !== undefined) return `[${not ?? ''}${bracket ? '\\]' : ''}${items}]`;
    if (name !== undefined) return `\\k<${name}>`;
    if (part === '(?P<') return '(?<';
    // without MULTILINE it is also before the last line's end
    if (part === '$') return letters.has('m') ? part : '(?=\\n?$)';
    if (part === '\\A') return '(?<![\\s\\S])';
    if (part === '\\Z') return '(?![\\s\\S])';
    return verbose && /^[\s#]/.test(part) ? '' : part;
  };
  const source = text.slice(inline.length).replace(PARTS, translate);
  try {
    return new RegExp(
      whole ? `^(?:${source})$` : source,
      [...letters].filter((letter) => 'ims'.includes(letter)).join('') + sticky,
    );
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
      pattern(given.text(0, 'pattern'), given.number(2, 'flags', 0), 'y').exec(given.text(1, 'string')),
    ),
  fullmatch: (given) =>
    matched(
      pattern(given.text(0, 'pattern'), given.number(2, 'flags', 0), '', true).exec(given.text(1, 'string')),
    ),
  search: (given) =>
    matched(pattern(given.text(0, 'pattern'), given.number(2, 'flags', 0)).exec(given.text(1, 'string'))),
  findall: (given) =>
    [
      ...given
        .text(1, 'string')
        .matchAll(pattern(given.text(0, 'pattern'), given.number(2, 'flags', 0), 'g')),
    ].map((found) => {
      // a group that took no part is empty text here, and none elsewhere
      const groups = found.slice(1).map((each: string | undefined) => each ?? '');
      return groups.length > 1 ? tuple(...groups) : (groups[0] ?? found[0]);
    }),
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
      parts.push(
        text.slice(at, found.index),
        ...found.slice(1).map((each: string | undefined) => each ?? null),
      );
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
    return tuple(
      (RE_FUNCTIONS['sub'] as (given: Arguments) => Value)(given),
      count > 0 ? Math.min(count, found) : found,
    );
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
        if (typeof replacement !== 'string')
          return str(callValue(replacement, [matchOf(whole, groups, named)]));
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

/** `modules.re` */
export const RE = new Module('re', {
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
