import { rm } from 'node:fs/promises';
import { MillraceError } from '../../schemas/errors.js';
import { ManifestEntry, type Batch, type BronzeSchema } from '../../schemas/lake.js';
import { CommitLog } from './commit-log.js';
import type { ObjectStore } from './store.js';

/** A batch whose files lie outside the lake until {@link commitBatches} moves them in. */
export interface StagedBatch {
  batch: Batch;
  /** local files and the keys they get; the keys are those of the batch's references */
  files: { key: string; path: string }[];
  /** the types were inferred from this file because the stream had no schema yet */
  inferred: boolean;
}

export interface Manifest {
  version: number;
  batches: Batch[];
}

/** Columns that every row of bronze has beside its own. `_source_position` is the 1-based record number in the file. */
export const LINEAGE: BronzeSchema = [
  { name: '_source_file', type: 'text' },
  { name: '_source_position', type: 'int64' },
  { name: '_batch', type: 'text' },
  { name: '_extracted_at', type: 'timestamptz' },
];

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
const logs = new WeakMap<ObjectStore, Map<string, CommitLog<ManifestEntry>>>();

function logOf(store: ObjectStore, source: string, stream: string): CommitLog<ManifestEntry> {
  const known = logs.get(store) ?? new Map<string, CommitLog<ManifestEntry>>();
  logs.set(store, known);
  const prefix = `${folder(source, stream)}/_manifest`;
  const log = known.get(prefix) ?? new CommitLog(store, prefix, ManifestEntry);
  known.set(prefix, log);
  return log;
}

/** What is in: the committed batches of a stream, oldest first. @throws MillraceError ObjectCorrupt */
export async function readManifest(store: ObjectStore, source: string, stream: string): Promise<Manifest> {
  const { version, entries } = await logOf(store, source, stream).read();
  return { version, batches: entries.flatMap((entry) => entry.batches) };
}

/**
 * Puts batches into bronze: their files first, then one entry of the manifest that names them all, which is the
 * commit. A batch whose key is in already stays as it is: its winner is returned (`won: false`) and the files of
 * the loser are removed. After a crash in between, a retry brings the same files under the same names.
 *
 * @returns in the order of `staged`
 * @throws MillraceError SchemaMismatch when the columns differ from those of the stream; CommitConflict (retryable)
 *   when they were inferred here while another batch was the first to freeze them
 */
export async function commitBatches(
  store: ObjectStore,
  source: string,
  stream: string,
  staged: StagedBatch[],
): Promise<{ batch: Batch; won: boolean }[]> {
  const log = logOf(store, source, stream);
  const fresh = [...new Map(staged.map((one) => [one.batch.key, one])).values()];
  const { entries: before } = await log.read();
  const beforeKeys = byKey(before);
  const absent = fresh.filter(({ batch }) => !beforeKeys.has(batch.key));
  freeze(before, absent, `${source}.${stream}`); // a mismatch must show before files are moved in
  for (const { files } of absent) {
    for (const { key, path } of files) await store.putFile(key, path);
  }
  const { committed, won } = await log.commit(({ entries }) => {
    const known = byKey(entries);
    const mine = fresh.filter(({ batch }) => !known.has(batch.key));
    freeze(entries, mine, `${source}.${stream}`);
    for (const { batch } of mine) known.set(batch.key, batch);
    const result = { committed: known, won: new Set(mine.map(({ batch }) => batch.key)) };
    return mine.length === 0 ? { result } : { entry: { batches: mine.map(({ batch }) => batch) }, result };
  });
  for (const { batch, files } of fresh) {
    const winner = committed.get(batch.key) ?? batch;
    await removeUnreferenced(store, source, stream, winner);
    for (const { path } of files) await rm(path, { force: true });
  }
  return staged.map(({ batch }) => ({
    batch: committed.get(batch.key) ?? batch,
    won: won.has(batch.key),
  }));
}

/**
 * @returns the columns
 * @throws MillraceError SchemaMismatch naming the columns that came, went, moved or changed their type
 */
export function assertSameSchema(
  frozen: BronzeSchema,
  schema: BronzeSchema,
  stream: string,
  file: string,
): BronzeSchema {
  const was = new Map(frozen.map(({ name, type }) => [name, type]));
  const is = new Map(schema.map(({ name, type }) => [name, type]));
  const differences = [
    ...schema.filter(({ name }) => !was.has(name)).map(({ name, type }) => `'${name}' (${type}) is new`),
    ...frozen.filter(({ name }) => !is.has(name)).map(({ name, type }) => `'${name}' (${type}) is gone`),
    ...schema
      .filter(({ name, type }) => was.has(name) && was.get(name) !== type)
      .map(({ name, type }) => `'${name}' is ${type} and was ${was.get(name)}`),
  ];
  if (differences.length === 0) return frozen;
  throw new MillraceError('SchemaMismatch', {
    what: `The columns differ from those of the stream ${stream}: ${differences.join(', ')}`,
    where: { file },
    fix: 'The first batch froze them. Restore the old columns in the file or the declaration, or declare a new stream for the new shape',
  });
}

function freeze(entries: readonly ManifestEntry[], staged: StagedBatch[], stream: string): void {
  let frozen = entries[0]?.batches[0]?.schema;
  for (const one of staged) frozen = requireSameSchema(frozen, one, stream);
}

function requireSameSchema(frozen: BronzeSchema | undefined, one: StagedBatch, stream: string): BronzeSchema {
  const { schema, source } = one.batch;
  if (!frozen) return schema;
  try {
    return assertSameSchema(frozen, schema, stream, source.file);
  } catch (error) {
    if (!one.inferred) throw error;
    throw new MillraceError('CommitConflict', {
      what: `Another batch froze the columns of ${stream} while those of this file were inferred`,
      where: { file: source.file },
      fix: 'The retry reads the file with the frozen columns; declare the columns to decide them yourself',
      cause: error,
    });
  }
}

const byKey = (entries: readonly ManifestEntry[]): Map<string, Batch> =>
  new Map(entries.flatMap((entry) => entry.batches).map((batch) => [batch.key, batch]));

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
