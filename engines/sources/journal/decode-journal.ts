import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '../../../schemas/errors.js';
import type { JournalFormat } from '../../../schemas/format.js';
import { Column } from '../../copybook/columns/column.js';
import type { ColumnarDecoder } from '../../copybook/columns/columnar-decoder.js';
import { compileCopybook } from '../../copybook/compile.js';
import type { Frame } from '../../copybook/frame.js';
import { journalHeader, type JournalEntry } from '../../copybook/journal-entries.js';
import type { DecodedRange, DecodeJob } from '../copybook/decode-job.js';
import { Passed, Sink } from '../copybook/decode-stream.js';
import { framingOptions, JOURNAL_COLUMNS } from './journal-columns.js';
import { Sequence } from './sequence.js';

/** An entry whose image waits to be decoded. */
interface Waiting {
  number: number;
  position: number;
  /** with what lies in front of the entry */
  raw: Uint8Array;
  bytes: Uint8Array;
  entry: JournalEntry;
}

/**
 * Reads journal entries: the image of each that changes a row becomes a row, with what the entry says of the change.
 * Entries that change none, or rows of other objects, are filtered.
 * @throws MillraceError JournalGap, FormatMismatch for several objects of which none was chosen, RecordInvalid
 */
export async function decodeJournal(
  job: DecodeJob,
  format: JournalFormat,
  session: DuckDBConnection,
  decoder: ColumnarDecoder,
): Promise<DecodedRange> {
  const { layout, settings } = job.compiled;
  const skipped = Number(format.options['record_start_offset'] ?? 0);
  const header = journalHeader({ ...format, codePage: settings.ebcdic_code_page });
  const sequence = new Sequence(job.file, format);
  const isWanted = chooser(format, job.file);
  const images = new Images(decoder, layout.recordLength);
  const sink = await Sink.create(job, session);
  const passed = new Passed(sink);
  const flush = async (): Promise<void> => {
    const { columns, rows, bytes, faults, filtered } = images.decode();
    sink.filtered += filtered;
    for (const { waiting, reason } of faults)
      sink.reject(waiting.number, waiting.position, reason, waiting.raw);
    await sink.append(columns, rows, bytes);
  };
  try {
    const frame = entryFrame(format, header.bytes + layout.recordLength);
    const options = { file: job.file, onProblem: passed.on, onFiltered: passed.filtered };
    for await (const record of frame(sink.bytes(), options)) {
      if (passed.has(record)) continue;
      const bytes = record.bytes.subarray(skipped);
      const position = record.position + skipped;
      const number = ++sink.read;
      const entry = entryOf(() => header.read(bytes));
      if (typeof entry === 'string') {
        sink.reject(number, position, `${entry} at byte ${position}`, record.bytes);
        continue;
      }
      sequence.add(entry.sequence, entry.changedAt);
      const before = entry.op === 'b' && format.images === 'after';
      if (entry.op === undefined || before || !isWanted(entry)) {
        sink.filtered++;
        continue;
      }
      const image = bytes.length - entry.imageAt;
      if (entry.op !== 't' && image < layout.recordLength) {
        const what = `Journal entry ${entry.sequence} has ${image} bytes of the ${layout.recordLength} of a record`;
        sink.reject(
          number,
          position,
          `${what} at byte ${position}: check ENTDTALEN and the copybook`,
          record.bytes,
        );
        continue;
      }
      // the buffer of the file's bytes is used again
      const own = record.bytes.slice();
      images.add({ number, position, raw: own, bytes: own.subarray(skipped), entry });
      if (images.isFull) await flush();
    }
    await flush();
    const { span, missing } = sequence;
    return { ...(await sink.finish()), ...(span && { journal: { span, missing } }) };
  } finally {
    sink.close();
  }
}

function entryFrame({ entry, options }: JournalFormat, bytes: number): Frame {
  const framing = framingOptions(options);
  const fixed = !/^vb?$/i.test(String(framing['record_format'] ?? 'F'));
  const text = '       01 ENTRY.\n         05 BYTES PIC X.';
  return compileCopybook({
    copybooks: [{ name: `journal ${entry}`, text }],
    options: { ...(fixed && { record_length: bytes }), ...framing },
  }).frame;
}

function entryOf(read: () => JournalEntry): JournalEntry | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof MillraceError && error.type === 'RecordInvalid') return error.what;
    throw error;
  }
}

/** Which changes are the stream's: those of the objects it names, or of the only one there is. */
function chooser({ objects }: JournalFormat, file: string): (entry: JournalEntry) => boolean {
  if (objects) {
    const names = new Set(objects.map((name) => name.toUpperCase()));
    return ({ library, file: name, member }) =>
      names.has(name) || names.has(`${library}/${name}`) || names.has(`${library}/${name}(${member})`);
  }
  let only: string | undefined;
  return ({ library, file: name, sequence }) => {
    const object = `${library}/${name}`;
    only ??= object;
    if (object === only) return true;
    throw new MillraceError('FormatMismatch', {
      what: `The journal has changes of several files: of ${only}, and with entry ${sequence} of ${object}`,
      where: { file },
      fix: `Say whose records the copybook describes: journal({ objects: '${only}', … }); the others become streams of their own`,
    });
  };
}

/** Gathers images until there are enough to be decoded into columns. */
class Images {
  private readonly extra: Column[];
  private readonly numbers: Column;
  private readonly buffer: Buffer;
  private readonly offsets: Int32Array;
  private readonly ends: Int32Array;
  private waiting: Waiting[] = [];

  constructor(
    private readonly decoder: ColumnarDecoder,
    private readonly size: number,
  ) {
    this.extra = JOURNAL_COLUMNS.map(({ name, type }) => new Column(name, type, decoder.rows));
    this.numbers = new Column('_record', { kind: 'int64' }, decoder.rows);
    this.buffer = Buffer.alloc(decoder.rows * size);
    this.offsets = Int32Array.from({ length: decoder.rows }, (_, n) => n * size);
    this.ends = this.offsets.map((offset) => offset + size);
  }

  get isFull(): boolean {
    return this.waiting.length === this.decoder.rows;
  }

  add(waiting: Waiting): void {
    const { op, imageAt } = waiting.entry;
    const at = this.waiting.length * this.size;
    if (op === 't') this.buffer.fill(0, at, at + this.size);
    else this.buffer.set(waiting.bytes.subarray(imageAt, imageAt + this.size), at);
    this.waiting.push(waiting);
  }

  /** The rows of what was gathered; their values are valid until the next one is added. */
  decode(): {
    columns: Column[];
    rows: number;
    bytes: number;
    faults: { waiting: Waiting; reason: string }[];
    filtered: number;
  } {
    const { decoder, buffer, offsets, ends, waiting, extra, numbers } = this;
    this.waiting = [];
    const batch = { bytes: buffer, count: waiting.length, offsets, ends };
    const { rows, records, bad, filtered } = decoder.decode(batch);
    for (const column of [...extra, numbers]) column.reset();
    for (let row = 0; row < rows; row++) {
      const { entry, number } = waiting[records[row] as number] as Waiting;
      if (entry.op === 't') for (const column of decoder.columns) column.setNull(row);
      this.putEntry(row, entry);
      numbers.putInteger(row, BigInt(number));
    }
    const faults = bad.map(({ record, faults: found }) => {
      const one = waiting[record] as Waiting;
      const start = one.position + one.entry.imageAt - (offsets[record] as number);
      const reason = found.map(({ text, byte }) => `${text} at byte ${start + byte}`).join('; ');
      return { waiting: one, reason };
    });
    const bytes = waiting.reduce((sum, one) => sum + one.bytes.length, 0);
    return { columns: [...decoder.columns, ...extra, numbers], rows, bytes, faults, filtered };
  }

  private putEntry(row: number, entry: JournalEntry): void {
    const { library, file, member } = entry;
    const [op, sequence, changedAt, object, program, user] = this.extra as [
      Column,
      Column,
      Column,
      Column,
      Column,
      Column,
    ];
    op.putText(row, entry.op ?? '');
    sequence.putInteger(row, BigInt(entry.sequence));
    changedAt.putInteger(row, BigInt(Date.parse(`${entry.changedAt}Z`)) * 1_000n);
    object.putText(
      row,
      member === '' || member === file ? `${library}/${file}` : `${library}/${file}(${member})`,
    );
    putName(program, row, entry.program);
    putName(user, row, entry.user);
  }
}

const putName = (column: Column, row: number, name: string): void =>
  name === '' ? column.setNull(row) : column.putText(row, name);
