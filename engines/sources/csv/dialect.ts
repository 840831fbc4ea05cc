import iconv from 'iconv-lite';
import { MillraceError } from '../../../schemas/errors.js';
import type { CsvFormat } from '../../../schemas/format.js';
import type { TextEncoding } from '../encoding.js';
import type { Dialect } from './record-scanner.js';

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
