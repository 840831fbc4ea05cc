import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { commitBatches, readManifest } from '../../../../engines/lake/bronze.js';
import { currentBatches } from '../../../../engines/lake/current-batches.js';
import { openLocalStore } from '../../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../../engines/lake/store.js';
import { postgresConnector } from '../../../../engines/sources/postgres/connector.js';
import type { Batch } from '../../../../schemas/lake.js';
import { PostgresSource } from '../../../../schemas/postgres.js';
import type { z } from 'zod';

export interface Lake {
  store: ObjectStore;
  folder: string;
  workDir: string;
  remove: () => Promise<void>;
}

export async function temporaryLake(): Promise<Lake> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-lake-'));
  const workDir = await mkdtemp(join(tmpdir(), 'millrace-work-'));
  return {
    ...{ store: await openLocalStore(folder), folder, workDir },
    remove: async () => {
      for (const path of [folder, workDir]) await rm(path, { recursive: true, force: true });
    },
  };
}

export const interval = { start: '2025-11-03T00:00:00Z', end: '2025-11-04T00:00:00Z' };

export type StreamInput = NonNullable<z.input<typeof PostgresSource>['streams'][string]>;
export const sourceOf = (
  streams: Record<string, StreamInput>,
  replication?: z.input<typeof PostgresSource>['replication'],
): PostgresSource =>
  PostgresSource.parse({ kind: 'postgres', url: 'env:URL', streams, ...(replication && { replication }) });

let runs = 0;

/** One run of a stream: everything it yields is committed. @returns the batches in the order of their commits */
export async function runStream(
  lake: Lake,
  url: string,
  name: string,
  stream: StreamInput,
  options: { signal?: AbortSignal; run?: string; stopAfter?: number } = {},
): Promise<Batch[]> {
  const connector = postgresConnector(sourceOf({ [name]: stream }), name);
  const context = {
    ...{ source: 'db', stream: name, interval, root: lake.folder, lake: lake.store },
    batches: (await readManifest(lake.store, 'db', name)).batches,
    secret: () => Promise.resolve(url),
    signal: options.signal ?? new AbortController().signal,
  };
  const committed: Batch[] = [];
  for (const unit of await connector.plan(context)) {
    const loading = connector.load(unit, {
      ...context,
      ...{ extractedAt: interval.end, run: options.run ?? `run-${++runs}`, workDir: lake.workDir },
      onProgress: () => undefined,
    });
    for await (const staged of loading) {
      const done = await commitBatches(lake.store, 'db', name, staged);
      committed.push(...done.map(({ batch }) => batch));
      if (options.stopAfter !== undefined && committed.length >= options.stopAfter) return committed;
    }
  }
  return committed;
}

/** Runs SQL over `bronze`, the rows that readers of a stream see. */
export async function queryBronze(
  lake: Lake,
  stream: string,
  sql: string,
  log = stream,
): Promise<Record<string, unknown>[]> {
  const { batches } = await readManifest(lake.store, 'db', stream, log);
  return queryBatches(lake, currentBatches(batches), sql);
}

export async function queryBatches(
  lake: Lake,
  batches: Batch[],
  sql: string,
): Promise<Record<string, unknown>[]> {
  const files = batches.flatMap(({ parts }, commit) =>
    parts.map(({ uri }, part) => ({ commit, part, path: join(lake.folder, uri) })),
  );
  const instance = await DuckDBInstance.create(':memory:');
  const session = await instance.connect();
  try {
    await session.run("SET TimeZone = 'UTC'");
    if (files.length > 0) {
      const list = files.map(({ path }) => `'${path}'`).join(', ');
      await session.run(
        `CREATE TABLE files AS SELECT * FROM (VALUES ${files.map((file) => `(${file.commit}, ${file.part}, '${file.path}')`).join(', ')}) AS f(_commit, _part, _path)`,
      );
      await session.run(
        `CREATE VIEW bronze AS SELECT rows.* EXCLUDE (filename), _commit, _part
         FROM read_parquet([${list}], union_by_name = true, filename = true, hive_partitioning = false) rows JOIN files ON filename = _path`,
      );
    }
    return (await session.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    session.closeSync();
    instance.closeSync();
  }
}
