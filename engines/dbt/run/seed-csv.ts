import { MillraceError } from '../../../schemas/errors.js';

export interface CsvRecord {
  cells: string[];
  /** of the file, from 1 */
  line: number;
}

/**
 * Splits CSV as Python's reader does, which dbt uses: quotes count at the start of a field, a doubled one is a quote,
 * and lines end in `\n`, `\r\n` or `\r`. Lines without any character are left out.
 *
 * @param file for errors
 * @throws MillraceError FormatMismatch for a quote that is never closed
 */
export function parseCsv(text: string, delimiter: string, file: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const record: CsvRecord = { cells: [], line };
    for (;;) {
      let cell = '';
      if (text[at] === '"') {
        const quoted = readQuoted(text, at, file, record.line);
        line += quoted.lines;
        at = quoted.end;
        cell = quoted.value;
      }
      const end = endOfField(text, at, delimiter);
      cell += text.slice(at, end);
      at = end;
      record.cells.push(cell);
      if (at >= text.length || !text.startsWith(delimiter, at)) break;
      at += delimiter.length;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    line++;
    if (record.cells.length > 1 || record.cells[0] !== '') records.push(record);
  }
  return records;
}

function endOfField(text: string, from: number, delimiter: string): number {
  let at = from;
  while (at < text.length && text[at] !== '\n' && text[at] !== '\r' && !text.startsWith(delimiter, at)) at++;
  return at;
}

function readQuoted(
  text: string,
  from: number,
  file: string,
  line: number,
): { value: string; end: number; lines: number } {
  let value = '';
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0)
      throw new MillraceError('FormatMismatch', {
        what: 'A quoted field has no closing quote',
        where: { file, line },
        fix: 'Close the quote; a quote inside a field is doubled',
      });
    value += text.slice(at, quote);
    at = quote + 1;
    if (text[at] !== '"') break;
    value += '"';
    at++;
  }
  return { value, end: at, lines: value.split('\n').length - 1 };
}
