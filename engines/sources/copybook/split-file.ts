import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { columnarDecoder } from '../../copybook/columns/columnar-decoder.js';
import {
  fixedStride,
  hasPlainFraming,
  rdwLength,
  recordRange,
  type Range,
} from '../../copybook/columns/record-source.js';
import type { CompiledCopybook } from '../../copybook/compile.js';

/** Bytes of a range. It decides how files are cut into Parquet parts, so it is the same everywhere and always. */
export const RANGE_BYTES = 256 << 20;
const BUFFER_BYTES = 4 << 20;

/**
 * Cuts a file, not compressed, into ranges of whole records that can be decoded apart: files of records of one length
 * by arithmetic, files of records with headers (RDW) in one pass that looks at the headers only. Others are one range.
 * Same file, same ranges.
 *
 * @throws MillraceError RecordInvalid for a header that cannot be right
 */
export function splitFile(
  path: string,
  { layout, settings }: CompiledCopybook,
  file: string,
  rangeBytes = RANGE_BYTES,
): Range[] {
  const descriptor = openSync(path, 'r');
  try {
    const whole = recordRange(settings, layout, fstatSync(descriptor).size);
    const decoder = columnarDecoder(layout, settings);
    const apart = hasPlainFraming(settings) && !('because' in decoder) && !decoder.stateful;
    if (!apart || whole.to - whole.from <= rangeBytes) return [whole];
    if (settings.recordFormat === 'F') return fixedRanges(whole, fixedStride(settings, layout), rangeBytes);
    return [
      ...headedRanges(descriptor, whole, rangeBytes, (header, at) => rdwLength(header, at, file, settings)),
    ];
  } finally {
    closeSync(descriptor);
  }
}

function fixedRanges(whole: Range, stride: number, rangeBytes: number): Range[] {
  const records = Math.max(1, Math.floor(rangeBytes / stride));
  const ranges: Range[] = [];
  for (let from = whole.from, record = 1; from < whole.to; from += records * stride, record += records) {
    ranges.push({ from, to: Math.min(whole.to, from + records * stride), firstRecord: record });
  }
  return ranges;
}

function* headedRanges(
  descriptor: number,
  whole: Range,
  rangeBytes: number,
  lengthOf: (header: Uint8Array, position: number) => number,
): Generator<Range> {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let position = whole.from;
  let filled = 0;
  let start = whole.from;
  let firstRecord = 1;
  let record = 1;
  for (let at = whole.from; at + 4 <= whole.to; record++) {
    if (at - start >= rangeBytes) {
      yield { from: start, to: at, firstRecord };
      start = at;
      firstRecord = record;
    }
    if (at + 4 > position + filled) {
      position = at;
      filled = readSync(descriptor, buffer, 0, buffer.length, position);
      if (filled < 4) break;
    }
    at += 4 + lengthOf(buffer.subarray(at - position, at - position + 4), at);
  }
  if (start < whole.to) yield { from: start, to: whole.to, firstRecord };
}
