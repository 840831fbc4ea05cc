import { isAscii } from 'node:buffer';
import { isCast } from '../cast.js';
import type { Casting } from '../typed-columns.js';
import type { Dialect } from './record-scanner.js';

const LF = 0x0a;
const CR = 0x0d;

/** What is known of a text whose lines are records, each of one line. */
export interface PlainLines {
  records: number;
  crlf: boolean;
  /** each value surely is one of its column's type, so that DuckDB's own casts, kind as they are, do no harm */
  sure: boolean;
}

/** What the bytes of a field may be when its value is sure, and how it must be built. */
export interface FieldRule {
  /** kinds of bytes that raise doubts */
  doubtful: number;
  form: 'any' | 'number' | 'date' | 'timestamp' | 'boolean' | 'fraction' | 'none';
  required: boolean;
  /** digits after the point, of `fraction` */
  scale: number;
}

const DIGIT = 1;
const MINUS = 2;
const POINT = 4;
const COLON = 8;
const LETTER_T = 16;
const BLANK = 32;
const OTHER = 64;
/** ends a field, or is a quote */
const STOP = 128;
/** A longer number may be infinite. */
const LONG_NUMBER = 300;

const INTEGER: FieldRule = { doubtful: ~(DIGIT | MINUS), form: 'any', required: false, scale: 0 };
const RULES: Record<string, FieldRule> = {
  text: { doubtful: 0, form: 'any', required: false, scale: 0 },
  int32: INTEGER,
  int64: INTEGER,
  double: { doubtful: ~(DIGIT | MINUS | POINT), form: 'number', required: false, scale: 0 },
  date: { doubtful: ~(DIGIT | MINUS), form: 'date', required: false, scale: 0 },
  timestamp: {
    doubtful: ~(DIGIT | MINUS | COLON | LETTER_T | BLANK),
    form: 'timestamp',
    required: false,
    scale: 0,
  },
  boolean: { doubtful: ~(LETTER_T | OTHER), form: 'boolean', required: false, scale: 0 },
};
/** Any value of a field that bronze does not take. */
const NONE: FieldRule = { doubtful: 0, form: 'none', required: false, scale: 0 };

/**
 * By field of the record.
 * @returns null where a column is of a type whose texts must be looked at by its cast
 */
export function fieldRules(casting: Casting, width: number, nulls: string[]): FieldRule[] | null {
  if (nulls.length > 0 || casting.rejectAll !== null) return null;
  const rules = new Array<FieldRule>(width).fill(RULES['text'] as FieldRule);
  for (const column of casting.columns) {
    if (column.field === null || column.variantOf !== undefined) continue;
    if (isCast(column) && column.formats) return null;
    const rule = ruleOf(column.type);
    if (!rule) return null;
    rules[column.field] = { ...rule, required: column.required ?? false };
  }
  for (const { field } of casting.leftOut) rules[field] = NONE;
  return rules;
}

function ruleOf(type: string): FieldRule | undefined {
  const scale = /^decimal\(\d+,\s?(\d+)\)$/.exec(type)?.[1];
  if (scale === undefined) return RULES[type];
  return { doubtful: ~(DIGIT | MINUS | POINT), form: 'fraction', required: false, scale: Number(scale) };
}

/** Kinds of bytes in a dialect. */
export function byteKinds({ delimiter, quote }: Dialect): Uint8Array {
  const kinds = new Uint8Array(256).fill(OTHER);
  kinds.fill(DIGIT, 0x30, 0x3a);
  kinds[0x2d] = MINUS;
  kinds[0x2e] = POINT;
  kinds[0x3a] = COLON;
  kinds[0x54] = LETTER_T;
  kinds[0x20] = BLANK;
  for (const byte of [delimiter[0] ?? 0, quote, LF, CR]) kinds[byte] = STOP;
  return kinds;
}

/**
 * Whether each line of a text surely is one record that needs no rewriting: then DuckDB can read it as it lies there,
 * at several times the speed of splitting it here. Quotes stand around whole fields and are closed in their line, each
 * line has all its fields.
 *
 * @param text whole lines, valid in the file's encoding
 * @param width fields of a record
 * @param rules what sure values are made of; null when nothing is known
 * @returns null when there is any doubt about records: the scanner decides
 */
export function plainLines(
  text: Buffer,
  { delimiter: delimiters, quote, escape }: Dialect,
  kinds: Uint8Array,
  width: number,
  rules: FieldRule[] | null,
): PlainLines | null {
  const { length } = text;
  // a byte order mark would be taken for one; empty lines are records in a table of one column only
  if (width === 1 || delimiters.length > 1 || text[0] === 0xef || text.includes(0)) return null;
  if (escape !== quote && text.includes(escape)) return null;
  const delimiter = delimiters[0] as number;
  const crlf = text[text.indexOf(LF) - 1] === CR;
  let sure = rules !== null;
  const required = rules?.some((rule) => rule.required) ?? false;
  let records = 0;
  let field = 0;
  let at = 0;
  while (at < length) {
    let start = at;
    let seen = 0;
    let kind = 0;
    while ((kind = kinds[text[at] as number] as number) !== STOP) {
      seen |= kind;
      at++;
    }
    let end = at;
    if (text[at] === quote) {
      if (at !== start) return null;
      start = ++at;
      for (; ; at++) {
        const byte = text[at];
        if (byte === quote) {
          if (text[at + 1] !== quote) break;
          at++;
          seen |= OTHER;
        } else if (byte === LF || byte === CR || byte === undefined) return null;
        else seen |= kinds[byte] as number;
      }
      end = at++;
      // an empty text in quotes is a value
      if (start === end) seen |= OTHER;
    }
    if (sure && (seen !== 0 || required)) sure = isSure(text, start, end, seen, rules?.[field]);
    const byte = text[at];
    if (byte === delimiter) {
      at++;
      if (++field >= width) return null;
      continue;
    }
    if (field + 1 !== width) return null;
    if (crlf && text[at++] !== CR) return null;
    if (text[at++] !== LF) return null;
    field = 0;
    records++;
  }
  return { records, crlf, sure };
}

function isSure(
  text: Buffer,
  start: number,
  end: number,
  seen: number,
  rule: FieldRule | undefined,
): boolean {
  if (rule === undefined || (seen & rule.doubtful) !== 0) return false;
  if (seen === 0) return !rule.required;
  switch (rule.form) {
    case 'any':
      return true;
    case 'number':
      return end - start < LONG_NUMBER;
    case 'date':
      return end - start === 10;
    case 'timestamp':
      return end - start === 19 && text[start + 13] === 0x3a && text[start + 16] === 0x3a;
    case 'boolean':
      return end - start === 4 || end - start === 5;
    case 'fraction': {
      if ((seen & POINT) === 0) return true;
      let last = end - 1;
      while (text[last] === 0x30) last--;
      const point = text.indexOf(0x2e, start);
      return last - point <= rule.scale;
    }
    case 'none':
      return false;
  }
}

/** Whether text of the encoding can be read as UTF-8. */
export const readsAsUtf8 = (text: Buffer, utf8: boolean): boolean => utf8 || isAscii(text);
