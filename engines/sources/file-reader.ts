import type { DuckDBConnection } from '@duckdb/node-api';
import type { Rejects } from './rejects.js';
import type { Casting, ShapeInput } from './typed-columns.js';

/** One file, or one entry of an archive, on its way into bronze. */
export interface ReadInput extends ShapeInput {
  /** `_source_file` */
  name: string;
  /** absolute */
  path: string;
  /** of its own, removed by the caller */
  folder: string;
  sessions: DuckDBConnection[];
  rejects: Rejects;
  /** records of the earlier entries of the archive: positions go on */
  before: number;
  /** key of the batch, once the file is hashed */
  batch: Promise<string>;
  extractedAt: string;
  /** `KV_METADATA {…}` of the Parquet, or nothing */
  metadata: (casting: Casting) => string;
  signal: AbortSignal | undefined;
  onProgress: (progress: { bytes: number; records: number }) => void;
}

export interface ReadResult {
  casting: Casting;
  /** records of the file */
  read: number;
  /** finished Parquet, in file order, and its rows */
  parts: { path: string; rows: number }[];
  /** values left out */
  discarded: number;
  /** whether a file gave the types, because nothing else did */
  inferred: boolean;
  /**
   * Adds the records whose values do not fit to the rejects, where broken ones are already.
   * @param limit the first so many
   */
  rejectMisfits: (limit?: number) => Promise<void>;
}
