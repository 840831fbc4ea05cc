import iconv from 'iconv-lite';
import { MillraceError } from '../../schemas/errors.js';
import type { CsvFormat } from '../../schemas/source.js';
import { quoteText } from '../warehouse/port.js';
import type { TextEncoding } from './encoding.js';
import type { Dialect } from './record-scanner.js';
import type { Segment } from './stage-records.js';

/** The format's characters as bytes of the scanned text. @throws MillraceError FormatMismatch */
export function dialectOf(format: CsvFormat, encoding: TextEncoding, file: string): Dialect {
  const { delimiter, quote, escape = quote } = format;
  const fail = (what: string, fix: string): MillraceError =>
    new MillraceError('FormatMismatch', { what, where: { file }, fix });
  for (const [option, value] of Object.entries({ quote, escape })) {
    if (!/^[\x20-\x7e]$/.test(value))
      throw fail(
        `The ${option} ${JSON.stringify(value)} is not an ASCII character`,
        `Declare a printable ASCII ${option}`,
      );
  }
  if (/[\r\n\d]/.test(delimiter) || delimiter === quote || delimiter === escape) {
    throw fail(
      `${JSON.stringify(delimiter)} cannot be the delimiter`,
      'It may be any character but a digit, a line end, the quote or the escape',
    );
  }
  const bytes = encoding.kind === 'bytes' ? iconv.encode(delimiter, encoding.name) : Buffer.from(delimiter);
  return { delimiter: bytes, quote: quote.charCodeAt(0), escape: escape.charCodeAt(0) };
}

const POSITION = ['record', 'line', 'byte', 'length'];
/** DuckDB's default; a longer line needs to be announced. */
const LINE = 2 << 20;

/** A relation over staged text: the position columns, then `f0`, `f1`, …, all text. Nothing is left to sniffing. */
export function stagedRelation(segments: Segment[], { delimiter, quote }: CsvFormat): string {
  const width = segments[0]?.width ?? 0;
  const names = [...POSITION, ...Array.from({ length: width }, (_, field) => `f${field}`)];
  // re-encoding makes three bytes of one at most, re-quoting two
  const line = Math.max(LINE, ...segments.map(({ longest }) => 3 * longest + 1024));
  const options = [
    `columns = {${names.map((name) => `${name}: 'VARCHAR'`).join(', ')}}`,
    'auto_detect = false, header = false, parallel = false',
    `delim = ${quoteText(delimiter)}, quote = ${quoteText(quote)}, escape = ${quoteText(quote)}`,
    `new_line = '\\n', nullstr = '', allow_quoted_nulls = false`,
    `max_line_size = ${line}, buffer_size = ${Math.max(16 << 20, 4 * line)}`,
  ].join(', ');
  const files = segments.flatMap(({ lines, multiline, staged, multilineRecords }) => [
    ...(staged > multilineRecords ? [lines] : []),
    ...(multilineRecords > 0 ? [multiline] : []),
  ]);
  return `read_csv([${files.map(quoteText).join(', ')}], ${options})`;
}
