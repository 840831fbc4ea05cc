import { blockLength, type HeaderFormat } from './headers.js';
import { takeRecord, truncated, type FrameContext, type RawRecord } from './raw-record.js';

/** `F`: records of one length, one after the other. */
export async function* fixedRecords(context: FrameContext, length: number): AsyncGenerator<RawRecord> {
  while (context.reader.available > 0 || (await context.reader.fill(1)) > 0)
    yield await takeRecord(context, length);
}

/**
 * `FB`: records of one length in blocks; what a block has left over at its end is a shorter record.
 * @param block bytes of a block; undefined when each has its length in a header (BDW)
 */
export async function* blockedRecords(
  context: FrameContext,
  length: number,
  block: number | undefined,
  bdw: HeaderFormat,
): AsyncGenerator<RawRecord> {
  const { reader } = context;
  while ((await reader.fill(1)) > 0) {
    const size = block ?? (await blockLength(context, bdw));
    const start = reader.position;
    for (let left = size; left > 0 && (await reader.fill(1)) > 0; left = size - (reader.position - start)) {
      const wanted = Math.min(length, left);
      await reader.fill(wanted);
      const record = { position: reader.position, bytes: reader.take(wanted) };
      if (record.bytes.length < length) context.onProblem(truncated(context, record, length), record);
      yield record;
    }
  }
}
