import { randomUUID } from 'node:crypto';

const NONCE = randomUUID();
/** Begins the text that stands for a number which JavaScript would round. A server can't guess it. */
const MARK = `\u0000${NONCE}:`;
const MARKED = new RegExp(`"\\\\u0000${NONCE}:([^"]*)"`, 'g');
const DEEPEST = 200;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const [QUOTE, BACKSLASH, MINUS, ZERO, NINE] = [0x22, 0x5c, 0x2d, 0x30, 0x39];

/**
 * Parses JSON without rounding: numbers that a double would change keep their text, through {@link jsonLine} and
 * {@link textOf}. 19-digit ids and decimals are common in APIs.
 * @throws SyntaxError also for what is nested more than 200 deep, which nothing after it could read
 */
export const parseJson = (text: string): unknown => JSON.parse(markNumbers(text)) as unknown;

/** One line of JSON, numbers as they came. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes(NONCE) ? text.replace(MARKED, '$1') : text;
}

/** A scalar as text. @returns undefined for null, objects and arrays */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.startsWith(MARK) ? value.slice(MARK.length) : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

export const isNumber = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && value.startsWith(MARK));

export const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * What is at a dotted path; `-1` is the last element of an array, and a key that holds dots itself wins.
 * @returns undefined when there is nothing
 */
export function valueAt(value: unknown, path: string): unknown {
  if (isObject(value) && Object.hasOwn(value, path)) return value[path];
  let at = value;
  for (const part of path.split('.')) {
    if (at === null || typeof at !== 'object') return undefined;
    if (Array.isArray(at) && /^-\d+$/.test(part)) at = (at as unknown[]).at(Number(part));
    else at = Object.hasOwn(at, part) ? (at as Record<string, unknown>)[part] : undefined;
  }
  return at;
}

/** A copy with another value at a dotted path; objects on the way are made, and `undefined` takes the key out. */
export function withValueAt(
  object: Record<string, unknown>,
  path: string,
  value: unknown,
): Record<string, unknown> {
  const [head = '', ...rest] = Object.hasOwn(object, path) ? [path] : path.split('.');
  const { [head]: old, ...others } = object;
  if (rest.length > 0) {
    if (value === undefined && !isObject(old)) return object;
    const inner = withValueAt(isObject(old) ? old : {}, rest.join('.'), value);
    return { ...object, [head]: inner };
  }
  return value === undefined ? others : { ...object, [head]: value };
}

function markNumbers(text: string): string {
  let marked = '';
  let from = 0;
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at + 1);
    else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const end = endOfNumber(text, at + 1);
      const number = text.slice(at, end);
      if (!isExact(number) && NUMBER.test(number)) {
        marked += `${text.slice(from, at)}"\\u0000${NONCE}:${number}"`;
        from = end;
      }
      at = end;
    } else {
      if (code === 0x5b || code === 0x7b) depth++;
      else if (code === 0x5d || code === 0x7d) depth--;
      if (depth > DEEPEST) throw new SyntaxError(`nested more than ${DEEPEST} deep`);
      at++;
    }
  }
  return from === 0 ? text : marked + text.slice(from);
}

function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}

function endOfNumber(text: string, from: number): number {
  let at = from;
  // digits, and + - . e E
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const part = (code >= ZERO && code <= NINE) || code === 0x2e || code === 0x2b || code === MINUS;
    if (!part && code !== 0x65 && code !== 0x45) break;
  }
  return at;
}

const isExact = (number: string): boolean =>
  (number.length < 16 && /^-?\d+$/.test(number)) || String(Number(number)) === number;
