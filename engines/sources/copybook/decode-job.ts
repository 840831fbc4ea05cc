import type { JournalFormat } from '../../../schemas/format.js';
import type { Batch } from '../../../schemas/lake.js';
import type { Range } from '../../copybook/columns/record-source.js';
import type { CompiledCopybook } from '../../copybook/compile.js';
import type { DateRule } from '../../copybook/date-format.js';
import type { CopybookSource } from '../../copybook/parse/parse.js';
import type { Column as ColumnSpec } from '../../copybook/schema.js';
import { quoteText } from '../../warehouse/port.js';
import type { Reject } from '../rejects.js';

export type { ColumnSpec };

export interface SplitInput {
  path: string;
  /** as people know it, for errors */
  file: string;
  copybooks: CopybookSource[];
  options: Record<string, string | number | boolean>;
  dates: Record<string, DateRule>;
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
  /** fields whose values are declared to mean dates */
  dates: Record<string, DateRule>;
  /** the records are images in journal entries */
  journal?: JournalFormat | undefined;
}

export interface DecodedRange {
  read: number;
  filtered: number;
  parts: { path: string; rows: number }[];
  /** of a journal: its entries' numbers, and how many are missing among them */
  journal?: { span: NonNullable<Batch['journal']>; missing: number };
}

export type DecodeMessage = { records: number; bytes: number } | { rejects: Reject[] };

/** What both ways of decoding are given. */
export interface DecodeJob extends DecodeInput {
  compiled: CompiledCopybook;
  /** columns that the rows have beside those of the copybook */
  extra: ColumnSpec[];
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
