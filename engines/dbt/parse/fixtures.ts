import { MillraceError, type Position } from '../../../schemas/errors.js';
import { readText } from '../project/files.js';
import type { Package } from '../project/package.js';
import type { Parsing } from './parsing.js';

/** The text of a fixture file of `tests/fixtures/`. @throws MillraceError DbtProjectInvalid */
export function fixtureText(
  { files }: Parsing,
  owner: Package,
  name: string,
  format: 'csv' | 'sql' | 'dict',
  where: Position,
): string {
  const folders = owner.yaml['test-paths'].map((path) => `${path}/fixtures`);
  const found = files.in(owner, folders, '.csv', '.sql').filter(({ stem }) => stem === name);
  const file = found.find(({ absolute }) => absolute.endsWith(`.${format}`)) ?? found[0];
  if (file) return readText(file.absolute);
  throw new MillraceError('DbtProjectInvalid', {
    what: `There is no fixture '${name}' in ${folders.join(', ')}`,
    where,
    fix: `Create ${folders[0]}/${name}.${format === 'dict' ? 'csv' : format}, or correct the name`,
  });
}

/** Rows of a CSV with a header; an empty field is null. */
export function csvRows(text: string): Record<string, unknown>[] {
  const [header = [], ...records] = parseCsv(text);
  return records.map((cells) =>
    Object.fromEntries(
      header.map((name, at) => [name, cells[at] === undefined || cells[at] === '' ? null : cells[at]]),
    ),
  );
}

/** RFC 4180, as Python's csv module reads it: blank lines are left out */
function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  const endCell = (): void => {
    cells.push(cell);
    cell = '';
  };
  const endRecord = (): void => {
    if (cells.length === 0 && cell === '') return;
    endCell();
    records.push(cells);
    cells = [];
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') {
        cell += '"';
        at++;
      } else quoted = false;
    } else if (char === '"' && cell === '') quoted = true;
    else if (char === ',') endCell();
    else if (char === '\n') endRecord();
    else if (char !== '\r') cell += char;
  }
  endRecord();
  return records;
}
