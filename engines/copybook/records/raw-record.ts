import { MillraceError } from '../../../schemas/errors.js';
import type { ByteReader } from './byte-reader.js';

/** The bytes of one record, without headers of the file format. */
export interface RawRecord {
  /** byte of the file at which the record's data begins */
  position: number;
  bytes: Uint8Array;
}

/**
 * Is told what is wrong with the file. When it returns, reading goes on as Cobrix would: a record that is cut off
 * comes out short, or not at all where nothing of it can be used.
 */
export type OnProblem = (problem: MillraceError, record: RawRecord) => void;

export interface FrameContext {
  reader: ByteReader;
  /** names the file in errors */
  file: string | undefined;
  onProblem: OnProblem;
}

/** Takes exactly `length` bytes, and tells of a record that the file ends in. */
export async function takeRecord(context: FrameContext, length: number): Promise<RawRecord> {
  const { reader } = context;
  if (reader.available < length) await reader.fill(length);
  const { position } = reader;
  const record = { position, bytes: reader.take(length) };
  if (record.bytes.length < length) context.onProblem(truncated(context, record, length), record);
  return record;
}

export function truncated(
  { file }: { file: string | undefined },
  record: RawRecord,
  length: number,
): MillraceError {
  const { position, bytes } = record;
  return new MillraceError('RecordTruncated', {
    what: `The file ends ${length - bytes.length} bytes before the record at byte ${position} does: ${bytes.length} of ${length} bytes are there`,
    where: { ...(file !== undefined && { file }), byte: position },
    fix: 'It was probably cut off on its way, or the record length is another: deliver it again, or check copybook and record_length',
  });
}

export const recordInvalid = (
  { file }: { file: string | undefined },
  byte: number,
  what: string,
  fix: string,
): MillraceError =>
  new MillraceError('RecordInvalid', { what, where: { ...(file !== undefined && { file }), byte }, fix });

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
