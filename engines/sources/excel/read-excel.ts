import { open } from 'node:fs/promises';
import { MillraceError } from '../../../schemas/errors.js';
import type { ExcelFormat } from '../../../schemas/format.js';
import { assertNames, columnMissing, declaredColumns, undeclared } from '../declared.js';
import type { ReadInput, ReadResult } from '../file-reader.js';
import { readText } from '../text/read-text.js';
import type { FileColumn } from '../typed-columns.js';
import { zipSize } from '../unpack-zip.js';
import { columnName, noSuchSheet, Workbook, type Cell, type SheetRow } from './workbook.js';

/**
 * Reads a sheet of an .xlsx workbook. Numbers, dates and booleans have the types that their cells have; where a column
 * mixes them, it is text. A position is the row's number among the data, a line its number in the sheet. A row with an
 * error such as #DIV/0! is quarantined.
 * @throws MillraceError SourceUnreadable, SourceEmpty, ArchiveTooLarge, FormatMismatch, ColumnMissing, SchemaMismatch
 */
export async function readExcel(input: ReadInput, format: ExcelFormat): Promise<ReadResult> {
  const { path, rejects, before, name: file, signal, onProgress } = input;
  await assertWorkbook(path);
  await zipSize(path);
  const workbook = await readable(path, () => Workbook.open(path));
  const { sheet } = format;
  const found =
    typeof sheet === 'number'
      ? workbook.sheets[sheet - 1]
      : workbook.sheets.find(({ name }) => name === sheet);
  try {
    if (!found) throw noSuchSheet(sheet, workbook.sheets, path);
    const rows = async (onRow: (row: SheetRow) => void, between = () => Promise.resolve()): Promise<void> => {
      let own: { error: unknown } | undefined;
      const guarded = (): Promise<void> =>
        between().catch((error: unknown) => {
          own = { error };
          throw error;
        });
      await readable(path, () => workbook.readSheet(found.path, onRow, guarded)).catch((error: unknown) => {
        throw own ? own.error : error;
      });
    };
    return await readText(input, {
      layout: { delimiter: ',', quote: '"', nulls: [] },
      raw: undefined,
      stage: async (writer, onColumns) => {
        const columns = await sheetColumns(rows, format, input);
        if (columns.length === 0) return 0;
        onColumns(columns, 'known');
        writer.width = columns.length;
        const places = new Map(columns.map(({ place, field }) => [place, field]));
        const values = new Array<Buffer | null>(columns.length);
        let record = 0;
        const take = ({ number, cells }: SheetRow): void => {
          if (number <= format.skipRows || (format.header && number === columns[0]?.headerRow)) return;
          record++;
          const place = { record: record + before, line: number, byte: 0, length: 0 };
          let reason: string | undefined;
          values.fill(null);
          cells.forEach((cell, column) => {
            if (!cell) return;
            const field = places.get(column);
            const reference = `${columnName(column)}${number}`;
            if (field === undefined) reason ??= `cell ${reference} has a value, but its column no name`;
            else if (cell.kind === 'error') reason ??= `cell ${reference} holds the error ${cell.text}`;
            else values[field] = Buffer.from(cell.text);
          });
          if (reason === undefined) writer.fields(place, values);
          else rejects.add({ ...place, file, reason, raw: Buffer.from(JSON.stringify(textsOf(cells))) });
        };
        const between = async (): Promise<void> => {
          signal?.throwIfAborted();
          await writer.flush();
          await rejects.flush();
          onProgress({ bytes: 0, records: record });
        };
        try {
          await rows(take, between);
          await rejects.flush();
          await writer.finish();
        } finally {
          await writer.close();
        }
        return record;
      },
    });
  } finally {
    workbook.close();
  }
}

interface SheetColumn extends FileColumn {
  /** 0-based column of the sheet */
  place: number;
  headerRow: number;
}

const textsOf = (cells: (Cell | undefined)[]): (string | null)[] =>
  Array.from(cells, (cell) => cell?.text ?? null);

/** The columns that have a name, with the types of their cells. */
async function sheetColumns(
  rows: (onRow: (row: SheetRow) => void) => Promise<void>,
  format: ExcelFormat,
  { spec, frozen, path }: ReadInput,
): Promise<SheetColumn[]> {
  const declared = declaredColumns(spec.columns);
  let header: { row: number; names: (string | undefined)[] } | undefined;
  const kinds: Set<string>[] = [];
  await rows(({ number, cells }) => {
    if (number <= format.skipRows) return;
    if (!header) {
      const names = format.header
        ? textsOf(cells).map((text) => text?.trim() ?? undefined)
        : ((declared ?? frozen)?.map(({ name }) => name) ??
          cells.map((_cell, index) => `column_${index + 1}`));
      header = { row: number, names };
      if (format.header) return;
    }
    cells.forEach((cell, column) => {
      if (cell) (kinds[column] ??= new Set()).add(kindOf(cell));
    });
  });
  if (!header) return [];
  const { row, names } = header;
  const where = { file: path, line: row };
  const byFrom = new Map(declared?.map((column) => [format.header ? column.from : column.name, column]));
  const named = names.flatMap((from, place) => (from === undefined || from === '' ? [] : [{ from, place }]));
  const there = named.map(({ from }) => from);
  if (declared && spec.contract.columns === 'freeze') {
    const wanted = [...byFrom.keys()];
    if (wanted.some((from) => !there.includes(from))) throw columnMissing(wanted, there, where);
    const extra = there.filter((from) => !byFrom.has(from));
    if (extra.length > 0) throw undeclared(extra, where);
  }
  const known = new Set((frozen ?? declared)?.map(({ name }) => name.toLowerCase()));
  const columns = named.map(({ from, place }, field): SheetColumn => {
    const { name = from, formats, required } = byFrom.get(from) ?? {};
    const cast = known.has(name.toLowerCase()) && spec.contract.types !== 'evolve';
    const type = cast
      ? undefined
      : (typeOf(kinds[place]) ?? (known.has(name.toLowerCase()) ? undefined : 'text'));
    return { name, from, formats, required, field, place, headerRow: row, type };
  });
  assertNames(
    columns.map(({ name }) => name),
    where,
  );
  return columns;
}

/** Whole numbers are told from others. */
const kindOf = ({ kind, text }: Cell): string =>
  kind === 'number' && /^-?\d{1,15}$/.test(text) ? 'integer' : kind;

function typeOf(kinds: Set<string> | undefined): string | undefined {
  const all = new Set(kinds);
  all.delete('error');
  const only = (...these: string[]): boolean => [...all].every((kind) => these.includes(kind));
  if (all.size === 0) return undefined;
  if (only('integer')) return 'int64';
  if (only('integer', 'number')) return 'double';
  if (only('boolean')) return 'boolean';
  if (only('date')) return 'date';
  if (only('time')) return 'time';
  return only('date', 'timestamp') ? 'timestamp' : 'text';
}

/** @throws MillraceError FormatMismatch for what is no .xlsx */
async function assertWorkbook(path: string): Promise<void> {
  const handle = await open(path, 'r');
  const head = Buffer.alloc(8);
  try {
    await handle.read(head, 0, 8, 0);
  } finally {
    await handle.close();
  }
  if (head.toString('latin1', 0, 2) === 'PK') return;
  const old = head.toString('hex', 0, 4) === 'd0cf11e0';
  throw new MillraceError('FormatMismatch', {
    what: old
      ? 'The file is a workbook of the old kind (.xls), or one with a password'
      : 'The file is no workbook (.xlsx)',
    where: { file: path },
    fix: old ? 'Save it as .xlsx without a password' : 'Declare the format that it has: csv(), json() …',
  });
}

async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MillraceError || !(error instanceof Error)) throw error;
    throw new MillraceError('SourceUnreadable', {
      what: `The workbook cannot be read: ${error.message}`,
      where: { file: path },
      fix: 'It was probably cut off or damaged on its way: deliver it again, or save it anew as .xlsx',
      cause: error,
    });
  }
}
