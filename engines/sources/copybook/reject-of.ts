import type { BadRecord } from '../../copybook/columns/batch.js';
import type { SourceBatch } from '../../copybook/columns/record-source.js';
import type { Reject } from '../rejects.js';

/** A record for the quarantine: its bytes with its header, and what is wrong at which byte of the file. */
export function rejectOf({ record: index, faults }: BadRecord, batch: SourceBatch): Reject {
  const { bytes, starts, ends, position, firstRecord } = batch;
  const start = starts[index] as number;
  const record = firstRecord + index;
  return {
    record,
    // files of records have no lines
    line: 0,
    byte: position + start,
    reason: faults.map(({ text, byte }) => `${text} at byte ${position + byte}`).join('; '),
    raw: Buffer.from(bytes.subarray(start, ends[index])),
  };
}
