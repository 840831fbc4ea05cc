import { MillraceError } from '../../schemas/errors.js';
import { compileCopybook, type CompiledCopybook } from './compile.js';
import type { Row } from './decode/runtime.js';
import { Decimal } from './decimal.js';
import type { CopybookSource } from './parse/parse.js';

/**
 * A date of IBM i kept as a number `CYYMMDD`, such as packed `1260115`: the century digit counts from 1900.
 * @returns `2026-01-15`, or null for 0 and blanks, which mean no date
 * @throws MillraceError RecordInvalid for a number that is no day
 */
export function dateOfCyymmdd(value: number | Decimal | null): string | null {
  const number = value === null ? 0 : Number(value instanceof Decimal ? value.text : value);
  if (number === 0) return null;
  const year = 1900 + Math.floor(number / 10_000);
  return day(year, Math.floor(number / 100) % 100, number % 100, `${number} (CYYMMDD)`);
}

/** Order of the parts of a six-digit date; the job that extracted the journal decides. */
export type DateOrder = 'mdy' | 'dmy' | 'ymd';

/** The fixed part of journal entries as RCVJRNE and DSPJRN write them in the formats *TYPE1 and *TYPE2. */
export const JOURNAL_HEADERS = {
  type1: header(''),
  type2: header('          05 JOUSPF PIC X(10).\n          05 JOSYNM PIC X(8).\n', 18),
} as const;

function header(more: string, reserved = 6): string {
  return `       01 JOURNAL-ENTRY.
          05 JOENTL PIC 9(5).
          05 JOSEQN PIC S9(10).
          05 JOCODE PIC X.
          05 JOENTT PIC XX.
          05 JODATE PIC X(6).
          05 JOTIME PIC 9(6).
          05 JOJOB PIC X(10).
          05 JOUSER PIC X(10).
          05 JONBR PIC 9(6).
          05 JOPGM PIC X(10).
          05 JOOBJ PIC X(10).
          05 JOLIB PIC X(10).
          05 JOMBR PIC X(10).
          05 JOCTRR PIC 9(10).
          05 JOFLAG PIC X.
          05 JOCCID PIC 9(10).
${more}          05 JOINCDAT PIC X.
          05 JOMINESD PIC X.
          05 JORES PIC X(${reserved}).
`;
}

export interface JournalOptions {
  /**
   * Fixed part of the entries: a built-in one, or a copybook of your own for other formats. It needs JOENTL, JOSEQN,
   * JOCODE, JOENTT, JOOBJ, JOLIB and JOMBR, and JOTSTP or JODATE with JOTIME.
   */
  header?: keyof typeof JOURNAL_HEADERS | CopybookSource;
  /** EBCDIC code page of the header (cp037) */
  codePage?: string;
  dateOrder?: DateOrder;
}

export interface JournalChange {
  /** `before` is the image before the update that follows it; `truncate` empties the member and has no row */
  op: 'insert' | 'before' | 'update' | 'delete' | 'truncate';
  /** of the journal; ascending, with gaps */
  sequence: number;
  /** local time of the system, to the second in *TYPE1 and *TYPE2: `2026-01-15T08:30:00` */
  timestamp: string;
  object: { library: string; file: string; member: string };
  /** relative record number in the member */
  recordNumber: number;
  /** commit cycle that it belongs to; 0 when under no commitment control */
  commitId: number;
  /** a change that a rollback made */
  rollback: boolean;
  /** null when the entry has no image, as deletes of journals without before images */
  row: Row | null;
}

/** What the entry types of journal code R do to a row. */
const ROW_OPS: Record<string, { op: JournalChange['op']; rollback: boolean }> = {
  PT: { op: 'insert', rollback: false },
  PX: { op: 'insert', rollback: false },
  UB: { op: 'before', rollback: false },
  UP: { op: 'update', rollback: false },
  DL: { op: 'delete', rollback: false },
  BR: { op: 'before', rollback: true },
  UR: { op: 'update', rollback: true },
  DR: { op: 'delete', rollback: true },
};

/**
 * Reads journal entries as changes of rows: `const read = journalReader({ 'SHOP/ORDERS': orders })`, then
 * `read(entry)` for the bytes of each entry. Entries of other files, and those that change no row (commits, opens,
 * saves), give undefined.
 * @param files decoders of the record formats, by `LIBRARY/FILE` or `FILE`
 * @throws MillraceError RecordInvalid for an entry that is cut off, minimised, or whose image is elsewhere
 */
export function journalReader(
  files: Record<string, CompiledCopybook>,
  options: JournalOptions = {},
): (entry: Uint8Array) => JournalChange | undefined {
  const { header: given = 'type1', codePage = 'cp037', dateOrder = 'mdy' } = options;
  const source =
    typeof given === 'string' ? { name: `journal ${given}`, text: JOURNAL_HEADERS[given] } : given;
  const head = compileCopybook({
    copybooks: [source],
    options: { ebcdic_code_page: codePage, strict_sign_overpunching: false },
  });
  const start = head.layout.recordLength;
  return (entry) => {
    if (entry.length < start)
      throw invalid(
        `The journal entry has ${entry.length} bytes, its fixed part alone ${start}`,
        'It was cut off, or has another format: check ENTFMT or OUTFILFMT of the extract',
      );
    const fields = head.decode(entry);
    const text = (name: string): string => String((fields[name] as string | number | null) ?? '');
    const sequence = Number(text('JOSEQN'));
    const code = text('JOCODE');
    const known =
      code === 'R'
        ? ROW_OPS[text('JOENTT')]
        : code === 'F' && text('JOENTT') === 'CR'
          ? { op: 'truncate' as const, rollback: false }
          : undefined;
    const object = { library: text('JOLIB'), file: text('JOOBJ'), member: text('JOMBR') };
    const file = files[`${object.library}/${object.file}`] ?? files[object.file];
    if (!known || !file) return undefined;
    const where = `Journal entry ${sequence} of ${object.library}/${object.file}`;
    if (text('JOINCDAT') === '1')
      throw invalid(
        `${where} points at data that is not in it`,
        'Receive entries with ENTFMT(*TYPEPTR) resolved, or leave large objects out of the journal',
      );
    if (text('JOMINESD') !== '' && text('JOMINESD') !== '0')
      throw invalid(
        `${where} is minimised and has only the fields that changed`,
        'Set MINENTDTA(*NONE) for the journal',
      );
    const image = entry.subarray(start);
    const needed = file.layout.recordLength;
    const hasImage = known.op !== 'truncate' && image.some((byte) => byte !== 0x40 && byte !== 0);
    if (hasImage && image.length < needed)
      throw invalid(
        `${where} has ${image.length} bytes of the ${needed} of a record`,
        'Give RCVJRNE or the outfile room for whole records: ENTDTALEN',
      );
    if (!hasImage && known.op !== 'truncate' && known.op !== 'delete')
      throw invalid(`${where} has no record image`, 'Journal the file with IMAGES(*BOTH) or (*AFTER)');
    return {
      ...known,
      sequence,
      timestamp: timestampOf(fields, dateOrder, where),
      object,
      recordNumber: Number(text('JOCTRR')),
      commitId: Number(text('JOCCID')),
      row: hasImage ? file.decode(image.subarray(0, needed)) : null,
    };
  };
}

function timestampOf(fields: Row, order: DateOrder, where: string): string {
  const stamp = fields['JOTSTP'];
  if (typeof stamp === 'string') {
    const match = /^(\d{4}-\d{2}-\d{2})-(\d{2})\.(\d{2})\.(\d{2})(\.\d+)?$/.exec(stamp);
    if (!match) throw invalid(`${where} has the timestamp '${stamp}'`, 'Expected YYYY-MM-DD-hh.mm.ss.ffffff');
    return `${match[1]}T${match[2]}:${match[3]}:${match[4]}${match[5] ?? ''}`;
  }
  const date = String((fields['JODATE'] as string | null) ?? '')
    .replaceAll(/\D/g, '')
    .padStart(6, '0');
  const [a, b, c] = [0, 2, 4].map((at) => Number(date.slice(at, at + 2))) as [number, number, number];
  const [year, month, dayOfMonth] = order === 'mdy' ? [c, a, b] : order === 'dmy' ? [c, b, a] : [a, b, c];
  const time = String((fields['JOTIME'] as number | null) ?? 0).padStart(6, '0');
  // two-digit years of IBM i stand for 1940 to 2039
  const iso = day(
    year < 40 ? 2000 + year : 1900 + year,
    month,
    dayOfMonth,
    `'${date}' (${order}) in ${where}`,
  );
  return `${iso}T${time.slice(0, 2)}:${time.slice(2, 4)}:${time.slice(4, 6)}`;
}

function day(year: number, month: number, dayOfMonth: number, what: string): string {
  const iso = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(dayOfMonth).padStart(2, '0')}`;
  const date = new Date(`${iso}T00:00:00Z`);
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== dayOfMonth)
    throw invalid(`${what} is no day`, 'Check the field, or the date order');
  return iso;
}

const invalid = (what: string, fix: string): MillraceError =>
  new MillraceError('RecordInvalid', { what, fix });
