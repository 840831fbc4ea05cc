import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { batchFolders, commitBatches, REPLICATION, type StagedBatch } from '../../../engines/lake/bronze.js';
import { sha256File } from '../../../engines/lake/content.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import { duckType } from '../../../engines/lake/types.js';
import { quoteText } from '../../../engines/warehouse/port.js';
import type { Batch, BronzeSchema } from '../../../schemas/lake.js';

export const EVOLVE = { columns: 'evolve', types: 'evolve' } as const;

/** Writes bronze the way connectors do, from SQL. */
export class Bronze {
  private count = 0;

  private constructor(
    readonly store: ObjectStore,
    private readonly folder: string,
    private readonly session: DuckDBConnection,
  ) {}

  static async open(store: ObjectStore, folder: string): Promise<Bronze> {
    const session = await (await DuckDBInstance.create(':memory:')).connect();
    await session.run("set TimeZone = 'UTC'");
    return new Bronze(store, folder, session);
  }

  close(): void {
    this.session.closeSync();
  }

  /**
   * @param schema with it the columns that `query` must give, in order
   * @param query null for a batch without files
   */
  async stage(
    source: string,
    stream: string,
    schema: BronzeSchema,
    query: string | null,
    more: Partial<Batch> = {},
  ): Promise<StagedBatch> {
    const number = ++this.count;
    const key = more.key ?? `b${String(number).padStart(4, '0')}`;
    const extractedAt = more.extractedAt ?? new Date(Date.UTC(2025, 0, 1) + number * 60_000).toISOString();
    const parts: Batch['parts'] = [];
    const files: StagedBatch['files'] = [];
    if (query !== null) {
      const path = join(this.folder, `part-${number}.parquet`);
      const names = schema.map(({ name }) => `"${name}"`);
      const casts = schema.map(({ name, type }) => `"${name}"::${duckType(type)} as "${name}"`);
      const lineage = [
        `'${key}.csv' as _source_file`,
        `row_number() over ()::bigint as _source_position`,
        `'${key}' as _batch`,
        `timestamptz '${extractedAt}' as _extracted_at`,
      ];
      await this.session.run(
        `copy (select ${[...casts, ...lineage].join(', ')} from (${query}) rows (${names.join(', ')}))
         to ${quoteText(path)} (format parquet, compression zstd)`,
      );
      const sha256 = await sha256File(path);
      const uri = `${batchFolders(source, stream, key).rows}/part-0000-${sha256.slice(0, 12)}.parquet`;
      parts.push({ uri, sha256, bytes: (await stat(path)).size });
      files.push({ key: uri, path });
    }
    return {
      files,
      inferred: false,
      contract: EVOLVE,
      batch: {
        key,
        source: { file: `${key}.csv`, bytes: 1, mtimeMs: 1, sha256: key },
        interval: { start: '2025-01-01T00:00:00Z', end: '2025-01-02T00:00:00Z' },
        ...{ parts, schema, read: 1, loaded: 1, quarantined: 0, filtered: 0, quarantine: null },
        ...{ run: 'test', ...more, extractedAt },
      },
    };
  }

  /** Stages and commits one batch. @returns it as it was committed */
  async add(...args: Parameters<Bronze['stage']>): Promise<Batch> {
    const staged = await this.stage(...args);
    const [committed] = await commitBatches(
      this.store,
      args[0],
      staged.batch.stream ? REPLICATION : args[1],
      [staged],
    );
    return (committed as { batch: Batch }).batch;
  }
}
