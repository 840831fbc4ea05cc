import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Batch } from '../../../schemas/lake.js';
import { batchFolders, LINEAGE, type StagedBatch } from '../../lake/bronze.js';
import { currentBatches } from '../../lake/current-batches.js';
import { withDuckDb } from '../../lake/duckdb.js';
import { duckType } from '../../lake/types.js';
import { quoteIdent, quoteText } from '../../warehouse/port.js';
import type { LoadContext } from '../connector.js';
import { namedFile } from './stage-rows.js';

interface Known {
  context: LoadContext;
  /** column, and the lowest value of it that was read again */
  cursor: string;
  from: string;
}

/**
 * Takes out of a batch the rows that bronze holds, one for one, and records that are in quarantine already.
 * @returns null when nothing is left
 */
export async function withoutKnown(staged: StagedBatch, known: Known): Promise<StagedBatch | null> {
  const { batch } = staged;
  if (batch.read === 0) return null;
  const { workDir, signal, source, stream } = known.context;
  const folder = await mkdtemp(join(workDir, 'late-'));
  const left = await withDuckDb({ workDir: folder, signal }, async (sessions) => {
    const session = sessions[0];
    const near = await reaching(session, known, batch);
    return {
      rows: await lateRows(session, staged, near, known, join(folder, 'rows.parquet')),
      quarantine: await lateRecords(session, staged, near, known, join(folder, 'quarantine.parquet')),
    };
  });
  for (const { path } of staged.files) await rm(path, { force: true });
  const { rows, quarantine } = left;
  if (rows.count + quarantine.count === 0) {
    await rm(folder, { recursive: true, force: true });
    return null;
  }
  const folders = batchFolders(source, stream, batch.key);
  const part = rows.count > 0 ? await namedFile(rows.path, `${folders.rows}/part-0000`, signal) : undefined;
  const aside =
    quarantine.count > 0
      ? await namedFile(quarantine.path, `${folders.quarantine}/records-0000`, signal)
      : undefined;
  return {
    ...staged,
    batch: {
      ...batch,
      parts: part ? [part.ref] : [],
      quarantine: aside?.ref ?? null,
      ...{ loaded: rows.count, quarantined: quarantine.count },
      filtered: batch.read - rows.count - quarantine.count,
    },
    files: [part, aside].flatMap((file) => (file ? [{ key: file.ref.uri, path: file.path }] : [])),
  };
}

/** The batches that go as far as the window: a place's first value is the highest cursor of its batch. */
async function reaching(
  session: DuckDBConnection,
  { context, cursor, from }: Known,
  { schema }: Batch,
): Promise<Batch[]> {
  const type = duckType(schema.find(({ name }) => name === cursor)?.type ?? 'text');
  const value = (text: string): string => `CAST(${quoteText(text)} AS ${type})`;
  const placed = currentBatches(context.batches).filter(({ cursor: step }) => typeof step?.to === 'string');
  if (placed.length === 0) return [];
  const tests = placed.map(({ cursor: step }) => {
    const [highest = ''] = JSON.parse(step?.to as string) as string[];
    return `${value(highest)} >= ${value(from)}`;
  });
  const reader = await session.runAndReadAll(`SELECT unnest([${tests.join(', ')}])`);
  const near = reader.getRowsJson().map(([reaches]) => reaches === true);
  return placed.filter((_, n) => near[n]);
}

async function lateRows(
  session: DuckDBConnection,
  { batch, files }: StagedBatch,
  near: Batch[],
  { context, cursor, from }: Known,
  target: string,
): Promise<{ path: string; count: number }> {
  const parts = new Set(batch.parts.map(({ uri }) => uri));
  const read = files.filter(({ key }) => parts.has(key)).map(({ path }) => path);
  if (read.length === 0) return { path: target, count: 0 };
  const names = batch.schema.map(({ name }) => quoteIdent(name));
  const held: string[] = [];
  for (const one of near) {
    const paths = await Promise.all(one.parts.map(({ uri }) => context.lake.localFile(uri)));
    if (paths.length > 0)
      held.push(
        `SELECT ${columnsAs(one, batch)} FROM ${parquet(paths)} WHERE ${quoteIdent(cursor)} >= ${quoteText(from)}`,
      );
  }
  const except = held.length > 0 ? `EXCEPT ALL (${held.join(' UNION ALL ')})` : '';
  const lineage = LINEAGE.map(({ name }) =>
    name === '_source_position' ? 'row_number() OVER () AS _source_position' : `one.${name}`,
  );
  const { rowsChanged: count } = await session.run(
    `COPY (
       WITH late AS (SELECT ${names.join(', ')} FROM ${parquet(read)} ${except})
       SELECT ${[...names.map((name) => `late.${name}`), ...lineage].join(', ')}
       FROM (SELECT * FROM late ORDER BY ALL) late, (SELECT * FROM ${parquet(read)} LIMIT 1) one
     ) TO ${quoteText(target)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  return { path: target, count };
}

async function lateRecords(
  session: DuckDBConnection,
  { batch, files }: StagedBatch,
  near: Batch[],
  { context }: Known,
  target: string,
): Promise<{ path: string; count: number }> {
  const read = files.find(({ key }) => key === batch.quarantine?.uri);
  if (!read) return { path: target, count: 0 };
  const held: string[] = [];
  for (const { quarantine } of near) if (quarantine) held.push(await context.lake.localFile(quarantine.uri));
  const known = held.length > 0 ? `WHERE raw NOT IN (SELECT raw FROM ${parquet(held)})` : '';
  const { rowsChanged: count } = await session.run(
    `COPY (SELECT * FROM ${parquet([read.path])} ${known}) TO ${quoteText(target)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  return { path: target, count };
}

/** A batch's columns in the shape of another one: it may have had fewer, or narrower ones. */
function columnsAs(batch: Batch, { schema }: Batch): string {
  const has = new Set(batch.schema.map(({ name }) => name));
  return schema
    .map(
      ({ name, type }) =>
        `CAST(${has.has(name) ? quoteIdent(name) : 'NULL'} AS ${duckType(type)}) AS ${quoteIdent(name)}`,
    )
    .join(', ');
}

const parquet = (paths: string[]): string =>
  `read_parquet([${paths.map(quoteText).join(', ')}], union_by_name = true, hive_partitioning = false)`;
