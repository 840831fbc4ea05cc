import { readSync } from 'node:fs';
import type { Layout } from '../layout.js';
import { recordLength } from '../records/headers.js';
import { truncated } from '../records/raw-record.js';
import type { CopybookSettings } from '../settings.js';
import type { RecordBatch } from './batch.js';

/** Bytes of a file that hold whole records. */
export interface Range {
  from: number;
  to: number;
  /** 1-based number in the file of the first record */
  firstRecord: number;
}

export interface SourceBatch extends RecordBatch {
  /** 1-based number in the file of the first record */
  firstRecord: number;
  /** byte of the file at which `bytes` begins */
  position: number;
  /** where each record begins in `bytes`, its header included */
  starts: Int32Array;
  /** a record that the file ends in comes after those of the batch */
  cutOff?: { start: number; end: number; reason: string } | undefined;
}

/** Reads records where the file says how long they are; batch by batch and without waiting, for code that cannot wait. */
export interface RecordSource {
  /** The next records. They are valid until the next call; undefined at the end. @throws MillraceError RecordInvalid */
  next(): SourceBatch | undefined;
}

interface SourceInput {
  descriptor: number;
  /** names the file in errors */
  file: string;
  range: Range;
  settings: CopybookSettings;
  layout: Layout;
  /** records at most in a batch */
  rows: number;
}

/** Bytes read at once, at least. */
const READ_BYTES = 1 << 20;

/** Whether records of such files can be found without looking into them. */
export function hasPlainFraming(settings: CopybookSettings): boolean {
  const { recordFormat } = settings;
  return (
    (recordFormat === 'F' || recordFormat === 'V') &&
    settings.record_length_field === undefined &&
    settings.minimum_record_length <= 1 &&
    settings.maximum_record_length === Number.MAX_SAFE_INTEGER
  );
}

/** Bytes from one record to the next in a file of records of one length. */
export const fixedStride = (settings: CopybookSettings, layout: Layout): number =>
  settings.record_start_offset + (settings.record_length ?? layout.recordLength) + settings.record_end_offset;

/** The part of a file that holds its records, without what is left out at its ends. */
export const recordRange = (settings: CopybookSettings, layout: Layout, fileBytes: number): Range => {
  const from = Math.min(fileBytes, settings.file_start_offset + layout.headerLength);
  return {
    from,
    to: Math.max(from, fileBytes - settings.file_end_offset - layout.trailerLength),
    firstRecord: 1,
  };
};

export const recordSource = (input: SourceInput): RecordSource =>
  input.settings.recordFormat === 'V' ? new VariableSource(input) : new FixedSource(input);

class FixedSource implements RecordSource {
  private readonly buffer: Buffer;
  private readonly stride: number;
  private readonly starts: Int32Array;
  private readonly offsets: Int32Array;
  private readonly ends: Int32Array;
  private at: number;
  private record: number;

  constructor(private readonly input: SourceInput) {
    const { settings, layout, rows, range } = input;
    this.stride = fixedStride(settings, layout);
    this.buffer = Buffer.allocUnsafeSlow(this.stride * rows);
    this.starts = Int32Array.from({ length: rows }, (_, n) => n * this.stride);
    this.offsets = this.starts.map((start) => start + settings.record_start_offset);
    this.ends = this.starts.map((start) => start + this.stride);
    this.at = range.from;
    this.record = range.firstRecord;
  }

  next(): SourceBatch | undefined {
    const { stride, buffer, at: position, record: firstRecord, input } = this;
    const length = readFull(
      input.descriptor,
      buffer,
      0,
      Math.min(buffer.length, input.range.to - position),
      position,
    );
    if (length === 0) return undefined;
    const count = Math.floor(length / stride);
    this.at += length;
    this.record += count;
    const left = length - count * stride;
    const start = count * stride;
    return {
      ...{ bytes: buffer, count, position, firstRecord },
      ...{ starts: this.starts, offsets: this.offsets, ends: this.ends },
      ...(left > 0 && { cutOff: cutOff(input.file, buffer, position, start, length, stride) }),
    };
  }
}

/** Records behind headers of four bytes that give their lengths. */
class VariableSource implements RecordSource {
  private buffer: Buffer;
  /** bytes of `buffer` that are filled, and that were given out */
  private filled = 0;
  private used = 0;
  /** byte of the file at which `buffer` begins */
  private position: number;
  private record: number;
  private readonly starts: Int32Array;
  private readonly offsets: Int32Array;
  private readonly ends: Int32Array;

  constructor(private readonly input: SourceInput) {
    const { layout, rows, range } = input;
    this.buffer = Buffer.allocUnsafeSlow(Math.max(READ_BYTES, rows * (layout.recordLength + 4)));
    this.starts = new Int32Array(rows);
    this.offsets = new Int32Array(rows);
    this.ends = new Int32Array(rows);
    this.position = range.from;
    this.record = range.firstRecord;
  }

  next(): SourceBatch | undefined {
    const { settings, rows, file } = this.input;
    this.discard();
    let count = 0;
    let at = 0;
    let rest: SourceBatch['cutOff'];
    while (count < rows) {
      const wanted = at + 4;
      if (!this.fill(wanted, count > 0)) {
        if (count > 0 && !this.ended()) break;
        if (this.filled > at) rest = cutOff(file, this.buffer, this.position, at, this.filled, 4);
        break;
      }
      const length = rdwLength(this.buffer.subarray(at, wanted), this.position + at, file, settings);
      if (!this.fill(wanted + length, count > 0)) {
        if (count > 0 && !this.ended()) break;
        rest = cutOff(file, this.buffer, this.position, at, this.filled, 4 + length);
        break;
      }
      this.starts[count] = at;
      this.offsets[count] = wanted + settings.record_start_offset;
      at = wanted + length;
      this.ends[count] = at;
      count++;
    }
    if (count === 0 && !rest) return undefined;
    this.used = rest ? this.filled : at;
    const firstRecord = this.record;
    this.record += count;
    const { buffer: bytes, position, starts, offsets, ends } = this;
    return { bytes, count, position, firstRecord, starts, offsets, ends, cutOff: rest };
  }

  private ended(): boolean {
    return this.position + this.filled >= this.input.range.to;
  }

  /** Moves what was not given out to the front. */
  private discard(): void {
    this.buffer.copyWithin(0, this.used, this.filled);
    this.position += this.used;
    this.filled -= this.used;
    this.used = 0;
  }

  /** @param keep whether records of this batch lie in the buffer, which must stay where it is then */
  private fill(wanted: number, keep: boolean): boolean {
    if (this.filled >= wanted) return true;
    if (wanted > this.buffer.length) {
      if (keep) return false;
      const grown = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.buffer.length));
      this.buffer.copy(grown, 0, 0, this.filled);
      this.buffer = grown;
    }
    const { descriptor, range } = this.input;
    const from = this.position + this.filled;
    const room = Math.min(this.buffer.length - this.filled, range.to - from);
    this.filled += readFull(descriptor, this.buffer, this.filled, room, from);
    return this.filled >= wanted;
  }
}

/** Bytes of data behind a record header. @throws MillraceError RecordInvalid */
export function rdwLength(
  header: Uint8Array,
  position: number,
  file: string,
  settings: CopybookSettings,
): number {
  const adjustment = settings.rdw_adjustment - (settings.is_rdw_part_of_record_length ? 4 : 0);
  return recordLength({ file }, header, position, { bigEndian: settings.is_rdw_big_endian, adjustment });
}

function cutOff(file: string, buffer: Buffer, position: number, start: number, end: number, length: number) {
  const record = { position: position + start, bytes: buffer.subarray(start, end) };
  return { start, end, reason: truncated({ file }, record, length).what };
}

/** Reads until there is as much as was asked for, or the file ends. */
function readFull(
  descriptor: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
): number {
  let done = 0;
  while (done < length) {
    const count = readSync(descriptor, buffer, offset + done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
