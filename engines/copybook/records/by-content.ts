import { takeRecord, type FrameContext, type RawRecord } from './raw-record.js';

/**
 * Records whose length is in a field of theirs.
 * @param needed bytes at the start of a record that are enough to know its length
 * @param lengthOf bytes of the whole record, given at least those
 */
export async function* recordsByLength(
  context: FrameContext,
  needed: number,
  lengthOf: (start: RawRecord) => number,
): AsyncGenerator<RawRecord> {
  const { reader } = context;
  while ((await reader.fill(1)) > 0) {
    await reader.fill(needed);
    const start = { position: reader.position, bytes: reader.peek(needed) };
    // too short to say how long it is
    if (start.bytes.length < needed) {
      await takeRecord(context, needed);
      return;
    }
    yield await takeRecord(context, Math.max(needed, lengthOf(start)));
  }
}

/**
 * Records that are as long as the arrays in them have elements.
 * @param longest bytes of a record with all arrays at their greatest
 * @param measure bytes of the record that begins there
 */
export async function* recordsByArrays(
  context: FrameContext,
  longest: number,
  measure: (bytes: Uint8Array) => number,
): AsyncGenerator<RawRecord> {
  const { reader } = context;
  while ((await reader.fill(1)) > 0) {
    await reader.fill(longest);
    yield await takeRecord(context, Math.max(1, measure(reader.peek(longest))));
  }
}
