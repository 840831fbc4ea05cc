import { duckType } from '../../lake/types.js';
import { quoteText } from '../../warehouse/port.js';
import type { Casting } from '../typed-columns.js';
import type { PlainText, Segment, TextLayout } from './segment.js';

/** DuckDB's default; a longer line needs to be announced. */
const LINE = 2 << 20;
const POSITION = ['record', 'line', 'byte', 'length'];

const fieldNames = (width: number): string[] => Array.from({ length: width }, (_, field) => `f${field}`);

const texts = (names: string[]): string[] => names.map((name) => `${name}: 'VARCHAR'`);

/** A relation over staged text: the position columns, then `f0`, `f1`, …, all text. Nothing is left to sniffing. */
export function stagedRelation(segments: Segment[], layout: TextLayout): string {
  const width = segments[0]?.width ?? 0;
  // re-encoding makes three bytes of one at most, re-quoting two
  const longest = Math.max(0, ...segments.map((segment) => 3 * segment.longest + 1024));
  const canonical = segments.flatMap(({ lines, multiline }) => [...lines, ...multiline]);
  const names = [...POSITION, ...fieldNames(width)];
  const relations = segments.flatMap(({ plain }) => (plain ? [plainRelation(plain, width, layout)] : []));
  if (canonical.length > 0) {
    const read = readCsv(canonical, texts(names), layout, '\\n', longest);
    relations.push(`(SELECT * REPLACE (record::BIGINT AS record) FROM ${read})`);
  }
  return relations.length === 1
    ? String(relations[0])
    : `(${relations.map((relation) => `FROM ${relation}`).join(' UNION ALL ')})`;
}

/** Plain text as it lies there; a record's number is its place, which holds because one thread reads it. */
export function plainRelation({ path, crlf, first }: PlainText, width: number, layout: TextLayout): string {
  const read = readCsv([path], texts(fieldNames(width)), layout, crlf ? '\\r\\n' : '\\n', 0);
  return `(SELECT row_number() OVER () + ${first.record - 1} AS record, NULL AS line, NULL AS byte, NULL AS length, * FROM ${read})`;
}

/** The same with the fields of a casting read as the types of their columns, for values that are sure. */
export function typedRelation(
  { path, crlf, first }: PlainText,
  width: number,
  layout: TextLayout,
  { columns }: Casting,
): string {
  const types = new Map(
    columns
      .filter(({ variantOf }) => variantOf === undefined)
      .map(({ field, type }) => [field, duckType(type)]),
  );
  const fields = fieldNames(width).map((name, field) => `${name}: '${types.get(field) ?? 'VARCHAR'}'`);
  const read = readCsv([path], fields, layout, crlf ? '\\r\\n' : '\\n', 0);
  return `(SELECT row_number() OVER () + ${first.record - 1} AS record, * FROM ${read})`;
}

function readCsv(
  files: string[],
  fields: string[],
  { delimiter, quote }: TextLayout,
  lineEnd: string,
  longest: number,
): string {
  const line = Math.max(LINE, longest);
  const options = [
    `columns = {${fields.join(', ')}}`,
    'auto_detect = false, header = false, parallel = false',
    `delim = ${quoteText(delimiter)}, quote = ${quoteText(quote)}, escape = ${quoteText(quote)}`,
    `new_line = '${lineEnd}', nullstr = '', allow_quoted_nulls = false`,
    `max_line_size = ${line}, buffer_size = ${Math.max(16 << 20, 4 * line)}`,
  ].join(', ');
  return `read_csv([${files.map(quoteText).join(', ')}], ${options})`;
}
