import { blockLength, recordLength, takeHeader, type HeaderFormat } from './headers.js';
import { takeRecord, truncated, type FrameContext, type RawRecord } from './raw-record.js';

/** `V`: each record behind a header with its length (RDW). */
export async function* variableRecords(context: FrameContext, rdw: HeaderFormat): AsyncGenerator<RawRecord> {
  for (let found = await takeHeader(context); found; found = await takeHeader(context)) {
    yield await takeRecord(context, recordLength(context, found.header, found.position, rdw));
  }
}

/** `VB`: blocks behind headers (BDW), with such records in them. */
export async function* variableBlockedRecords(
  context: FrameContext,
  rdw: HeaderFormat,
  bdw: HeaderFormat,
): AsyncGenerator<RawRecord> {
  const { reader } = context;
  while ((await reader.fill(1)) > 0) {
    const size = await blockLength(context, bdw);
    const start = reader.position;
    while (reader.position - start < size) {
      const found = await takeHeader(context);
      if (!found) return;
      const length = recordLength(context, found.header, found.position, rdw);
      const left = size - (reader.position - start);
      const record = await takeRecord(context, Math.min(length, Math.max(left, 0)));
      if (length > left) context.onProblem(truncated(context, record, length), record);
      if (record.bytes.length > 0) yield record;
    }
  }
}
