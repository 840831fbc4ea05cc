import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { MillraceError } from '../../../schemas/errors.js';
import type { CsvFormat } from '../../../schemas/format.js';
import type { TextEncoding } from '../encoding.js';
import type { ReadInput, ReadResult } from '../file-reader.js';
import type { OpenedText } from '../open-text.js';
import { readText } from '../text/read-text.js';
import { SegmentWriter, type Segment } from '../text/segment.js';
import { rawText } from '../text/raw-text.js';
import { dialectOf } from './dialect.js';
import { resolveColumns } from './header.js';
import type { Dialect, ScannedRecord } from './record-scanner.js';
import { guardedScanner, stageRecord, stageRecords } from './stage-csv.js';

/** Reads a delimited file. @throws MillraceError SourceEmpty, FormatMismatch, ColumnMissing, SchemaMismatch */
export function readCsv(input: ReadInput, format: CsvFormat, text: OpenedText): Promise<ReadResult> {
  const { path, spec, frozen, rejects, before, name: file, signal } = input;
  const { encoding } = text;
  const dialect = dialectOf(format, encoding, path);
  let bytes = 0;
  return readText(input, {
    layout: format,
    toUtf8: encoding.toUtf8,
    delimiterBytes: dialect.delimiter,
    raw: () => rawText(text),
    rewrite: (segment, folder) => rewritePlain(segment, folder, input, format, text, dialect),
    stage: (writer, onColumns) =>
      stageRecords({
        ...{ text: text.read((count) => (bytes = count)), encoding, dialect, skipLines: format.skipLines },
        nulls: format.nulls,
        ...{ before, writer, rejects, file, signal },
        onFirst: (fields, first) => {
          const { line, byte, fault } = first;
          const where = { file: path, line, byte };
          const expected = spec.columns ? Object.keys(spec.columns).length : frozen?.length;
          if (fault !== undefined && (format.header || expected === undefined))
            throw brokenHeader(fault, where);
          const columns = resolveColumns(fields, format, input, where);
          rejects.describe({
            encoding: encoding.name,
            ...(format.header && { head: headOf(first, encoding) }),
          });
          const casting = onColumns(columns);
          const width = format.header ? fields.length : columns.length;
          return { width, isHeader: format.header, casting };
        },
        onProgress: (records) => input.onProgress({ bytes, records }),
      }),
  });
}

/** Splits the plain text of a segment record by record, because it is not as plain as it looked. */
async function rewritePlain(
  segment: Segment,
  folder: string,
  { rejects, name: file, signal }: ReadInput,
  layout: CsvFormat,
  { encoding }: OpenedText,
  dialect: Dialect,
): Promise<Segment> {
  const { plain } = segment;
  if (!plain) return segment;
  let rewritten: Segment | undefined;
  const writer = new SegmentWriter({
    ...{ folder, layout, toUtf8: encoding.toUtf8, delimiterBytes: dialect.delimiter },
    name: `again-${plain.first.record}`,
    records: Infinity,
    onSegment: (one) => (rewritten = one),
  });
  writer.width = segment.width;
  let faults = 0;
  const scanner = guardedScanner({ dialect, encoding, firstByte: plain.first.byte }, (record) => {
    if (record.fault !== undefined) faults++;
    stageRecord(record, plain.first.record + record.number - 1, { writer, rejects, encoding, dialect, file });
  });
  scanner.width = segment.width;
  scanner.line = plain.first.line;
  try {
    for await (const chunk of createReadStream(plain.path, { highWaterMark: 1 << 20 })) {
      signal?.throwIfAborted();
      scanner.push(chunk as Buffer);
      scanner.rethrow();
      await writer.flush();
      await rejects.flush();
    }
    scanner.end();
    scanner.rethrow();
    await writer.finish();
  } finally {
    await writer.close();
  }
  await rm(plain.path);
  return {
    ...segment,
    plain: undefined,
    lines: [...(rewritten?.lines ?? []), ...segment.lines],
    multiline: [...(rewritten?.multiline ?? []), ...segment.multiline],
    staged: segment.staged - faults,
    longest: Math.max(segment.longest, rewritten?.longest ?? 0),
  };
}

/** The header as it lies in the file, so that a quarantined record can be read again with it. */
const headOf = ({ bytes, start, end }: ScannedRecord, { toSource }: TextEncoding): Buffer =>
  toSource(Buffer.from(bytes.subarray(start, end)));

const brokenHeader = (fault: string, where: { file: string; line: number; byte: number }): MillraceError =>
  new MillraceError('FormatMismatch', {
    what: `The first record is broken: ${fault}`,
    where,
    fix: 'Check quote, encoding and skipLines of the format against the first lines of the file',
  });
