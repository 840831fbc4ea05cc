import { rm } from 'node:fs/promises';
import { MillraceError } from '../../schemas/errors.js';
import { ManifestEntry, type Batch, type BronzeSchema, type CursorValue } from '../../schemas/lake.js';
import type { Contract } from '../../schemas/stream.js';
import { inParallel } from '../in-parallel.js';
import { CommitLog } from './commit-log.js';
import { isVariant, joinSchemas, schemaMismatch } from './contract.js';
import { LogIndex } from './log-index.js';
import type { ObjectStore } from './store.js';
import { sameType, widen } from './types.js';

/** A batch whose files lie outside the lake until {@link commitBatches} moves them in. */
export interface StagedBatch {
  batch: Batch;
  /** local files and the keys they get; the keys are those of the batch's references */
  files: { key: string; path: string }[];
  /** the types were inferred from this file because the stream had no schema yet */
  inferred: boolean;
  /** what may change of the stream's shape; by default nothing */
  contract?: Pick<Contract, 'columns' | 'types'>;
}

export interface Manifest {
  /** number of commits of the log; with the same version, it holds the same */
  version: number;
  /** of the stream, oldest first, superseded ones too: see `currentBatches` */
  batches: Batch[];
}

/** Requests to the store at once: those of small files wait for its answers, not for its width. */
const WIDTH = 4;

/** Columns that every row of bronze has beside its own. `_source_position` is the 1-based record number in the file. */
export const LINEAGE: BronzeSchema = [
  { name: '_source_file', type: 'text' },
  { name: '_source_position', type: 'int64' },
  { name: '_batch', type: 'text' },
  { name: '_extracted_at', type: 'timestamptz' },
];

/**
 * Columns that rows of a replicated table have beside their own and {@link LINEAGE}. `_op` is `r` (copied), `i`, `u`,
 * `d` (its key columns have values, the others may be null) or `t` (truncated: no other values). `_lsn` is the position
 * of the transaction's commit, as a number, and `_seq` orders the changes of all tables in it; `_unchanged` names the
 * columns whose value is that of the row before. They are part of a batch's schema.
 */
export const CHANGES: BronzeSchema = [
  { name: '_op', type: 'text' },
  { name: '_lsn', type: 'int64' },
  { name: '_seq', type: 'int64' },
  { name: '_commit_at', type: 'timestamptz' },
  { name: '_unchanged', type: 'VARCHAR[]' },
];

/** The log that all tables of a replicated source share: one commit advances all of them to one position. */
export const REPLICATION = '_replication';

const folder = (source: string, stream: string): string => `bronze/${source}/${stream}`;

/** Where a batch's rows go; quarantine lies in a tree of its own, so that a glob over bronze reads rows only. */
export const batchFolders = (
  source: string,
  stream: string,
  key: string,
): { rows: string; quarantine: string } => ({
  rows: `${folder(source, stream)}/batch=${key}`,
  quarantine: `quarantine/${source}/${stream}/batch=${key}`,
});

// a long stream's manifest is read for every group of files: the cache of its log makes that one look
interface OpenLog {
  log: CommitLog<ManifestEntry>;
  index: LogIndex;
}
const logs = new WeakMap<ObjectStore, Map<string, OpenLog>>();

function logOf(store: ObjectStore, source: string, log: string): OpenLog {
  const known = logs.get(store) ?? new Map<string, OpenLog>();
  logs.set(store, known);
  const prefix = `${folder(source, log)}/_manifest`;
  const open = known.get(prefix) ?? {
    log: new CommitLog(store, prefix, ManifestEntry),
    index: new LogIndex(log),
  };
  known.set(prefix, open);
  return open;
}

/**
 * What is in: the committed batches of a stream, oldest first.
 * @param log the log that holds them, when the stream has none of its own: the parent of a child, {@link REPLICATION}
 * @throws MillraceError ObjectCorrupt
 */
export async function readManifest(
  store: ObjectStore,
  source: string,
  stream: string,
  log = stream,
): Promise<Manifest> {
  const { version, index } = await readLog(store, source, log);
  return { version, batches: index.of(stream) };
}

/** Every stream of a log as of one and the same commit. @throws MillraceError ObjectCorrupt */
export async function readStreams(
  store: ObjectStore,
  source: string,
  log: string,
): Promise<{ version: number; at: CursorValue | undefined; streams: Map<string, Batch[]> }> {
  const { version, index } = await readLog(store, source, log);
  return { version, at: index.at, streams: new Map(index.names().map((name) => [name, index.of(name)])) };
}

async function readLog(store: ObjectStore, source: string, name: string) {
  const { log, index } = logOf(store, source, name);
  const { entries } = await log.read();
  // nothing is awaited from here on, so what is read of the index is of one commit
  return { version: index.catchUp(entries).version, index };
}

/**
 * Puts batches into bronze: their files first, then one entry of the manifest that names them all, which is the
 * commit: all of them or none, of whatever streams. A batch whose key is in already stays as it is: its winner is
 * returned (`won: false`) and the files of the loser are removed. After a crash in between, a retry brings the same
 * files under the same names.
 *
 * @param name of the log: the stream, or what several streams share
 * @param after of a log that one writer at a time goes on with: the version that its last commit has left
 * @returns in the order of `staged`
 * @throws MillraceError SchemaMismatch when the columns are not those of the stream and the contract forbids it;
 *   CommitConflict (retryable) when another batch was faster: with the columns, from the same cursor on, or at all (`after`)
 */
export async function commitBatches(
  store: ObjectStore,
  source: string,
  name: string,
  staged: StagedBatch[],
  after?: number,
): Promise<{ batch: Batch; won: boolean }[]> {
  const { log, index } = logOf(store, source, name);
  const fresh = [...new Map(staged.map((one) => [one.batch.key, one])).values()];
  const absent = (entries: readonly ManifestEntry[]): StagedBatch[] => {
    index.catchUp(entries);
    const mine = fresh.filter(({ batch }) => !index.batch(batch.key));
    assertCursor(index.at, mine, `${source}.${name}`);
    if (after !== undefined && mine.length > 0) assertVersion(index.version, after, `${source}.${name}`);
    assertSchemas(index, mine, source, name);
    return mine;
  };
  // what cannot go in must show before files are moved in
  const moving = absent((await log.read()).entries).flatMap(({ files }) => files);
  await inParallel(moving, WIDTH, ({ key, path }) => store.putFile(key, path));
  const { committed, won } = await log.commit(({ entries }) => {
    const mine = absent(entries).map(({ batch }) => batch);
    const result = {
      committed: new Map(fresh.map(({ batch }) => [batch.key, index.batch(batch.key) ?? batch])),
      won: new Set(mine.map(({ key }) => key)),
    };
    return mine.length === 0 ? { result } : { entry: { batches: mine }, result };
  });
  await inParallel(fresh, WIDTH, async ({ batch, files }) => {
    const winner = committed.get(batch.key) ?? batch;
    await removeUnreferenced(store, source, winner.stream ?? name, winner);
    for (const { path } of files) await rm(path, { force: true });
  });
  return staged.map(({ batch }) => ({
    batch: committed.get(batch.key) ?? batch,
    won: won.has(batch.key),
  }));
}

function assertVersion(now: number, after: number, log: string): void {
  if (now === after) return;
  throw new MillraceError('CommitConflict', {
    what: `${log} is at commit ${now}, and this work goes on from commit ${after}`,
    fix: 'Another attempt has taken over; the retry goes on from where the log is',
  });
}

/** A log has one cursor: batches of one commit have the same step, or go on from each other. */
function assertCursor(at: CursorValue | undefined, staged: StagedBatch[], log: string): void {
  let [now, step] = [at, undefined as Batch['cursor']];
  for (const { batch } of staged) {
    const { cursor } = batch;
    if (!cursor || (step && step.from === cursor.from && step.to === cursor.to)) continue;
    if (now !== undefined && now !== cursor.from) {
      throw new MillraceError('CommitConflict', {
        what: `${log} has been read up to ${now}, and this batch begins at ${cursor.from}`,
        where: { file: batch.source.file },
        fix: 'Another attempt was faster; the retry goes on from where the stream is',
      });
    }
    [now, step] = [cursor.to, cursor];
  }
}

/** Against the stream as it is at the commit, each batch and what those before it have made of it. */
function assertSchemas(index: LogIndex, staged: StagedBatch[], source: string, log: string): void {
  const schemas = new Map<string, BronzeSchema>();
  for (const { batch, inferred, contract = FROZEN } of staged) {
    const stream = batch.stream ?? log;
    const current = schemas.get(stream) ?? index.schema(stream);
    const broken = current ? violations(current, batch.schema, contract) : [];
    if (broken.length > 0) {
      const mismatch = schemaMismatch(broken, `${source}.${stream}`, { file: batch.source.file });
      if (!inferred && contract === FROZEN) throw mismatch;
      throw new MillraceError('CommitConflict', {
        what: `Another batch changed the columns of ${source}.${stream} while this one was read: ${broken.join(', ')}`,
        where: { file: batch.source.file },
        fix: 'The retry reads it with the columns as they are now; declare them to decide them yourself',
        cause: mismatch,
      });
    }
    schemas.set(stream, joinSchemas(current, batch.schema));
  }
}

const FROZEN = { columns: 'freeze', types: 'freeze' } as const;

/** What of a batch's columns the stream does not take, for people. */
function violations(
  current: BronzeSchema,
  schema: BronzeSchema,
  { columns, types }: Pick<Contract, 'columns' | 'types'>,
): string[] {
  const was = new Map(current.map(({ name, type }) => [name.toLowerCase(), type]));
  const is = new Set(schema.map(({ name }) => name.toLowerCase()));
  const fits = (from: string, to: string): boolean =>
    sameType(from, to) || (types === 'evolve' && (to === 'text' || widen(from, to) !== null));
  const added = schema.filter(
    ({ name }) => columns !== 'evolve' && !was.has(name.toLowerCase()) && !isVariant(name, current),
  );
  const gone = current.filter(
    ({ name }) => columns === 'freeze' && !is.has(name.toLowerCase()) && !isVariant(name, current),
  );
  const changed = schema.filter(({ name, type }) => !fits(was.get(name.toLowerCase()) ?? type, type));
  return [
    ...added.map(({ name, type }) => `'${name}' (${type}) is new`),
    ...gone.map(({ name, type }) => `'${name}' (${type}) is gone`),
    ...changed.map(({ name, type }) => `'${name}' is ${type} and was ${was.get(name.toLowerCase())}`),
  ];
}

/** What the winner does not name was left by a loser or a dead attempt. Names carry a hash, so no equal name has other bytes. */
async function removeUnreferenced(
  store: ObjectStore,
  source: string,
  stream: string,
  winner: Batch,
): Promise<void> {
  const named = new Set(
    [...winner.parts, ...(winner.quarantine ? [winner.quarantine] : [])].map(({ uri }) => uri),
  );
  const { rows, quarantine } = batchFolders(source, stream, winner.key);
  for (const prefix of [rows, quarantine]) {
    for (const key of await store.list(`${prefix}/`)) if (!named.has(key)) await store.delete(key);
  }
}
