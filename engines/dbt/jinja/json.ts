import { Float, fromPlain, isNumber, PyObject, repr, str, Undefined, type Value } from './values.js';

export interface JsonStyle {
  sortKeys: boolean;
  /** spaces of one level; null writes one line with Python's `", "` and `": "` */
  indent: number | null;
}

/** Python's `json.dumps`. */
export function toJson(
  value: Value,
  style: JsonStyle = { sortKeys: false, indent: null },
  depth = 0,
): string {
  if (value === null || value instanceof Undefined) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return ascii(JSON.stringify(value));
  if (isNumber(value))
    return Number.isFinite(value instanceof Float ? value.value : value) ? repr(value) : 'NaN';
  if (Array.isArray(value) || value instanceof Set)
    return wrap(
      '[',
      [...value].map((item) => toJson(item, style, depth + 1)),
      ']',
      style,
      depth,
    );
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => [jsonKey(key), item] as const);
    if (style.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const parts = entries.map(
      ([key, item]) => `${ascii(JSON.stringify(key))}: ${toJson(item, style, depth + 1)}`,
    );
    return wrap('{', parts, '}', style, depth);
  }
  return ascii(JSON.stringify(value instanceof PyObject ? str(value) : ''));
}

const jsonKey = (key: Value): string =>
  key === null ? 'null' : typeof key === 'boolean' ? String(key) : str(key);
const ascii = (text: string): string =>
  text.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

function wrap(open: string, parts: string[], close: string, { indent }: JsonStyle, depth: number): string {
  if (parts.length === 0) return open + close;
  if (indent === null) return open + parts.join(', ') + close;
  const pad = '\n' + ' '.repeat(indent * (depth + 1));
  return open + pad + parts.join(`,${pad}`) + '\n' + ' '.repeat(indent * depth) + close;
}

/** Python's `json.loads`: `1.0` stays a float. @throws SyntaxError */
export function fromJson(text: string): Value {
  // the source text of a number is gone after JSON.parse, and `1.0` must stay apart from `1`
  const marked = text.replace(
    /("(?:[^"\\]|\\.)*")|(-?\d+\.0+)(?![\d.eE])/g,
    (whole, string: string | undefined) => (string !== undefined ? whole : `{"${FLOAT_MARK}":${whole}}`),
  );
  return unmark(fromPlain(JSON.parse(marked)));
}

const FLOAT_MARK = '__float__';
function unmark(value: Value): Value {
  if (Array.isArray(value)) return value.map(unmark);
  if (!(value instanceof Map)) return value;
  const marked = value.get(FLOAT_MARK);
  if (marked !== undefined) return new Float(marked as number);
  return new Map([...value].map(([key, item]) => [key, unmark(item)]));
}
