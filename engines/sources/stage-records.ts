import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteSink } from './byte-sink.js';
import type { TextEncoding } from './encoding.js';
import {
  RecordScanner,
  splitFields,
  wrongWidth,
  type Dialect,
  type ScannedRecord,
} from './record-scanner.js';
import type { Rejects } from './rejects.js';

/** Rows in one row group of the Parquet, DuckDB's own default. */
export const ROW_GROUP = 122_880;
/** Two row groups: small enough to be cast while the scanner is at the next one. */
const SEGMENT_RECORDS = 2 * ROW_GROUP;

/** Consecutive good records for DuckDB: each once, in `lines` or in `multiline`. */
export interface Segment {
  /** canonical delimited text in UTF-8, one record a line: `record, line, byte, length`, then the fields */
  lines: string;
  /** the same for records that hold line ends */
  multiline: string;
  /** fields of a record */
  width: number;
  /** records in both */
  staged: number;
  multilineRecords: number;
  /** bytes of the longest record */
  longest: number;
}

export interface StageInput {
  /** UTF-8 or bytes of a single-byte encoding, after its byte order mark */
  text: AsyncIterable<Buffer>;
  encoding: TextEncoding;
  dialect: Dialect;
  skipLines: number;
  /** called with the header's fields, or with the first record's when there is no header; may throw */
  onFirst: (
    fields: { text: string; quoted: boolean }[],
    first: ScannedRecord,
  ) => { width: number; isHeader: boolean };
  /** a finished segment; it may be read at once */
  onSegment: (segment: Segment) => void;
  rejects: Rejects;
  workDir: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: { records: number }) => void) | undefined;
}

const LF = 0x0a;

/** A segment that is being written. */
interface OpenSegment extends Segment {
  files: FileHandle[];
  linesSink: ByteSink;
  multilineSink: ByteSink;
}

async function openSegment(
  index: number,
  width: number,
  { workDir, encoding }: StageInput,
): Promise<OpenSegment> {
  const [lines, multiline] = [join(workDir, `lines-${index}.csv`), join(workDir, `multiline-${index}.csv`)];
  const files = [await open(lines, 'w'), await open(multiline, 'w')] as const;
  return {
    ...{ lines, multiline, width, staged: 0, multilineRecords: 0, longest: 0, files: [...files] },
    linesSink: new ByteSink(files[0], encoding.toUtf8),
    multilineSink: new ByteSink(files[1], encoding.toUtf8),
  };
}

/**
 * Cuts the text into records and writes them where DuckDB finds them; constant memory whatever the file's size.
 * @returns the data records of the file
 */
export async function stageRecords(input: StageInput): Promise<number> {
  const { encoding, dialect, rejects } = input;
  let segment = await openSegment(0, 0, input);
  let segments = 1;
  let read = 0;
  let width: number | undefined;
  let header = 0;
  let failure: { error: unknown } | undefined;

  const isHeader = (record: ScannedRecord): boolean => {
    const fields = splitFields(record.bytes.subarray(record.start, record.end), dialect);
    const first = input.onFirst(
      fields.map(({ bytes, quoted }) => ({ text: encoding.toUtf8(bytes).toString(), quoted })),
      record,
    );
    scanner.width = segment.width = width = first.width;
    if (!first.isHeader && fields.length !== width) record.fault ??= wrongWidth(fields.length, width);
    header = first.isHeader ? 1 : 0;
    return first.isHeader;
  };
  const onRecord = (record: ScannedRecord): void => {
    if (width === undefined && isHeader(record)) return;
    read++;
    const number = record.number - header;
    if (record.fault !== undefined) {
      const { line, byte, fault: reason } = record;
      const raw = encoding.toSource(record.bytes.subarray(record.start, record.end));
      rejects.add({ record: number, line, byte, reason, raw });
    } else {
      write(segment, number, record, dialect);
    }
  };
  const scanner = new RecordScanner({
    ...{ dialect, skipLines: input.skipLines, firstByte: encoding.bom },
    ...{ valid: (bytes) => encoding.valid(bytes), encodingName: encoding.name },
    // what is thrown must not leave the scanner in the middle of a record
    onRecord: (record) => {
      if (failure) return;
      try {
        onRecord(record);
      } catch (error) {
        failure = { error };
      }
    },
  });
  const flush = async (): Promise<void> => {
    if (failure) throw failure.error;
    await segment.linesSink.flush();
    await segment.multilineSink.flush();
    await rejects.flush();
    input.onProgress?.({ records: read });
  };
  const finish = async (): Promise<void> => {
    const { files, lines, multiline, width: fields, staged, multilineRecords, longest } = segment;
    await Promise.all(files.splice(0).map((file) => file.close()));
    if (staged > 0) input.onSegment({ lines, multiline, width: fields, staged, multilineRecords, longest });
  };

  try {
    for await (const chunk of input.text) {
      input.signal?.throwIfAborted();
      scanner.push(chunk);
      await flush();
      if (segment.staged < SEGMENT_RECORDS) continue;
      await finish();
      segment = await openSegment(segments++, segment.width, input);
    }
    scanner.end();
    await flush();
    await finish();
  } finally {
    await Promise.all(segment.files.map((file) => file.close()));
  }
  return read;
}

function write(segment: OpenSegment, number: number, record: ScannedRecord, dialect: Dialect): void {
  const { delimiter } = dialect;
  const sink = record.multiline ? segment.multilineSink : segment.linesSink;
  const length = record.end - record.start;
  sink.digits(number);
  sink.bytes(delimiter, 0, delimiter.length);
  sink.digits(record.line);
  sink.bytes(delimiter, 0, delimiter.length);
  sink.digits(record.byte);
  sink.bytes(delimiter, 0, delimiter.length);
  sink.digits(length);
  sink.bytes(delimiter, 0, delimiter.length);
  if (record.irregular) writeCanonical(sink, record, dialect);
  else sink.bytes(record.bytes, record.start, record.end);
  sink.byte(LF);
  segment.staged++;
  if (record.multiline) segment.multilineRecords++;
  if (length > segment.longest) segment.longest = length;
}

/** Writes a record the way RFC 4180 does, so that no reader has to guess what was meant. */
function writeCanonical(sink: ByteSink, record: ScannedRecord, dialect: Dialect): void {
  const { delimiter, quote } = dialect;
  splitFields(record.bytes.subarray(record.start, record.end), dialect).forEach(
    ({ bytes, quoted }, index) => {
      if (index > 0) sink.bytes(delimiter, 0, delimiter.length);
      if (!quoted && !bytes.includes(quote)) {
        sink.bytes(bytes, 0, bytes.length);
        return;
      }
      sink.byte(quote);
      for (const byte of bytes) {
        if (byte === quote) sink.byte(quote);
        sink.byte(byte);
      }
      sink.byte(quote);
    },
  );
}
