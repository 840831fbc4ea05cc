import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { MillraceError } from '../../../../schemas/errors.js';
import type { Batch } from '../../../../schemas/lake.js';
import type { PostgresStream } from '../../../../schemas/postgres.js';
import type { StagedBatch } from '../../../lake/bronze.js';
import { contentKey } from '../../../lake/content.js';
import { currentSchema } from '../../../lake/contract.js';
import { FULL } from '../../../lake/current-batches.js';
import { quoteIdent, quoteText } from '../../../warehouse/port.js';
import { describeTable, keyOf, selectedColumns, type SourceColumn, type Table } from '../catalog.js';
import { addressOf, openPostgres, withPostgres } from '../connect.js';
import { asSourceError } from '../source-errors.js';
import { copySegments } from '../copy-out.js';
import { assertComplete, selectRows } from '../full.js';
import { planRowColumns, rowSchema, type RowColumns } from '../row-columns.js';
import type { TrailingColumn } from '../row-loader.js';
import { stageRows } from '../stage-rows.js';
import { CHANGE_COLUMNS } from './change-rows.js';
import { filesOf, planChunks, type Chunk } from './chunks.js';
import { needsCopy, replicatedStreams, type ReplicationConfig } from './config.js';
import { parseLsn, Visible } from './lsn.js';
import { ownSchema } from './replicated-tables.js';

export interface CopyOptions {
  /** names of the streams to copy */
  streams: string[];
  /** who asks, by a name that a retry has again: a table with a complete copy of this request is not copied twice */
  request: string;
  /** what bronze holds, by stream */
  batches: ReadonlyMap<string, readonly Batch[]>;
  interval: Batch['interval'];
  extractedAt: string;
  run: string;
  workDir: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: CopyProgress) => void) | undefined;
}

export type CopyProgress =
  /** transactions that began before must end first: the stream may hold half of what they do */
  | { waitsForTransactions: true }
  | { table: string; rows: number; of: number; chunks: number; chunksDone: number };

/** Copied in seconds. */
const SMALL_BYTES = 64 << 20;

interface Snapshot {
  /** as another session imports it */
  name: string;
  /** what it shows */
  visible: string;
  /** what is visible in it was committed before */
  lsn: string;
  /** ISO 8601 */
  at: string;
  /** of the relations, just before */
  files: Map<number, string>;
}

interface TableCopy {
  name: string;
  stream: PostgresStream;
  table: Table;
  columns: SourceColumn[];
  planned: RowColumns;
  key: string[];
  generation: string;
  chunks: Chunk[];
  done: number;
  rows: number;
}

/**
 * Copies tables as of one snapshot, in chunks by several sessions at once. What is yielded is to be committed before
 * more is asked for; a table's new copy takes the place of the old one with its last batch. While a copy runs, no
 * stream of changes may be open on the same log: what follows in it is held against this snapshot.
 */
export async function* copyTables(
  config: ReplicationConfig,
  options: CopyOptions,
): AsyncGenerator<StagedBatch[]> {
  const { url } = config;
  const { signal } = options;
  const asked = replicatedStreams(config.spec).filter(
    ([name]) => options.streams.includes(name) && needsCopy(options.batches.get(name) ?? [], options.request),
  );
  if (asked.length === 0) return;
  const holder = await openPostgres({ url, signal });
  const locks = await openPostgres({ url, signal });
  try {
    const tables: Table[] = [];
    for (const [name, stream] of asked) tables.push(await describeTable(holder, stream.table ?? name));
    const small = await smallOf(holder, tables);
    await waitForTransactions(holder, options);
    const locked = await lock(locks, small);
    // before the snapshot, so that no rewrite is missed that comes after it
    const files = await filesOf(
      holder,
      tables.map(({ sql }) => sql),
    );
    const snapshot = { ...(await takeSnapshot(holder)), files };
    await importSnapshot(locks, snapshot);
    const copies: TableCopy[] = [];
    for (const [n, [name, stream]] of asked.entries()) {
      const session = locked.has(tables[n]?.oid ?? 0) ? locks : holder;
      copies.push(await describeCopy(session, config, options, snapshot, name, stream));
    }
    const isLocked = ({ table }: TableCopy): boolean => locked.has(table.oid);
    yield* copyChunks(config, options, snapshot, copies.filter(isLocked), locks);
    await locks.query('COMMIT');
    const others = copies.filter((copy) => !isLocked(copy));
    yield* copyChunks(config, options, snapshot, others);
  } catch (error) {
    signal?.throwIfAborted();
    throw asSourceError(error, addressOf(url));
  } finally {
    for (const client of [holder, locks]) await client.end().catch(() => undefined);
  }
}

async function smallOf(client: pg.Client, tables: Table[]): Promise<Table[]> {
  const small: Table[] = [];
  for (const table of tables.filter(({ kind }) => kind === 'table')) {
    const { rows } = await client.query<{ small: boolean }>('SELECT pg_relation_size($1) <= $2 AS small', [
      table.oid,
      SMALL_BYTES,
    ]);
    if (rows[0]?.small) small.push(table);
  }
  return small;
}

/**
 * Keeps small tables from being truncated until they are copied, which takes seconds; one that is truncated again and
 * again might never be copied otherwise. The session that holds the locks copies these tables itself: another one would
 * queue behind whoever waits to truncate. It never waits for a lock, so that nobody waits in a circle.
 * @returns the numbers of the tables that are locked
 */
async function lock(client: pg.Client, tables: Table[]): Promise<Set<number>> {
  const locked = new Set<number>();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  for (const { oid, sql } of tables) {
    await client.query('SAVEPOINT before');
    try {
      await client.query(`LOCK TABLE ONLY ${sql} IN ACCESS SHARE MODE NOWAIT`);
      locked.add(oid);
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03') throw error;
      await client.query('ROLLBACK TO before');
    }
    await client.query('RELEASE before');
  }
  return locked;
}

/**
 * Waits until the transactions that are under way have ended. The snapshot taken then shows everything that a stream of
 * changes may have yielded, or left out, before: a commit is in the log, and may have been streamed, a moment before
 * others see it; and changes made before a table was published are never streamed.
 */
async function waitForTransactions(client: pg.Client, { signal, onProgress }: CopyOptions): Promise<void> {
  const current = async (): Promise<Visible> => {
    const { rows } = await client.query<{ now: string }>('SELECT pg_current_snapshot()::text AS now');
    return new Visible(rows[0]?.now ?? '');
  };
  const before = await current();
  for (let wait = 1; (await current()).waitsFor(before); wait = Math.min(2 * wait, 500)) {
    onProgress?.({ waitsForTransactions: true });
    await sleep(wait, undefined, { signal });
  }
}

async function takeSnapshot(client: pg.Client): Promise<Omit<Snapshot, 'files'>> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  const { rows } = await client.query<{ name: string; visible: string; at: Date }>(
    `SELECT pg_export_snapshot() AS name, pg_current_snapshot()::text AS visible, now() AS at`,
  );
  // asked for after the snapshot was taken, so that what it shows lies before
  const { rows: places } = await client.query<{ lsn: string }>(
    'SELECT pg_current_wal_insert_lsn()::text AS lsn',
  );
  const { name = '', visible = '', at = new Date(0) } = rows[0] ?? {};
  return { name, visible, lsn: places[0]?.lsn ?? '0/0', at: at.toISOString() };
}

/** @throws MillraceError Unavailable when the snapshot's rows of a relation are gone @param client holds a lock on it */
async function assertNotRewritten(
  client: pg.Client,
  { table, chunks }: TableCopy,
  chunk: Chunk,
  { files }: Snapshot,
): Promise<void> {
  const { rows } = await client.query<{ file: string | null }>(
    'SELECT pg_relation_filenode($1)::text AS file',
    [chunk.oid],
  );
  if ((rows[0]?.file ?? '') === (files.get(chunk.oid) ?? '')) return;
  throw new MillraceError('Unavailable', {
    what: `The table was truncated or rewritten while it was copied (chunk ${chunk.number + 1} of ${chunks.length})`,
    where: { path: table.label },
    fix: 'It is copied again as it is now; tables that are complete are not',
  });
}

async function describeCopy(
  client: pg.Client,
  config: ReplicationConfig,
  { request, batches }: CopyOptions,
  snapshot: Snapshot,
  name: string,
  stream: PostgresStream,
): Promise<TableCopy> {
  const table = await describeTable(client, stream.table ?? name);
  // what the server computes is no part of its changes
  const columns = selectedColumns(table, stream.select).filter(({ generated }) => !generated);
  return {
    ...{ name, stream, table, columns, key: keyOf(table, stream.key), done: 0, rows: 0 },
    planned: planRowColumns({
      ...{ current: ownSchema(currentSchema(batches.get(name) ?? [])), contract: stream.contract },
      ...{ declared: stream.columns, keepRows: true, stream: `${config.source}.${name}`, table: table.label },
      incoming: columns.map((column) => ({ name: column.name, type: column.type })),
    }),
    generation: contentKey(request, table.label, snapshot.visible, snapshot.lsn, snapshot.at),
    chunks: await planChunks(client, table, config.spec.replication.chunkRows),
  };
}

async function* copyChunks(
  config: ReplicationConfig,
  options: CopyOptions,
  snapshot: Snapshot,
  copies: TableCopy[],
  /** copies all of them, one after the other; without it each chunk has a session of its own */
  session?: pg.Client,
): AsyncGenerator<StagedBatch[]> {
  const waiting = copies.flatMap((copy) => copy.chunks.map((chunk) => ({ copy, chunk })));
  const running = new Map<object, Promise<{ work: object; copy: TableCopy; staged: StagedBatch }>>();
  // a failure or a consumer that leaves must end the others, too
  const controller = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal;
  const start = (): void => {
    const work = waiting.shift();
    if (!work) return;
    const { copy, chunk } = work;
    const promise = copyChunk(config, { ...options, signal }, snapshot, copy, chunk, session).then(
      (staged) => ({
        ...{ work, copy, staged },
      }),
    );
    promise.catch(() => undefined); // it is awaited below, perhaps after another one failed
    running.set(work, promise);
  };
  try {
    const workers = session ? 1 : config.spec.replication.snapshotWorkers;
    for (let n = 0; n < workers; n++) start();
    while (running.size > 0) {
      const { work, copy, staged } = await Promise.race(running.values());
      running.delete(work);
      start();
      copy.done++;
      copy.rows += staged.batch.read;
      options.onProgress?.({
        ...{ table: copy.table.label, rows: copy.rows, of: Math.max(copy.rows, copy.table.estimatedRows) },
        ...{ chunks: copy.chunks.length, chunksDone: copy.done },
      });
      yield copy.done < copy.chunks.length ? [staged] : [staged, lastBatch(options, snapshot, copy)];
    }
  } finally {
    controller.abort(new Error('the copy has ended'));
    await Promise.allSettled(running.values());
  }
}

function copyChunk(
  config: ReplicationConfig,
  options: CopyOptions,
  snapshot: Snapshot,
  copy: TableCopy,
  chunk: Chunk,
  session: pg.Client | undefined,
): Promise<StagedBatch> {
  const { url, source } = config;
  const { interval, extractedAt, run, workDir, signal } = options;
  const { name, stream, table, columns, planned, generation } = copy;
  const copyWith = async (client: pg.Client): Promise<StagedBatch> => {
    let sent = 0;
    const query = selectRows(
      { ...table, sql: `ONLY ${chunk.relation}` },
      columns,
      chunk.condition,
      stream.where,
    );
    const { staged, rows } = await stageRows(
      {
        ...{ source, stream: name, key: contentKey(generation, chunk.number), table: table.label },
        ...{
          interval,
          extractedAt,
          run,
          workDir,
          signal,
          contract: stream.contract,
          tolerance: 0,
          profiled: true,
        },
        ...{ columns: planned, trailing: copyColumns(snapshot) },
      },
      (folder) => copySegments(client, query, folder, (result) => (sent = result.rows)),
    );
    assertComplete(table.label, sent, rows);
    await assertNotRewritten(client, copy, chunk, snapshot);
    const batch = { ...staged.batch, ...placeOf(copy, false), expected: { rows: sent } };
    return { ...staged, batch };
  };
  if (session) return copyWith(session);
  return withPostgres({ url, signal }, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await importSnapshot(client, snapshot);
    return copyWith(client);
  });
}

/** @throws MillraceError Unavailable when the session that holds it has gone */
async function importSnapshot(client: pg.Client, { name }: Snapshot): Promise<void> {
  try {
    await client.query(`SET TRANSACTION SNAPSHOT ${quoteText(name)}`);
  } catch (cause) {
    throw new MillraceError('Unavailable', {
      what: `The snapshot of the copy has gone: ${(cause as Error).message}`,
      fix: 'The session that held it was ended; tables that are not complete are copied again',
      cause,
    });
  }
}

/** Says that all chunks are in, and what they show. */
function lastBatch(
  { request, interval, extractedAt, run }: CopyOptions,
  { visible, lsn, at }: Snapshot,
  copy: TableCopy,
): StagedBatch {
  const { stream, table, planned, generation } = copy;
  return {
    batch: {
      key: contentKey(generation, 'complete'),
      source: { file: table.label, bytes: 0, mtimeMs: Date.parse(at), sha256: '' },
      ...placeOf(copy, true),
      snapshot: { request, visible, lsn },
      ...{ interval, parts: [], read: 0, loaded: 0, quarantined: 0, filtered: 0, quarantine: null },
      schema: [...rowSchema(planned, new Set()), ...CHANGE_COLUMNS.map(({ name, type }) => ({ name, type }))],
      ...{ extractedAt, run },
    },
    files: [],
    inferred: false,
    contract: { columns: stream.contract.columns, types: stream.contract.types },
  };
}

const placeOf = ({ name, key, generation }: TableCopy, complete: boolean) => ({
  ...{ stream: name, scope: FULL, generation: { id: generation, complete } },
  ...(key.length > 0 && { rowKey: key }),
});

/** What a copied row has in the columns of changes. */
function copyColumns({ lsn, at }: Snapshot): TrailingColumn[] {
  const values: Record<string, string> = {
    ...{ _op: `'r'`, _lsn: `${parseLsn(lsn)}::BIGINT`, _seq: 'n', _unchanged: 'NULL::VARCHAR[]' },
    _commit_at: `TIMESTAMPTZ ${quoteText(at)}`,
  };
  return CHANGE_COLUMNS.map(({ name, type }) => ({ name, type, sql: values[name] ?? quoteIdent(name) }));
}
