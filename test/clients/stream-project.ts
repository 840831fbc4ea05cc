import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withDuckDb } from '../../engines/lake/duckdb.js';
import { commitBatches, readManifest } from '../../engines/lake/bronze.js';
import { currentBatches } from '../../engines/lake/current-batches.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { loadProject } from '../../engines/project/load.js';
import { openConnector } from '../../engines/sources/open-connector.js';
import type { Source } from '../../schemas/source.js';
import { writeProject } from './support.js';

/** Writes a project with one stream of the files below `in`; its parts are given as source text. */
export function streamProject(
  folder: string,
  { name, format, path, more }: { name: string; format: string; path: string; more: string },
): void {
  writeProject(
    folder,
    'shop',
    `sources: { crm: { kind: 'files', root: 'in', streams: { ${name}: { path: '${path}', format: ${format}, ${more} } } } }`,
    ['csv', 'fixed', 'jsonl', 'json', 'copybook', 'parquet'],
  );
}

const lakeOf = (folder: string) => openLocalStore(join(folder, '.millrace/lake'));

/** Loads what is new of a stream, as a run does, without a server. */
export async function load(folder: string, stream: string): Promise<void> {
  const { spec, root } = await loadProject(folder);
  const lake = await lakeOf(folder);
  const connector = await openConnector(spec.sources['crm'] as Source, stream);
  const workDir = await mkdtemp(join(tmpdir(), 'millrace-load-'));
  try {
    const context = {
      ...{ source: 'crm', stream, root, lake, workDir, run: 'run', extractedAt: new Date().toISOString() },
      interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' },
      batches: (await readManifest(lake, 'crm', stream)).batches,
      secret: () => Promise.reject(new Error('no secrets')),
      ...{ signal: new AbortController().signal, onProgress: () => undefined },
    };
    for (const unit of await connector.plan(context)) {
      for await (const staged of connector.load(unit, context))
        await commitBatches(lake, 'crm', stream, staged);
    }
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** Rows of a stream's bronze in the order of the selected columns, as text. */
export async function rowsOf(
  folder: string,
  stream: string,
  columns: string,
  where = 'true',
): Promise<unknown[][]> {
  const lake = await lakeOf(folder);
  const { batches } = await readManifest(lake, 'crm', stream);
  const parts = currentBatches(batches).flatMap((batch) => batch.parts);
  const paths = await Promise.all(parts.map(({ uri }) => lake.localFile(uri)));
  return withDuckDb({ workDir: folder }, async ([session]) => {
    const reader = await session.runAndReadAll(
      `SELECT ${columns} FROM read_parquet([${paths.map((path) => `'${path}'`).join(', ')}], union_by_name = true)
       WHERE ${where} ORDER BY ALL`,
    );
    return reader.getRowsJson();
  });
}
