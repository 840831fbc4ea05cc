import { posix } from 'node:path';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { MillraceError } from '../../../schemas/errors.js';
import { dateForm, dateText, type DateForm } from './date-format.js';
import { readXml } from './xml.js';

export interface Cell {
  kind: 'text' | 'number' | 'boolean' | 'error' | DateForm;
  /** as delimited text would have it */
  text: string;
}

export interface SheetRow {
  /** 1-based, of the sheet */
  number: number;
  /** by column, from 0; those without a value are missing */
  cells: (Cell | undefined)[];
}

/** An open workbook. Memory holds its shared texts and the rows of a chunk; sheets are read row by row. */
export class Workbook {
  private constructor(
    private readonly zip: ZipFile,
    private readonly entries: Map<string, Entry>,
    /** in order */
    readonly sheets: { name: string; path: string }[],
    private readonly from1904: boolean,
    private readonly forms: (DateForm | undefined)[],
    private readonly texts: string[],
  ) {}

  /** @throws MillraceError SourceUnreadable */
  static async open(path: string): Promise<Workbook> {
    const zip = await openPromise(path, { autoClose: false });
    try {
      const entries = new Map<string, Entry>();
      for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
      const read = partReader(zip, entries);
      const { sheets, from1904 } = await readSheets(read);
      return new Workbook(zip, entries, sheets, from1904, await readForms(read), await readTexts(read));
    } catch (error) {
      zip.close();
      throw error;
    }
  }

  close(): void {
    this.zip.close();
  }

  /**
   * Calls back for each row that has a value.
   * @param between is awaited now and then, so that a consumer can write what it has
   */
  async readSheet(path: string, onRow: (row: SheetRow) => void, between: () => Promise<void>): Promise<void> {
    let row: SheetRow = { number: 0, cells: [] };
    let column = -1;
    let type = 'n';
    let style = 0;
    let value = '';
    let collecting = false;
    let phonetic = false;
    const source = await partReader(this.zip, this.entries)(path);
    if (!source) throw new Error(`it has no part ${path}`);
    const paced = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        yield chunk;
        await between();
      }
    };
    await readXml(paced(), {
      open: (name, attribute) => {
        if (name === 'row') {
          row = { number: Number(attribute('r') ?? row.number + 1), cells: [] };
          column = -1;
        } else if (name === 'c') {
          const reference = attribute('r');
          column = reference === undefined ? column + 1 : columnOf(reference);
          type = attribute('t') ?? 'n';
          style = Number(attribute('s') ?? 0);
          value = '';
        } else if (name === 'rPh') phonetic = true;
        else if (name === 'v' || (name === 't' && !phonetic)) collecting = true;
      },
      text: (text) => {
        if (collecting) value += text;
      },
      close: (name) => {
        if (name === 'v' || name === 't') collecting = false;
        else if (name === 'rPh') phonetic = false;
        else if (name === 'c') {
          const cell = value === '' ? undefined : this.cell(type, style, value);
          if (cell && cell.text !== '') row.cells[column] = cell;
        } else if (name === 'row' && row.cells.length > 0) onRow(row);
      },
    });
  }

  private cell(type: string, style: number, value: string): Cell | undefined {
    switch (type) {
      case 's':
        return { kind: 'text', text: this.texts[Number(value)] ?? '' };
      case 'str':
      case 'inlineStr':
        return { kind: 'text', text: value };
      case 'b':
        return { kind: 'boolean', text: value === '1' ? 'true' : 'false' };
      case 'e':
        return { kind: 'error', text: value };
      case 'd':
        return {
          kind: value.length > 10 ? 'timestamp' : 'date',
          text: value.replace('T', ' ').replace('Z', ''),
        };
    }
    const form = this.forms[style];
    const number = Number(value);
    const shown = form && dateText(number, form, this.from1904);
    if (shown === undefined) return { kind: 'number', text: numberText(value, number) };
    return { kind: shown.length === 10 ? 'date' : shown[2] === ':' ? 'time' : 'timestamp', text: shown };
  }
}

/** Fifteen digits are what a workbook shows; the rest of a double is noise of its arithmetic. */
const numberText = (value: string, number: number): string =>
  /^-?\d{1,15}(\.\d+)?$/.test(value) && value.length <= 16
    ? value
    : Number.isFinite(number)
      ? String(Number(number.toPrecision(15)))
      : value;

/** `AB12` is column 27, from 0. */
function columnOf(reference: string): number {
  let column = 0;
  for (const letter of reference) {
    const place = letter.charCodeAt(0) - 64;
    if (place < 1 || place > 26) break;
    column = column * 26 + place;
  }
  return column - 1;
}

export const columnName = (column: number): string =>
  (column >= 26 ? columnName(Math.floor(column / 26) - 1) : '') + String.fromCharCode(65 + (column % 26));

type PartReader = (path: string) => Promise<AsyncIterable<Buffer> | undefined>;

const partReader =
  (zip: ZipFile, entries: Map<string, Entry>): PartReader =>
  async (path) => {
    const entry = entries.get(path);
    if (entry?.isEncrypted()) throw new Error('it is encrypted');
    return entry && zip.openReadStreamPromise(entry);
  };

async function readSheets(
  read: PartReader,
): Promise<{ sheets: { name: string; path: string }[]; from1904: boolean }> {
  const [book, relations] = [await read('xl/workbook.xml'), await read('xl/_rels/workbook.xml.rels')];
  if (!book || !relations) throw new Error('it has no workbook inside');
  const targets = new Map<string, string>();
  await readXml(relations, {
    open: (name, attribute) => {
      if (name !== 'Relationship') return;
      const target = attribute('Target') ?? '';
      targets.set(attribute('Id') ?? '', target.startsWith('/') ? target.slice(1) : posix.join('xl', target));
    },
  });
  const sheets: { name: string; path: string }[] = [];
  let from1904 = false;
  await readXml(book, {
    open: (name, attribute) => {
      if (name === 'workbookPr') from1904 = ['1', 'true'].includes(attribute('date1904') ?? '');
      // charts have sheets of their own
      const path = name === 'sheet' ? targets.get(attribute('id') ?? '') : undefined;
      if (path?.includes('worksheets/')) sheets.push({ name: attribute('name') ?? '', path });
    },
  });
  return { sheets, from1904 };
}

/** By style: what numbers of it show. */
async function readForms(read: PartReader): Promise<(DateForm | undefined)[]> {
  const styles = await read('xl/styles.xml');
  const codes = new Map<number, string>();
  const forms: (DateForm | undefined)[] = [];
  let inCells = false;
  if (!styles) return forms;
  await readXml(styles, {
    open: (name, attribute) => {
      if (name === 'numFmt') codes.set(Number(attribute('numFmtId')), attribute('formatCode') ?? '');
      else if (name === 'cellXfs') inCells = true;
      else if (name === 'xf' && inCells) {
        const id = Number(attribute('numFmtId') ?? 0);
        forms.push(dateForm(id, codes.get(id)));
      }
    },
    close: (name) => {
      if (name === 'cellXfs') inCells = false;
    },
  });
  return forms;
}

async function readTexts(read: PartReader): Promise<string[]> {
  const shared = await read('xl/sharedStrings.xml');
  const texts: string[] = [];
  let text = '';
  let collecting = false;
  let phonetic = false;
  if (!shared) return texts;
  await readXml(shared, {
    open: (name) => {
      if (name === 'si') text = '';
      else if (name === 'rPh') phonetic = true;
      else if (name === 't') collecting = !phonetic;
    },
    text: (part) => {
      if (collecting) text += part;
    },
    close: (name) => {
      if (name === 't') collecting = false;
      else if (name === 'rPh') phonetic = false;
      else if (name === 'si') texts.push(text);
    },
  });
  return texts;
}

/** @returns MillraceError FormatMismatch that names the sheets there are */
export function noSuchSheet(sheet: string | number, sheets: { name: string }[], file: string): MillraceError {
  const names = sheets.map(({ name }, index) => `${index + 1} '${name}'`);
  return new MillraceError('FormatMismatch', {
    what: `The workbook has no sheet ${typeof sheet === 'number' ? sheet : `'${sheet}'`}; it has ${names.join(', ') || 'none'}`,
    where: { file },
    fix: "Name one of them: excel({ sheet: 'name' }), or its number from 1",
  });
}
