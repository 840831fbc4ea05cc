import type { TextEncoding } from '../encoding.js';
import type { Rejects } from '../rejects.js';
import type { SegmentWriter } from '../text/segment.js';
import { byteKinds, fieldRules, plainLines, readsAsUtf8, type FieldRule } from './plain-text.js';
import type { Casting } from '../typed-columns.js';
import {
  RecordScanner,
  splitFields,
  wrongWidth,
  type Dialect,
  type ScannedRecord,
} from './record-scanner.js';

export interface StageInput {
  /** UTF-8 or bytes of a single-byte encoding, after its byte order mark */
  text: AsyncIterable<Buffer>;
  encoding: TextEncoding;
  dialect: Dialect;
  skipLines: number;
  /** records of the file's earlier entries */
  before: number;
  /** called with the header's fields, or with the first record's when there is no header; may throw */
  onFirst: (
    fields: { text: string; quoted: boolean }[],
    first: ScannedRecord,
  ) => { width: number; isHeader: boolean; casting: Casting | undefined };
  nulls: string[];
  writer: SegmentWriter;
  rejects: Rejects;
  /** name of the file */
  file: string;
  signal?: AbortSignal | undefined;
  onProgress: (records: number) => void;
}

const LF = 0x0a;
/** A line that is longer is left to the scanner, which bounds it. */
const LONG_LINE = 1 << 20;

/**
 * Cuts the text into records and writes them where DuckDB finds them; constant memory whatever the file's size. Text
 * that is surely plain is copied; the scanner splits the rest.
 * @returns the data records of the file
 */
export async function stageRecords(input: StageInput): Promise<number> {
  const { encoding, dialect, rejects, writer, file, before } = input;
  const utf8 = encoding.kind !== 'bytes';
  const kinds = byteKinds(dialect);
  let rules: FieldRule[] | null = null;
  let read = 0;
  let header = 0;

  const isHeader = (record: ScannedRecord): boolean => {
    const fields = splitFields(record.bytes.subarray(record.start, record.end), dialect);
    const first = input.onFirst(
      fields.map(({ bytes, quoted }) => ({ text: encoding.toUtf8(bytes).toString(), quoted })),
      record,
    );
    scanner.width = writer.width = first.width;
    rules = first.casting ? fieldRules(first.casting, first.width, input.nulls) : null;
    if (!first.isHeader && fields.length !== first.width)
      record.fault ??= wrongWidth(fields.length, first.width);
    header = first.isHeader ? 1 : 0;
    return first.isHeader;
  };
  const scanner = guardedScanner(input, (record) => {
    if (scanner.width === undefined && isHeader(record)) return;
    read++;
    stageRecord(record, record.number - header + before, { writer, rejects, encoding, dialect, file });
  });
  const scan = async (bytes: Buffer): Promise<void> => {
    scanner.push(bytes);
    scanner.rethrow();
  };
  const flush = async (): Promise<void> => {
    await writer.flush();
    await rejects.flush();
    input.onProgress(read);
  };
  const take = async (lines: Buffer): Promise<void> => {
    if (scanner.width === undefined) {
      // alone, so that what follows the header can be plain
      const second = lines.indexOf(LF) + 1;
      await scan(Buffer.from(lines.subarray(0, second)));
      if (scanner.width !== undefined) await take(lines.subarray(second));
      else await scan(Buffer.from(lines.subarray(second)));
      return;
    }
    const plain =
      lines.length > 0 && scanner.idle && readsAsUtf8(lines, utf8) && encoding.valid(lines)
        ? plainLines(lines, dialect, kinds, scanner.width, rules)
        : null;
    // the scanner keeps what is not complete
    if (!plain || !writer.takesPlain(plain.crlf)) return scan(Buffer.from(lines));
    const first = { record: scanner.records + 1 - header + before, line: scanner.line, byte: scanner.byte };
    await writer.plain(lines, plain, first);
    scanner.passOver(lines.length, plain.records);
    read += plain.records;
  };

  // whole lines are taken; the start of the next one waits at the start of a buffer that is used again and again
  let buffer = Buffer.alloc(0);
  let waiting = 0;
  try {
    for await (const chunk of input.text) {
      input.signal?.throwIfAborted();
      if (waiting + chunk.length > buffer.length)
        buffer = Buffer.concat([buffer.subarray(0, waiting)], 4 * (waiting + chunk.length));
      chunk.copy(buffer, waiting);
      const bytes = buffer.subarray(0, waiting + chunk.length);
      const end = bytes.lastIndexOf(LF) + 1;
      const long = bytes.length - end > LONG_LINE;
      if (end > 0) await take(bytes.subarray(0, end));
      if (long) await scan(Buffer.from(bytes.subarray(end)));
      waiting = long ? 0 : bytes.length - end;
      bytes.copy(buffer, 0, end);
      await flush();
    }
    await scan(Buffer.from(buffer.subarray(0, waiting)));
    scanner.end();
    scanner.rethrow();
    await flush();
    await writer.finish();
  } finally {
    await writer.close();
  }
  return read;
}

/** A scanner whose consumer may throw: what is thrown must not leave it in the middle of a record. */
export function guardedScanner(
  {
    dialect,
    encoding,
    skipLines = 0,
    firstByte = encoding.bom,
  }: { dialect: Dialect; encoding: TextEncoding; skipLines?: number; firstByte?: number },
  onRecord: (record: ScannedRecord) => void,
): RecordScanner & { rethrow(): void } {
  let failure: { error: unknown } | undefined;
  const scanner = new RecordScanner({
    ...{ dialect, skipLines, firstByte },
    ...{ valid: (bytes) => encoding.valid(bytes), encodingName: encoding.name },
    onRecord: (record) => {
      if (failure) return;
      try {
        onRecord(record);
      } catch (error) {
        failure = { error };
      }
    },
  });
  return Object.assign(scanner, {
    rethrow: () => {
      if (failure) throw failure.error;
    },
  });
}

/** Writes a record for DuckDB, or puts it aside when it is none. */
export function stageRecord(
  record: ScannedRecord,
  number: number,
  to: { writer: SegmentWriter; rejects: Rejects; encoding: TextEncoding; dialect: Dialect; file: string },
): void {
  const { bytes, start, end, line, byte, fault: reason } = record;
  const { writer, rejects, encoding, dialect, file } = to;
  if (reason !== undefined) {
    const raw = encoding.toSource(bytes.subarray(start, end));
    rejects.add({ record: number, line, byte, reason, raw, file });
    return;
  }
  const place = { record: number, line, byte, length: end - start };
  if (!record.irregular) return writer.copy(place, bytes, start, end, record.multiline);
  const fields = splitFields(bytes.subarray(start, end), dialect);
  writer.fields(
    place,
    fields.map((field) => field.bytes),
    fields.map(({ quoted }) => quoted),
  );
}
