import { MillraceError } from '../../schemas/errors.js';
import { compileCopybook } from './compile.js';
import type { Row } from './decode/runtime.js';

/** The fixed part of journal entries as RCVJRNE and DSPJRN write them in the formats *TYPE1 and *TYPE2. */
const HEADERS = {
  type1: header(21, 6),
  type2: header(39, 18),
} as const;

/** What nobody asks for, such as the job, is a filler. */
function header(more: number, reserved: number): string {
  return `       01 JOURNAL-ENTRY.
          05 FILLER PIC X(5).
          05 JOSEQN PIC S9(10).
          05 JOCODE PIC X.
          05 JOENTT PIC XX.
          05 JODATE PIC X(6).
          05 JOTIME PIC 9(6).
          05 FILLER PIC X(10).
          05 JOUSER PIC X(10).
          05 FILLER PIC X(6).
          05 JOPGM PIC X(10).
          05 JOOBJ PIC X(10).
          05 JOLIB PIC X(10).
          05 JOMBR PIC X(10).
          05 FILLER PIC X(${more}).
          05 JOINCDAT PIC X.
          05 JOMINESD PIC X.
          05 FILLER PIC X(${reserved}).
`;
}

/** Order of the parts of a six-digit date; the job that extracted the journal decides. */
export type DateOrder = 'mdy' | 'dmy' | 'ymd';

export interface JournalOptions {
  entry: keyof typeof HEADERS;
  dateOrder: DateOrder;
  /** EBCDIC code page of the header */
  codePage: string;
}

/** Inserted, updated, deleted, the image before an update, and a member that was emptied. */
export type JournalOp = 'i' | 'u' | 'd' | 'b' | 't';

export interface JournalEntry {
  /** undefined for entries that change no row: commits, opens, saves */
  op: JournalOp | undefined;
  /** of the journal; ascending, with small gaps, as the system uses numbers for itself */
  sequence: number;
  /** local time of the system, to the second: `2026-01-15T08:30:00` */
  changedAt: string;
  library: string;
  file: string;
  member: string;
  program: string;
  user: string;
  /** where its bytes begin that are not of the header */
  imageAt: number;
}

/** What the entry types do to rows. A rollback does what it says: it deletes, or brings an image back. */
const OPS: Record<string, JournalOp> = {
  ...{
    'R PT': 'i',
    'R PX': 'i',
    'R UP': 'u',
    'R UR': 'u',
    'R DL': 'd',
    'R DR': 'd',
    'R UB': 'b',
    'R BR': 'b',
  },
  // a member was cleared, or removed
  ...{ 'F CR': 't', 'F MD': 't' },
};

export interface JournalHeader {
  bytes: number;
  /** @throws MillraceError RecordInvalid for an entry that is cut off, minimised, or whose image is elsewhere */
  read: (entry: Uint8Array) => JournalEntry;
}

/** @throws MillraceError EncodingUnknown */
export function journalHeader({ entry: format, dateOrder, codePage }: JournalOptions): JournalHeader {
  const { layout, decode } = compileCopybook({
    copybooks: [{ name: `journal ${format}`, text: HEADERS[format] }],
    options: { ebcdic_code_page: codePage, strict_sign_overpunching: false },
  });
  const imageAt = layout.recordLength;
  const timeOf = timeReader(dateOrder);
  const read = (bytes: Uint8Array): JournalEntry => {
    if (bytes.length < imageAt)
      throw invalid(
        `The journal entry has ${bytes.length} bytes, its fixed part alone ${imageAt}`,
        'It was cut off, or has another format: check ENTFMT or OUTFILFMT of the extract',
      );
    const fields = decode(bytes);
    const text = (name: string): string => String((fields[name] as string | number | null) ?? '');
    const type = `${text('JOCODE')} ${text('JOENTT')}`;
    const sequence = Number(text('JOSEQN') || NaN);
    if (!(sequence > 0))
      throw invalid(
        `The journal entry has the sequence number '${text('JOSEQN')}'`,
        'It is not of this format, or its number has more than ten digits: attach a receiver with SEQOPT(*RESET)',
      );
    const op = OPS[type];
    const [library, file, member] = [text('JOLIB'), text('JOOBJ'), text('JOMBR')];
    const where = `Journal entry ${sequence} (${type}) of ${library}/${file}`;
    if (op !== undefined && op !== 't') checkImage(text, hasImage(bytes, imageAt), where);
    return {
      ...{ op, sequence, library, file, member, imageAt },
      changedAt: timeOf(fields, where),
      program: text('JOPGM'),
      user: text('JOUSER'),
    };
  };
  return { bytes: imageAt, read };
}

function hasImage(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0x40 && bytes[at] !== 0) return true;
  return false;
}

function checkImage(text: (name: string) => string, found: boolean, where: string): void {
  if (text('JOINCDAT') === '1')
    throw invalid(
      `${where} points at data that is not in it`,
      'Receive entries with ENTFMT(*TYPEPTR) resolved, or leave large objects out of the journal',
    );
  if (!['', '0'].includes(text('JOMINESD')))
    throw invalid(
      `${where} is minimised and has only the fields that changed`,
      'Set MINENTDTA(*NONE) for the journal',
    );
  if (!found)
    throw invalid(
      `${where} has no record image, so nobody knows its row`,
      'Journal the file with IMAGES(*BOTH)',
    );
}

/** Many entries have the time of the one before. */
function timeReader(order: DateOrder): (fields: Row, where: string) => string {
  let last: { date: unknown; time: unknown; at: string } | undefined;
  return (fields, where) => {
    const { JODATE: date, JOTIME: time } = fields;
    if (last === undefined || last.date !== date || last.time !== time)
      last = { date, time, at: timestampOf(fields, order, where) };
    return last.at;
  };
}

function timestampOf(fields: Row, order: DateOrder, where: string): string {
  const date = String((fields['JODATE'] as string | null) ?? '')
    .replaceAll(/\D/g, '')
    .padStart(6, '0');
  const [a, b, c] = [0, 2, 4].map((at) => Number(date.slice(at, at + 2))) as [number, number, number];
  const [year, month, day] = order === 'mdy' ? [c, a, b] : order === 'dmy' ? [c, b, a] : [a, b, c];
  const time = String((fields['JOTIME'] as number | null) ?? 0).padStart(6, '0');
  const clock = [0, 2, 4].map((at) => time.slice(at, at + 2)).join(':');
  // two-digit years of IBM i stand for 1940 to 2039
  const iso = `${year < 40 ? 2000 + year : 1900 + year}-${two(month)}-${two(day)}`;
  const at = new Date(`${iso}T${clock}Z`);
  if (Number.isNaN(at.getTime()) || at.getUTCDate() !== day)
    throw invalid(
      `'${date}' (${order}) at '${time}' in ${where} is no time`,
      'Check the date order: it is that of the job which extracted the journal',
    );
  return `${iso}T${clock}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

const invalid = (what: string, fix: string): MillraceError =>
  new MillraceError('RecordInvalid', { what, fix });
