import { hex, recordInvalid, truncated, type FrameContext } from './raw-record.js';

/** How the length stands in the four bytes before a record (RDW) or block (BDW). */
export interface HeaderFormat {
  bigEndian: boolean;
  /** added to the length that is found */
  adjustment: number;
}

const HEADER = 4;
const MAX_RECORD = 100 * 1024 * 1024;
const MAX_BLOCK = 256 * 1024 * 1024;

/**
 * The length in a record header. Big-endian in bytes 0-1, little-endian in bytes 2-3, and in the other pair where
 * that one is zero.
 * @throws MillraceError RecordInvalid when it cannot be right
 */
export function recordLength(
  context: { file: string | undefined },
  header: Uint8Array,
  position: number,
  { bigEndian, adjustment }: HeaderFormat,
): number {
  const [a = 0, b = 0, c = 0, d = 0] = header;
  const second = a === 0 && b === 0 && (c !== 0 || d !== 0);
  const [first, last] = second ? [c, d] : [a, b];
  const length = (bigEndian ? first * 256 + last : last * 256 + first) + adjustment;
  if (length > 0 && length <= MAX_RECORD) return length;
  throw recordInvalid(
    context,
    position,
    `The record header (RDW) ${hex(header)} gives a length of ${length} bytes`,
    'With record_format V each record begins with its length (RDW): where it does not, as in files of records of one length, record_format is F. Else check is_rdw_big_endian, is_rdw_part_of_record_length and rdw_adjustment; or the record before it is not as long as its header says',
  );
}

/** Takes a header of four bytes; undefined at the end of the file. */
export async function takeHeader(
  context: FrameContext,
): Promise<{ header: Uint8Array; position: number } | undefined> {
  const { reader } = context;
  if (reader.available < HEADER) await reader.fill(HEADER);
  const { position } = reader;
  const header = reader.take(HEADER);
  if (header.length === HEADER) return { header, position };
  if (header.length > 0) {
    const record = { position, bytes: header };
    context.onProblem(truncated(context, record, HEADER), record);
  }
  return undefined;
}

/** Takes a block header. @returns bytes of the block behind it; 0 when the file ends in the header */
export async function blockLength(
  context: FrameContext,
  { bigEndian, adjustment }: HeaderFormat,
): Promise<number> {
  const found = await takeHeader(context);
  if (!found) return 0;
  const { header, position } = found;
  const [a = 0, b = 0, c = 0, d = 0] = bigEndian ? header : [...header].reverse();
  // the first bit says that all four bytes are the length
  const extended = (a & 0x80) !== 0;
  const length = (extended ? ((a & 0x7f) * 256 + b) * 65536 + c * 256 + d : a * 256 + b) + adjustment;
  if ((extended || (c === 0 && d === 0)) && length >= HEADER && length <= MAX_BLOCK) return length;
  throw recordInvalid(
    context,
    position,
    `The block header (BDW) ${hex(header)} gives ${extended || (c === 0 && d === 0) ? `a length of ${length} bytes` : 'no length'}`,
    'Check is_bdw_big_endian and bdw_adjustment; or the block before it is not as long as its header says',
  );
}
