import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteText } from '../../warehouse/port.js';
import { castSelect, discardedCount, selectColumns, typedSelect, type CastSelect } from '../cast.js';
import { parquetOptions } from '../parquet-options.js';
import type { Casting } from '../typed-columns.js';
import { segmentFiles, type PlainText, type Segment, type TextLayout } from './segment.js';
import { plainRelation, stagedRelation, typedRelation } from './staged-relation.js';

export interface LoadedSegment {
  /** as it was loaded, without plain text where that had to be rewritten */
  segment: Segment;
  /** Parquet of the rows that fit */
  path: string;
  loaded: number;
  /** values left out of them */
  discarded: number;
}

export interface LoadOptions {
  layout: TextLayout;
  folder: string;
  /** values of the lineage columns */
  file: string;
  batch: Promise<string>;
  extractedAt: string;
  /** `KV_METADATA {…}` of the Parquet, or nothing */
  metadata: string;
  /** Splits plain text record by record: some of it is not as plain as it looked, or a value needs a second look. */
  rewrite: ((segment: Segment) => Promise<Segment>) | undefined;
}

/**
 * Casts staged segments to Parquet, each session one at a time, while the reader goes on. A segment is the work of
 * one thread: DuckDB's parallel writer cuts row groups by chance, and a retry must write the same bytes.
 */
export class SegmentLoader {
  private readonly results: Promise<LoadedSegment>[] = [];
  private readonly free: DuckDBConnection[];
  private readonly queue: (() => void)[] = [];
  private running: Promise<unknown>[] = [];
  private failure: { error: unknown } | undefined;

  constructor(
    private readonly sessions: DuckDBConnection[],
    private readonly options: LoadOptions,
  ) {
    this.free = [...sessions];
  }

  /** Queues a segment. @throws what an earlier one failed with, so that reading stops early */
  add(segment: Segment, casting: Casting): void {
    this.assertGoing();
    const path = join(this.options.folder, `rows-${this.results.length}.parquet`);
    const result = this.withSession((session) => this.load(session, segment, casting, path));
    this.results.push(result);
    this.running.push(
      result.catch((error: unknown) => {
        this.failure ??= { error };
      }),
    );
  }

  /** In file order. */
  finish(): Promise<LoadedSegment[]> {
    return Promise.all(this.results);
  }

  /** Stops what runs, and returns when nothing runs any more: only then the sessions may be closed. */
  async stop(): Promise<void> {
    this.failure ??= { error: new Error('stopped') };
    for (const session of this.sessions) session.interrupt();
    await Promise.all(this.running);
  }

  private assertGoing(): void {
    if (this.failure) throw this.failure.error;
  }

  private async withSession<T>(work: (session: DuckDBConnection) => Promise<T>): Promise<T> {
    const session = this.free.pop() ?? (await this.nextFree());
    try {
      return await work(session);
    } finally {
      this.free.push(session);
      this.queue.shift()?.();
    }
  }

  private async nextFree(): Promise<DuckDBConnection> {
    await new Promise<void>((resolve) => this.queue.push(resolve));
    return this.free.pop() ?? (await this.nextFree());
  }

  private async load(
    session: DuckDBConnection,
    segment: Segment,
    casting: Casting,
    path: string,
  ): Promise<LoadedSegment> {
    this.assertGoing();
    if (segment.plain) {
      const loaded = await this.loadPlain(session, segment, segment.plain, casting, path);
      if (loaded) return loaded;
      this.assertGoing();
    }
    const { layout, rewrite } = this.options;
    const exact = segment.plain && rewrite ? await rewrite(segment) : segment;
    if (exact.staged === 0) return { segment: exact, path, loaded: 0, discarded: 0 };
    const cast = castSelect(casting, stagedRelation([exact], layout), layout.nulls);
    const loaded = await this.copy(session, [selectFrom(casting, cast)], path);
    return this.done({ segment: exact, path, loaded, discarded: await discardedOf(session, casting, cast) });
  }

  /**
   * Loads a segment as it lies there: values that are sure as their types, others by their casts.
   * @returns undefined when some record or value is not as good as it looked: then each record is split and cast
   */
  private async loadPlain(
    session: DuckDBConnection,
    segment: Segment,
    plain: PlainText,
    casting: Casting,
    path: string,
  ): Promise<LoadedSegment | undefined> {
    const { layout } = this.options;
    const rest = { ...segment, plain: undefined };
    const others = rest.lines.length + rest.multiline.length > 0;
    const texts = castSelect(casting, plainRelation(plain, segment.width, layout), layout.nulls);
    const scanned = others ? [castSelect(casting, stagedRelation([rest], layout), layout.nulls)] : [];
    if (plain.sure) {
      const typed = typedSelect(casting, typedRelation(plain, segment.width, layout, casting));
      const selects = [selectFrom(casting, typed, true), ...scanned.map((one) => selectFrom(casting, one))];
      const loaded = await this.tryCopy(session, selects, path);
      if (loaded === segment.staged) {
        const discards = await Promise.all(scanned.map((one) => discardedOf(session, casting, one)));
        return this.done({ segment, path, loaded, discarded: discards.reduce((sum, one) => sum + one, 0) });
      }
    }
    const selects = [texts, ...scanned];
    const loaded = await this.tryCopy(
      session,
      selects.map((one) => selectFrom(casting, one)),
      path,
    );
    if (loaded !== segment.staged) return undefined;
    let discarded = 0;
    for (const one of selects) discarded += await discardedOf(session, casting, one);
    return this.done({ segment, path, loaded, discarded });
  }

  /** @returns undefined when DuckDB found a record that is none, or a value that is not of its type */
  private tryCopy(session: DuckDBConnection, selects: Select[], path: string): Promise<number | undefined> {
    return this.copy(session, selects, path).catch((error: unknown) => {
      if (/CSV Error/i.test((error as Error).message)) return undefined;
      throw error;
    });
  }

  private async copy(session: DuckDBConnection, selects: Select[], path: string): Promise<number> {
    const { metadata } = this.options;
    const { file, batch, extractedAt } = this.options;
    const lineage = lineageColumns({ file, batch: await batch, extractedAt });
    const rows = selects.map(
      ({ values, from, fits }) => `SELECT ${[...values, ...lineage].join(', ')} FROM ${from} WHERE ${fits}`,
    );
    const { rowsChanged } = await session.run(
      `COPY (${rows.join(' UNION ALL ')})
       TO ${quoteText(path)} (${parquetOptions(metadata)})`,
    );
    return rowsChanged;
  }

  /** A segment with misfits is read again for their reasons; others are no longer needed. */
  private async done(loaded: LoadedSegment): Promise<LoadedSegment> {
    if (loaded.loaded === loaded.segment.staged)
      await Promise.all(segmentFiles(loaded.segment).map((path) => rm(path)));
    return loaded;
  }
}

interface Select extends CastSelect {
  values: string[];
}

const selectFrom = (casting: Casting, select: CastSelect, sure = false): Select => ({
  ...select,
  values: selectColumns(casting, sure),
});

async function discardedOf(session: DuckDBConnection, casting: Casting, cast: CastSelect): Promise<number> {
  const count = discardedCount(casting);
  if (count === null) return 0;
  const counted = await session.runAndReadAll(`SELECT ${count} FROM ${cast.from} WHERE ${cast.fits}`);
  return Number(counted.getRowsJson()[0]?.[0] ?? 0);
}

/** Expressions of the lineage columns over a relation that has `record`. */
export const lineageColumns = ({
  file,
  batch,
  extractedAt,
}: {
  file: string;
  batch: string;
  extractedAt: string;
}): string[] => [
  `${quoteText(file)} AS _source_file`,
  'record AS _source_position',
  `${quoteText(batch)} AS _batch`,
  `TIMESTAMPTZ ${quoteText(extractedAt)} AS _extracted_at`,
];
