import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { DuckDBDataChunk, type DuckDBAppender, type DuckDBConnection } from '@duckdb/node-api';
import { Column } from '../../copybook/columns/column.js';
import type { ColumnarDecoder } from '../../copybook/columns/columnar-decoder.js';
import { describeFault } from '../../copybook/columns/describe-fault.js';
import { putValue } from '../../copybook/columns/put-value.js';
import type { CorruptField } from '../../copybook/decode/runtime.js';
import { fields, type Layout } from '../../copybook/layout.js';
import type { OnProblem, RawRecord } from '../../copybook/records/raw-record.js';
import { quoteIdent } from '../../warehouse/port.js';
import type { Reject } from '../rejects.js';
import { duckDbType } from './column-types.js';
import { copyStatement, type DecodedRange, type DecodeJob } from './decode-job.js';
import { fillChunk } from './fill-chunk.js';

/** Bytes of records in one Parquet file. */
const PART_BYTES = 256 << 20;
const ROWS = 2_048;

/**
 * The way for records that must be looked into to be found, or that depend on each other: they are read as a stream,
 * and their rows wait in a table of DuckDB until there are enough for a Parquet file.
 */
export async function decodeStream(
  job: DecodeJob,
  session: DuckDBConnection,
  decoder: ColumnarDecoder | undefined,
): Promise<DecodedRange> {
  const sink = await Sink.create(job, session);
  try {
    await (decoder ? decodeColumns(job, decoder, sink) : decodeRows(job, sink));
    return await sink.finish();
  } finally {
    sink.close();
  }
}

/** A record in the batch that is being gathered. */
interface Waiting {
  number: number;
  position: number;
}

/** Frames by the rules of the file, fields by generated code. */
async function decodeColumns(job: DecodeJob, decoder: ColumnarDecoder, sink: Sink): Promise<void> {
  const { compiled } = job;
  const size = Math.max(1, compiled.layout.recordLength);
  let bytes = Buffer.allocUnsafeSlow(decoder.rows * size);
  const offsets = new Int32Array(decoder.rows);
  const ends = new Int32Array(decoder.rows);
  const waiting: Waiting[] = [];
  let used = 0;
  const numbers = new Column('_record', { kind: 'int64' }, decoder.rows);
  const decode = async (): Promise<void> => {
    const firstRecord = waiting[0]?.number ?? 1;
    const batch = { bytes, count: waiting.length, offsets, ends, firstRecord };
    const { rows, records, bad, filtered } = decoder.decode(batch);
    for (const { record, faults } of bad) {
      const { number, position } = waiting[record] as Waiting;
      const start = (offsets[record] as number) - compiled.settings.record_start_offset;
      const texts = faults.map(({ text, byte }) => `${text} at byte ${position + byte - start}`);
      sink.reject(number, position, texts.join('; '), bytes.subarray(start, ends[record]));
    }
    for (let row = 0; row < rows; row++) {
      numbers.putInteger(row, BigInt((waiting[records[row] as number] as Waiting).number));
    }
    sink.filtered += filtered;
    await sink.append([...decoder.columns, numbers], rows, used);
    waiting.length = 0;
    used = 0;
  };
  const passed = new Passed(sink);
  const options = { file: job.file, onProblem: passed.on, onFiltered: passed.filtered };
  for await (const record of compiled.frame(sink.bytes(), options)) {
    if (passed.has(record)) continue;
    const { length } = record.bytes;
    if (used + length > bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * bytes.length, used + length));
      bytes.copy(grown, 0, 0, used);
      bytes = grown;
    }
    bytes.set(record.bytes, used);
    offsets[waiting.length] = used + compiled.settings.record_start_offset;
    ends[waiting.length] = used + length;
    used += length;
    waiting.push({ number: ++sink.read, position: record.position });
    if (waiting.length === decoder.rows) await decode();
  }
  if (waiting.length > 0) await decode();
}

/** Rows by the row decoder, which knows of segments and generated columns. */
async function decodeRows(job: DecodeJob, sink: Sink): Promise<void> {
  const { compiled } = job;
  const columns = compiled.columns.map(({ name, type }) => new Column(name, type, ROWS));
  const numbers = new Column('_record', { kind: 'int64' }, ROWS);
  const all = [...columns, numbers];
  let rows = 0;
  let bytes = 0;
  const flush = async (): Promise<void> => {
    await sink.append(all, rows, bytes);
    for (const column of all) column.reset();
    rows = bytes = 0;
  };
  const passed = new Passed(sink);
  const { on: onProblem, filtered: onFiltered } = passed;
  const options = { file: job.file, corrupt: true, onProblem, onFiltered };
  for await (const decoded of compiled.readRecords(sink.bytes(), options)) {
    if (passed.has(decoded)) continue;
    // the tree of several records counts as one
    const number = ++sink.read;
    const { corrupt = [], position } = decoded;
    if (corrupt.length > 0 && !compiled.settings.generate_corrupt_fields) {
      const reason = corrupt.slice(0, 3).map((one) => reasonOf(one, compiled.layout, decoded, job));
      sink.reject(number, position, reason.join('; '), decoded.bytes);
      continue;
    }
    const tooLarge = columns.filter((column) => !putValue(column, rows, decoded.record[column.name]));
    if (tooLarge.length > 0) {
      const names = tooLarge.map(({ name }) => name).join(', ');
      sink.reject(number, position, `${names}: a number is too large for its type`, decoded.bytes);
      for (const column of columns) column.setPresent(rows);
      continue;
    }
    numbers.putInteger(rows, BigInt(number));
    bytes += decoded.bytes.length;
    if (++rows === ROWS) await flush();
  }
  if (rows > 0) await flush();
}

function reasonOf(
  { field: name, offset, raw }: CorruptField,
  layout: Layout,
  { position }: { position: number },
  { compiled }: DecodeJob,
): string {
  const plain = name.replaceAll(/\[[^\]]*\]/g, '');
  const field = [...fields(layout.root)].find((one) => one.name === plain);
  if (!field) return `${name}: 0x${Buffer.from(raw).toString('hex')} at byte ${position + offset}`;
  const ascii = compiled.settings.encoding === 'ascii';
  const { what, place } = describeFault(field, raw, 0, ascii);
  return `${name}: ${what} at byte ${position + offset + place}`;
}

/** Records that the file ends in: they are rejected, also where framing would give out what is there of them. */
export class Passed {
  private readonly positions = new Set<number>();

  constructor(private readonly sink: Sink) {}

  readonly on: OnProblem = (problem, { position, bytes }) => {
    this.positions.add(position);
    this.sink.reject(++this.sink.read, position, problem.what, bytes);
  };

  readonly filtered = (record: RawRecord): void => {
    if (this.has(record)) return;
    this.sink.read++;
    this.sink.filtered++;
  };

  has({ position }: Pick<RawRecord, 'position'>): boolean {
    return this.positions.has(position);
  }
}

/** Rows on their way into Parquet files of about 256 MB of records. */
export class Sink {
  read = 0;
  filtered = 0;
  private readonly parts: DecodedRange['parts'] = [];
  private rejects: Reject[] = [];
  private rows = 0;
  private waiting = 0;
  private bytesRead = 0;
  private appender: DuckDBAppender | undefined;

  private constructor(
    private readonly job: DecodeJob,
    private readonly session: DuckDBConnection,
  ) {}

  static async create(job: DecodeJob, session: DuckDBConnection): Promise<Sink> {
    const sink = new Sink(job, session);
    await sink.open();
    return sink;
  }

  bytes(): AsyncIterable<Uint8Array> {
    return createReadStream(this.job.path, { highWaterMark: 1 << 20 });
  }

  reject(record: number, byte: number, reason: string, raw: Uint8Array): void {
    this.rejects.push({ record, line: 0, byte, reason, raw: Buffer.from(raw) });
  }

  /** Adds the first `rows` values of the columns, which were `bytes` in the file. */
  async append(columns: Column[], rows: number, bytes: number): Promise<void> {
    const { job } = this;
    await setImmediate(); // a cancellation arrives as an event
    job.signal.throwIfAborted();
    this.bytesRead += bytes;
    this.tell();
    if (rows > 0) {
      const chunk = DuckDBDataChunk.create(columns.map(({ type }) => duckDbType(type)));
      fillChunk(chunk, columns, rows);
      this.appender?.appendDataChunk(chunk);
    }
    this.rows += rows;
    this.waiting += bytes;
    if (this.waiting >= PART_BYTES) await this.write();
  }

  async finish(): Promise<DecodedRange> {
    if (this.rows > 0) await this.write();
    this.tell();
    const { read, filtered, parts } = this;
    return { read, filtered, parts };
  }

  close(): void {
    this.appender?.closeSync();
    this.appender = undefined;
  }

  private tell(): void {
    const { job, rejects } = this;
    if (rejects.length > 0) job.post({ rejects });
    this.rejects = [];
    job.post({ records: this.read, bytes: this.bytesRead });
  }

  private async open(): Promise<void> {
    const { compiled, extra } = this.job;
    const types = [...compiled.columns, ...extra, { name: '_record', type: { kind: 'int64' as const } }].map(
      ({ name, type }) => `${quoteIdent(name)} ${duckDbType(type).toString()}`,
    );
    await this.session.run(`CREATE OR REPLACE TABLE copybook_records (${types.join(', ')})`);
    this.appender = await this.session.createAppender('copybook_records');
  }

  private async write(): Promise<void> {
    const { job, parts } = this;
    this.close();
    const path = join(job.folder, `rows-${parts.length}.parquet`);
    await this.session.run(copyStatement(job, 'copybook_records', path));
    parts.push({ path, rows: this.rows });
    this.rows = this.waiting = 0;
    await this.open();
  }
}
