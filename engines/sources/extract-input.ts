import type { DuckDBConnection } from '@duckdb/node-api';
import type { Interval } from '../../schemas/interval.js';
import type { BronzeSchema } from '../../schemas/lake.js';
import type { FileStream } from '../../schemas/source.js';
import { withDuckDb, type DuckDbOptions } from '../lake/duckdb.js';

/** A file on this machine, and what it is called at the source. */
export interface SourceFile {
  /** relative to the source's root, with `/` */
  file: string;
  /** absolute */
  path: string;
  bytes: number;
  mtimeMs: number;
  /** of a store that names contents */
  etag?: string | undefined;
}

export interface ExtractFileInput {
  source: string;
  stream: string;
  spec: FileStream;
  file: SourceFile;
  interval: Interval;
  /** goes into `_extracted_at`; from the run, never the clock, so that a retry writes the same bytes */
  extractedAt: string;
  run: string;
  /** `currentSchema` of the stream's earlier batches */
  frozenSchema?: BronzeSchema | undefined;
  /** the result's files stay here until they are committed */
  workDir: string;
  /** of {@link withFileSessions}, for several files one after the other; without them each file opens its own */
  sessions?: DuckDBConnection[] | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: { bytes: number; records: number }) => void) | undefined;
}

/** Lends what a file is read with. To open it costs as much as to read a small file, so the files of a unit share it. */
export const withFileSessions = <T>(
  options: Pick<DuckDbOptions, 'workDir' | 'signal'>,
  work: (sessions: DuckDBConnection[]) => Promise<T>,
): Promise<T> =>
  withDuckDb({ ...options, sessions: 2 }, async (sessions) => {
    // a filter pushed below the casts would make DuckDB cast each value twice
    for (const session of sessions) await session.run("SET disabled_optimizers = 'filter_pushdown'");
    return work(sessions);
  });
