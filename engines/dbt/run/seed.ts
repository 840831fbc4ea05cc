import { MillraceError } from '../../../schemas/errors.js';
import { quoteIdent, quoteText } from '../../warehouse/port.js';
import { str } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { readText } from '../project/files.js';

export interface SeedColumn {
  name: string;
  type: string;
}

const isNull = (text: string): boolean => text.trim() === '' || text.trim().toLowerCase() === 'null';

/** dbt's guesses, narrowest first: a column gets the first type that all of its values are. */
const TYPES: readonly [type: string, matches: (text: string) => boolean][] = [
  ['integer', (text) => /^[+-]?\d+$/.test(text)],
  ['double', (text) => /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)],
  ['date', (text) => /^\d{4}-\d{2}-\d{2}$/.test(text)],
  ['timestamp', (text) => /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text)],
  ['timestamp', (text) => /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text)],
  ['boolean', (text) => /^(true|false)$/i.test(text)],
];

/** Header and column types of a seed's CSV. @throws MillraceError FormatMismatch with the line */
export function seedColumns(node: Node): { text: string; columns: SeedColumn[]; delimiter: string } {
  const text = readText(node.absolute ?? '');
  const delimiter = str(node.config.get('delimiter') ?? ',');
  const [header, ...records] = parseCsv(text, delimiter, node.file);
  if (!header)
    throw new MillraceError('SourceEmpty', {
      what: `The seed '${node.name}' is empty`,
      where: { file: node.file },
      fix: 'Give it a header line',
    });
  const declared = node.config.get('column_types');
  const types = new Map(
    declared instanceof Map ? [...declared].map(([name, type]) => [str(name).toLowerCase(), str(type)]) : [],
  );
  const columns = header.cells.map((name, index): SeedColumn => {
    const given = types.get(name.toLowerCase());
    return { name, type: given ?? guess(records.map(({ cells }) => cells[index] ?? '')) };
  });
  for (const { cells, line } of records)
    if (cells.length !== header.cells.length)
      throw new MillraceError('FormatMismatch', {
        what: `The seed '${node.name}' has ${cells.length} fields in a row and ${header.cells.length} columns`,
        where: { file: node.file, line },
        fix: 'Give every row as many fields as the header; quote fields that hold the delimiter',
      });
  return { text, columns, delimiter };
}

function guess(cells: readonly string[]): string {
  const values = cells.filter((cell) => !isNull(cell)).map((cell) => cell.trim());
  // a column without any value is whatever comes first in dbt's list
  const found = TYPES.find(([, matches]) => values.every(matches))?.[0] ?? 'text';
  if (found === 'integer' && values.some((value) => Math.abs(Number(value)) > 2_147_483_647)) return 'bigint';
  return found;
}

/** The query that reads a seed's CSV with the types found. */
export function seedQuery(node: Node): string {
  const { columns, delimiter } = seedColumns(node);
  const types = columns
    .map(({ name, type }) => `${quoteText(name)}: ${quoteText(baseType(type))}`)
    .join(', ');
  const casts = columns.map(
    ({ name, type }) => `CAST(${quoteIdent(name)} AS ${checkedType(type, node)}) AS ${quoteIdent(name)}`,
  );
  return (
    `SELECT ${casts.join(', ')} FROM read_csv(${quoteText(node.absolute ?? '')}, header = true, delim = ${quoteText(delimiter)}, ` +
    `quote = '"', escape = '"', auto_detect = false, columns = {${types}}, nullstr = ['', 'null', 'NULL', 'Null'], ` +
    `strict_mode = true)`
  );
}

/** read_csv reads what it knows by itself; the cast makes the rest of it */
const baseType = (type: string): string => (TYPES.some(([known]) => known === type) ? type : 'varchar');

/** a type comes from YAML into SQL: only what looks like one may */
function checkedType(type: string, node: Node): string {
  if (/^[a-z][a-z0-9_ ]*(\(\s*\d+\s*(,\s*\d+\s*)?\))?(\[\])*$/i.test(type.trim())) return type;
  throw new MillraceError('DbtProjectInvalid', {
    what: `column_types of seed '${node.name}': '${type}' is not a type`,
    where: { file: node.file },
    fix: "Write a type of the warehouse, e.g. 'decimal(10,2)'",
  });
}

interface CsvRecord {
  cells: string[];
  line: number;
}

/** RFC 4180. @throws MillraceError FormatMismatch for a quote that is never closed */
function parseCsv(text: string, delimiter: string, file: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const record: CsvRecord = { cells: [], line };
    for (;;) {
      let cell = '';
      if (text[at] === '"') {
        for (at++; ; at++) {
          if (at >= text.length)
            throw new MillraceError('FormatMismatch', {
              what: 'A quoted field has no closing quote',
              where: { file, line: record.line },
              fix: 'Close the quote; a quote inside a field is doubled',
            });
          if (text[at] === '\n') line++;
          if (text[at] !== '"') cell += text[at];
          else if (text[at + 1] === '"') cell += text[at++];
          else break;
        }
        at++;
      } else
        while (at < text.length && text[at] !== '\n' && text[at] !== '\r' && !text.startsWith(delimiter, at))
          cell += text[at++];
      record.cells.push(cell);
      if (!text.startsWith(delimiter, at) || at >= text.length) break;
      at += delimiter.length;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    line++;
    if (record.cells.length > 1 || record.cells[0] !== '') records.push(record);
  }
  return records;
}
