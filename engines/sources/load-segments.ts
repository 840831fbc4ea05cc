import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { CsvFormat } from '../../schemas/source.js';
import { quoteText } from '../warehouse/port.js';
import { stagedRelation } from './dialect.js';
import { ROW_GROUP, type Segment } from './stage-records.js';
import { castSelect, selectColumns, type TypedColumn } from './typed-columns.js';

export interface LoadedSegment {
  segment: Segment;
  /** Parquet of the rows that fit */
  path: string;
  loaded: number;
}

export interface LoadOptions {
  format: CsvFormat;
  folder: string;
  /** values of the lineage columns */
  file: string;
  batch: string;
  extractedAt: string;
}

/**
 * Casts staged segments to Parquet, each session one at a time, while the scanner goes on. A segment is the work of
 * one thread: DuckDB's parallel writer cuts row groups by chance, and a retry must write the same bytes.
 */
export class SegmentLoader {
  private readonly results: Promise<LoadedSegment>[] = [];
  private readonly lanes: Promise<unknown>[];
  private failure: { error: unknown } | undefined;

  constructor(
    private readonly sessions: DuckDBConnection[],
    private readonly options: LoadOptions,
  ) {
    this.lanes = sessions.map(() => Promise.resolve());
  }

  /** Queues a segment. @throws what an earlier one failed with, so that scanning stops early */
  add(segment: Segment, columns: TypedColumn[]): void {
    if (this.failure) throw this.failure.error;
    const index = this.results.length;
    const lane = index % this.sessions.length;
    const session = this.sessions[lane] as DuckDBConnection;
    const path = join(this.options.folder, `rows-${index}.parquet`);
    const result = (this.lanes[lane] as Promise<unknown>).then(() =>
      this.load(session, segment, columns, path),
    );
    this.results.push(result);
    this.lanes[lane] = result.catch((error: unknown) => {
      this.failure ??= { error };
    });
  }

  /** In file order. */
  finish(): Promise<LoadedSegment[]> {
    return Promise.all(this.results);
  }

  /** Stops what runs, and returns when nothing runs any more: only then the sessions may be closed. */
  async stop(): Promise<void> {
    this.failure ??= { error: new Error('stopped') };
    for (const session of this.sessions) session.interrupt();
    await Promise.all(this.lanes);
  }

  private async load(
    session: DuckDBConnection,
    segment: Segment,
    columns: TypedColumn[],
    path: string,
  ): Promise<LoadedSegment> {
    if (this.failure) throw this.failure.error;
    const { format, file, batch, extractedAt } = this.options;
    const cast = castSelect(columns, stagedRelation([segment], format), format.nulls);
    const lineage = [
      `${quoteText(file)} AS _source_file`,
      'record AS _source_position',
      `${quoteText(batch)} AS _batch`,
      `TIMESTAMPTZ ${quoteText(extractedAt)} AS _extracted_at`,
    ];
    const { rowsChanged: loaded } = await session.run(
      `COPY (SELECT ${[...selectColumns(columns), ...lineage].join(', ')} FROM ${cast.from} WHERE ${cast.fits})
       TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP})`,
    );
    // a segment with misfits is read again for their reasons
    if (loaded === segment.staged) await Promise.all([rm(segment.lines), rm(segment.multiline)]);
    return { segment, path, loaded };
  }
}
