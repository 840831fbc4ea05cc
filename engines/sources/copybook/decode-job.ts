import type { Range } from '../../copybook/columns/record-source.js';
import type { CompiledCopybook } from '../../copybook/compile.js';
import type { CopybookSource } from '../../copybook/parse/parse.js';
import { quoteText } from '../../warehouse/port.js';
import type { Reject } from '../rejects.js';

export interface SplitInput {
  path: string;
  /** as people know it, for errors */
  file: string;
  copybooks: CopybookSource[];
  options: Record<string, string | number | boolean>;
  rangeBytes: number | undefined;
}

export interface DecodeInput {
  /** as people know it, for errors */
  file: string;
  /** absolute, not compressed */
  path: string;
  copybooks: CopybookSource[];
  options: Record<string, string | number | boolean>;
  range: Range;
  /** folder of its own; Parquet is written as `rows-<n>.parquet` */
  folder: string;
  /** SELECT list over the columns of the copybook and `_record`, the 1-based number of the record */
  select: string;
  /** of COPY, such as KV_METADATA */
  parquetOptions: string;
}

export interface DecodedRange {
  read: number;
  filtered: number;
  parts: { path: string; rows: number }[];
}

export type DecodeMessage = { records: number; bytes: number } | { rejects: Reject[] };

/** What both ways of decoding are given. */
export interface DecodeJob extends DecodeInput {
  compiled: CompiledCopybook;
  signal: AbortSignal;
  post: (message: DecodeMessage) => void;
}

/** A statement that writes rows of a relation as Parquet, with row groups of about 24 MB of records. */
export function copyStatement(
  { select, parquetOptions, compiled }: DecodeJob,
  relation: string,
  path: string,
): string {
  const bytes = Math.max(1, compiled.layout.recordLength);
  const rows = Math.max(2_048, Math.min(122_880, 2_048 * Math.round((24 << 20) / 2_048 / bytes)));
  return (
    `COPY (SELECT ${select} FROM ${relation}) TO ${quoteText(path)} ` +
    `(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${rows}${parquetOptions})`
  );
}
