import { Arguments } from './arguments.js';
import { JinjaFault } from './fault.js';
import { toJson } from './json.js';
import type { Filter, FilterHost } from './filter.js';
import { LIST_FILTERS } from './list-filters.js';
import { percentFormat } from './text-format.js';
import { capitalize } from './text-methods.js';
import { NativeText } from './native-text.js';
import { fileSize, wordWrap } from './text-filters.js';
import {
  Float,
  float,
  isFloat,
  isNumber,
  iterate,
  length,
  repr,
  str,
  toNumber,
  truthy,
  tuple,
  Undefined,
  type Kwargs,
  type Value,
} from './values.js';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};
const percent = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
const escape: Filter = (input) => str(input).replace(/[&<>"']/g, (char) => ENTITIES[char] as string);
const fallback: Filter = (input, given) =>
  input instanceof Undefined || (given.flag(1, 'boolean') && !truthy(input))
    ? given.value(0, 'default_value', '')
    : input;

function round(input: Value, given: Arguments): Value {
  const precision = given.number(0, 'precision', 0);
  const method = given.text(1, 'method', 'common');
  if (method === 'common') return isFloat(input) ? float(roundHalfEven(toNumber(input), precision)) : input;
  const factor = 10 ** precision;
  const scaled = toNumber(input) * factor;
  if (method === 'ceil') return float(Math.ceil(scaled) / factor);
  if (method === 'floor') return float(Math.floor(scaled) / factor);
  throw new JinjaFault("The method of | round is 'common', 'ceil' or 'floor'");
}

/** Python's `round`: a number exactly between two goes to the even one. */
function roundHalfEven(value: number, precision: number): number {
  if (!Number.isFinite(value)) return value;
  if (precision >= 0 && Math.abs(value) < 1e20) {
    // all digits of the number as it is, not as it was written
    const digits = Math.abs(value).toFixed(Math.min(100, precision + 60));
    const rest = digits.slice(digits.indexOf('.') + 1 + precision);
    if (!/^50*$/.test(rest)) return Number(value.toFixed(Math.min(100, precision)));
  }
  const factor = 10 ** precision;
  const scaled = value * factor;
  const floor = Math.floor(scaled);
  const half = scaled - floor;
  const up = half > 0.5 || (half === 0.5 && floor % 2 !== 0);
  return (up ? floor + 1 : floor) / factor;
}

const toInteger: Filter = (input, given) => {
  if (input instanceof Undefined && !input.lenient) throw new JinjaFault(`'${input.name}' is undefined`);
  if (typeof input === 'bigint') return input;
  const fallbackValue = given.value(0, 'default', 0);
  if (isNumber(input)) {
    const number = toNumber(input);
    return Number.isFinite(number) ? Math.trunc(number) : fallbackValue;
  }
  const base = given.number(1, 'base', 10);
  const text = str(input).trim().replaceAll('_', '');
  if (base === 10)
    return /^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/.test(text) ? Math.trunc(Number(text)) : fallbackValue;
  const number = parseInt(text.replace(/^0[xXoObB]/, ''), base);
  return Number.isNaN(number) ? fallbackValue : number;
};

const toFloat: Filter = (input, given) => {
  if (typeof input === 'string') {
    const text = input.trim();
    if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return float(Number(text));
    if (/^[+-]?(inf|infinity|nan)$/i.test(text))
      return /nan/i.test(text) ? NaN : text.startsWith('-') ? -Infinity : Infinity;
    return given.value(0, 'default', new Float(0));
  }
  return input === null || input instanceof Undefined
    ? given.value(0, 'default', new Float(0))
    : float(toNumber(input));
};

const FILTERS: Record<string, Filter> = {
  ...LIST_FILTERS,
  abs: (input) => (isFloat(input) ? float(Math.abs(toNumber(input))) : Math.abs(toNumber(input))),
  // not the items of a dict
  attr: (input, given, host) =>
    host.attribute(input instanceof Map ? new Map<Value, Value>() : input, given.text(0, 'name')),
  capitalize: (input) => capitalize(str(input)),
  center: (input, given) => {
    const text = str(input);
    const missing = Math.max(0, given.number(0, 'width', 80) - text.length);
    return ' '.repeat(Math.floor(missing / 2)) + text + ' '.repeat(Math.ceil(missing / 2));
  },
  count: (input) => length(input),
  length: (input) => length(input instanceof Undefined ? '' : input),
  d: fallback,
  default: fallback,
  e: escape,
  escape,
  forceescape: escape,
  safe: (input) => input,
  float: toFloat,
  int: toInteger,
  round,
  format: (input, given) =>
    percentFormat(
      str(input),
      Object.keys(given.kwargs).length > 0 ? new Map(Object.entries(given.kwargs)) : tuple(...given.args),
    ),
  indent: (input, given) => {
    const width = given.value(0, 'width', 4);
    const pad = typeof width === 'string' ? width : ' '.repeat(toNumber(width));
    const [first = '', ...rest] = str(input).split('\n');
    const blank = given.flag(2, 'blank');
    const lines = rest.map((line) => (line === '' && !blank ? line : pad + line));
    return [(given.flag(1, 'first') ? pad : '') + first, ...lines].join('\n');
  },
  lower: (input) => str(input).toLowerCase(),
  upper: (input) => str(input).toUpperCase(),
  title: (input) =>
    str(input).replace(/[^-\s([{<]+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()),
  pprint: (input) => repr(input),
  replace: (input, given) => {
    const [from, to, count] = [given.text(0, 'old'), given.text(1, 'new'), given.number(2, 'count', -1)];
    if (count < 0) return str(input).replaceAll(from, () => to);
    const parts = str(input).split(from);
    return parts.reduce(
      (text, part, index) => text + (index === 0 ? '' : index <= count ? to : from) + part,
      '',
    );
  },
  string: (input) => str(input),
  striptags: (input) =>
    str(input)
      .replace(/<!--[^]*?-->|<[^>]*>/g, '')
      .replace(/\s+/g, ' ')
      .trim(),
  // unlike the function of that name this one sorts keys and is safe inside HTML
  tojson: (input, given) =>
    toJson(input, { sortKeys: true, indent: given.optionalNumber(0, 'indent') }).replace(
      /[<>&']/g,
      (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
    ),
  trim: (input, given) => {
    const characters = given.optionalText(0, 'chars');
    if (characters === null) return str(input).trim();
    const set = characters.replace(/[\\\]^-]/g, '\\$&');
    return str(input).replace(new RegExp(`^[${set}]+|[${set}]+$`, 'g'), '');
  },
  truncate: (input, given) => {
    const text = str(input);
    const size = given.number(0, 'length', 255);
    const end = given.text(2, 'end', '...');
    if (text.length <= size + given.number(3, 'leeway', 5)) return text;
    const cut = text.slice(0, size - end.length);
    return (given.flag(1, 'killwords') ? cut : cut.replace(/\s\S*$/, '')) + end;
  },
  urlencode: (input) => {
    const quoted = (value: Value): string => encodeURIComponent(str(value)).replace(/[!'()*]/g, percent);
    if (typeof input === 'string' || isNumber(input)) return quoted(input).replaceAll('%2F', '/');
    const pairs = input instanceof Map ? [...input] : [...iterate(input)].map((pair) => [...iterate(pair)]);
    return pairs
      .map(([key = null, value = null]) => `${quoted(key)}=${quoted(value)}`.replaceAll('%20', '+'))
      .join('&');
  },
  wordwrap: wordWrap,
  filesizeformat: fileSize,
  is_list: (input) => Array.isArray(input),
  wordcount: (input) => (str(input).match(/[\p{L}\p{N}_]+/gu) ?? []).length,
  xmlattr: (input) => {
    if (!(input instanceof Map)) throw new JinjaFault('xmlattr needs a dict');
    return [...input]
      .filter(([, value]) => value !== null && !(value instanceof Undefined))
      .map(([key, value]) => ` ${str(key)}="${str(value)}"`)
      .join('');
  },
  // dbt: how a rendered YAML value is to be read; the text stands for itself until then
  as_text: (input) => input,
  as_native: (input) => (typeof input === 'string' ? new NativeText(input, 'native') : input),
  as_bool: (input) => (typeof input === 'string' ? new NativeText(input, 'bool') : input),
  as_number: (input) => (typeof input === 'string' ? new NativeText(input, 'number') : input),
};

const hasFilter = (name: string): boolean => Object.hasOwn(FILTERS, name);

/** `input | name(args)` */
export function runFilter(
  name: string,
  input: Value,
  args: Value[],
  kwargs: Kwargs,
  host: FilterHost,
): Value {
  if (!hasFilter(name)) throw new JinjaFault(`There is no filter '${name}'`);
  return (FILTERS[name] as Filter)(input, new Arguments(`| ${name}`, args, kwargs), host);
}
