import { Arguments } from './arguments.js';
import { JinjaFault } from './fault.js';
import { braceFormat, zeroFill } from './text-format.js';
import {
  iterate,
  repr,
  str,
  tuple,
  typeName,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from './values.js';

type Method = (text: string, given: Arguments) => Value;

const escapeClass = (characters: string): string => characters.replace(/[\\\]^-]/g, '\\$&');
const strip = (text: string, characters: string | null, start: boolean, end: boolean): string => {
  const set = characters === null ? '\\s' : escapeClass(characters);
  if (set === '') return text;
  let result = text;
  if (start) result = result.replace(new RegExp(`^[${set}]+`, 'u'), '');
  if (end) result = result.replace(new RegExp(`[${set}]+$`, 'u'), '');
  return result;
};

export const titleCase = (text: string): string =>
  text.replace(/\p{L}+/gu, (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase());
export const capitalize = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();

const affixes = (value: Value): string[] => (Array.isArray(value) ? value.map(str) : [str(value)]);

function split(text: string, separator: string | null, limit: number): string[] {
  if (separator === '') throw new JinjaFault('split needs a separator that is not empty');
  const parts: string[] = [];
  let rest = separator === null ? text.trimStart() : text;
  while (limit < 0 || parts.length < limit) {
    const found = separator === null ? /\s+/.exec(rest) : null;
    const at = separator === null ? (found?.index ?? -1) : rest.indexOf(separator);
    if (at < 0) break;
    parts.push(rest.slice(0, at));
    rest = rest.slice(at + (found ? found[0].length : (separator as string).length));
  }
  return separator === null && rest === '' ? parts : [...parts, rest];
}

function rsplit(text: string, separator: string | null, limit: number): string[] {
  const all = split(text, separator, -1);
  if (limit < 0 || all.length <= limit + 1) return all;
  const head = all.slice(0, all.length - limit);
  return [head.join(separator ?? ' '), ...all.slice(all.length - limit)];
}

const replaceAll = (text: string, from: string, to: string, count: number): string => {
  if (count < 0) return text.replaceAll(from, () => to);
  let result = text;
  let start = 0;
  for (let i = 0; i < count; i++) {
    const at = result.indexOf(from, start);
    if (at < 0) break;
    result = result.slice(0, at) + to + result.slice(at + from.length);
    start = at + to.length;
  }
  return result;
};

/** the part of a text that `start` and `end` name */
const within = (text: string, given: Arguments): string =>
  text.slice(given.number(1, 'start', 0), given.optionalNumber(2, 'end') ?? undefined);

const cased = (text: string): boolean => text.toLowerCase() !== text.toUpperCase();
const pad = (text: string, given: Arguments, before: number): string => {
  const missing = Math.max(0, given.number(0, 'width') - text.length);
  const left = Math.floor(missing * before);
  const fill = given.text(1, 'fillchar', ' ');
  return fill.repeat(left) + text + fill.repeat(missing - left);
};

const METHODS: Record<string, Method> = {
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  casefold: (text) => text.toLowerCase().replaceAll('ß', 'ss'),
  title: (text) => titleCase(text),
  capitalize: (text) => capitalize(text),
  swapcase: (text) =>
    text.replace(/\p{L}/gu, (letter) =>
      letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
    ),
  strip: (text, given) => strip(text, given.optionalText(0, 'chars'), true, true),
  lstrip: (text, given) => strip(text, given.optionalText(0, 'chars'), true, false),
  rstrip: (text, given) => strip(text, given.optionalText(0, 'chars'), false, true),
  split: (text, given) => split(text, given.optionalText(0, 'sep'), given.number(1, 'maxsplit', -1)),
  rsplit: (text, given) => rsplit(text, given.optionalText(0, 'sep'), given.number(1, 'maxsplit', -1)),
  splitlines: (text, given) =>
    (text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? []).map((line) =>
      given.flag(0, 'keepends') ? line : line.replace(/[\r\n]+$/, ''),
    ),
  partition: (text, given) => {
    const separator = given.text(0, 'sep');
    const at = text.indexOf(separator);
    return at < 0
      ? tuple(text, '', '')
      : tuple(text.slice(0, at), separator, text.slice(at + separator.length));
  },
  rpartition: (text, given) => {
    const separator = given.text(0, 'sep');
    const at = text.lastIndexOf(separator);
    return at < 0
      ? tuple('', '', text)
      : tuple(text.slice(0, at), separator, text.slice(at + separator.length));
  },
  join: (text, given) =>
    [...iterate(given.value(0, 'iterable'))]
      .map((item, index) => {
        if (typeof item === 'string') return item;
        throw new JinjaFault(`join() needs texts, and item ${index} is ${typeName(item)} ${repr(item)}`);
      })
      .join(text),
  replace: (text, given) =>
    replaceAll(text, given.text(0, 'old'), given.text(1, 'new'), given.number(2, 'count', -1)),
  startswith: (text, given) =>
    affixes(given.value(0, 'prefix')).some((affix) => within(text, given).startsWith(affix)),
  endswith: (text, given) =>
    affixes(given.value(0, 'suffix')).some((affix) => within(text, given).endsWith(affix)),
  removeprefix: (text, given) =>
    text.startsWith(given.text(0, 'prefix')) ? text.slice(given.text(0, 'prefix').length) : text,
  removesuffix: (text, given) => {
    const suffix = given.text(0, 'suffix');
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  },
  find: (text, given) => text.indexOf(given.text(0, 'sub'), given.number(1, 'start', 0)),
  rfind: (text, given) => text.lastIndexOf(given.text(0, 'sub')),
  index: (text, given) => {
    const at = text.indexOf(given.text(0, 'sub'), given.number(1, 'start', 0));
    if (at < 0) throw new JinjaFault(`'${given.text(0, 'sub')}' is not in '${text}'`);
    return at;
  },
  count: (text, given) => text.split(given.text(0, 'sub')).length - 1,
  zfill: (text, given) => zeroFill(text, given.number(0, 'width')),
  ljust: (text, given) => pad(text, given, 0),
  rjust: (text, given) => pad(text, given, 1),
  center: (text, given) => {
    const missing = Math.max(0, given.number(0, 'width') - text.length);
    // Python puts the odd one on the left when the width is odd
    const left = Math.floor(missing / 2) + (missing & given.number(0, 'width') & 1);
    const fill = given.text(1, 'fillchar', ' ');
    return fill.repeat(left) + text + fill.repeat(missing - left);
  },
  expandtabs: (text, given) => {
    const size = given.number(0, 'tabsize', 8);
    let column = 0;
    return [...text]
      .map((char) => {
        const width = char === '\t' ? size - (column % size) : 1;
        column = char === '\n' ? 0 : column + width;
        return char === '\t' ? ' '.repeat(width) : char;
      })
      .join('');
  },
  translate: (text, given) => {
    const table = given.value(0, 'table');
    if (!(table instanceof Map)) throw new JinjaFault('translate() needs a dict');
    return [...text]
      .map((char) => {
        const to = table.get(char.codePointAt(0) ?? 0) ?? table.get(char);
        return to === undefined ? char : typeof to === 'number' ? String.fromCodePoint(to) : str(to);
      })
      .join('');
  },
  decode: (text) => text,
  isdigit: (text) => /^\p{Nd}+$/u.test(text),
  isdecimal: (text) => /^\p{Nd}+$/u.test(text),
  isnumeric: (text) => /^\p{N}+$/u.test(text),
  isalpha: (text) => /^\p{L}+$/u.test(text),
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text),
  isspace: (text) => /^\s+$/u.test(text),
  isidentifier: (text) => /^[\p{L}_][\p{L}\p{N}_]*$/u.test(text),
  isupper: (text) => cased(text) && text === text.toUpperCase(),
  islower: (text) => cased(text) && text === text.toLowerCase(),
  istitle: (text) => cased(text) && text === titleCase(text),
  encode: (text) => text,
};

const toKwargs = (value: Value): Kwargs =>
  value instanceof Map ? Object.fromEntries([...value].map(([key, item]) => [str(key), item])) : {};

/** A method of Python's `str`. @param attribute reaches into values for `format` */
export function textMethod(
  text: string,
  name: string,
  attribute: (of: Value, name: string) => Value,
): JinjaFunction | undefined {
  if (name === 'format_map') return (args) => braceFormat(text, [], toKwargs(args[0] ?? null), attribute);
  if (name === 'format') return (args, kwargs) => braceFormat(text, args, kwargs, attribute);
  if (!Object.hasOwn(METHODS, name)) return undefined;
  const method = METHODS[name] as Method;
  return (args: Value[], kwargs: Kwargs) => method(text, new Arguments(`str.${name}()`, args, kwargs));
}
