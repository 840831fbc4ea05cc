import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { batchFolders, commitBatches, readManifest, type StagedBatch } from '../../../engines/lake/bronze.js';
import { sha256 } from '../../../engines/lake/content.js';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import type { BronzeSchema } from '../../../schemas/lake.js';

let root: string;
let store: ObjectStore;
let count = 0;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-bronze-'));
  store = await openLocalStore(join(root, 'lake'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const SCHEMA: BronzeSchema = [
  { name: 'id', type: 'int64' },
  { name: 'name', type: 'text' },
];

/** A batch whose "Parquet" is the given text. */
async function stage(
  key: string,
  content: string,
  { schema = SCHEMA, inferred = false } = {},
): Promise<StagedBatch> {
  const path = join(root, `staged-${++count}`);
  await writeFile(path, content);
  const hash = sha256(content);
  const uri = `${batchFolders('crm', 'customers', key).rows}/part-0000-${hash.slice(0, 12)}.parquet`;
  return {
    files: [{ key: uri, path }],
    inferred,
    batch: {
      key,
      source: { file: `${key}.csv`, bytes: 1, mtimeMs: 1, sha256: hash },
      interval: { start: '2025-01-06T00:00:00Z', end: '2025-01-13T00:00:00Z' },
      parts: [{ uri, sha256: hash, bytes: content.length }],
      schema,
      ...{ read: 1, loaded: 1, quarantined: 0, filtered: 0, quarantine: null },
      ...{ extractedAt: '2025-01-13T00:00:00Z', run: content },
    },
  };
}

const commit = (...batches: StagedBatch[]) => commitBatches(store, 'crm', 'customers', batches);
const parts = async () => (await store.list('bronze/crm/customers/batch=')).map((key) => key.split('/')[3]);

test('a group goes in by one entry', async () => {
  const results = await commit(await stage('k1', 'one'), await stage('k2', 'two'));
  expect(results.map(({ batch, won }) => [batch.key, won])).toEqual([
    ['k1', true],
    ['k2', true],
  ]);
  const { version, batches } = await readManifest(store, 'crm', 'customers');
  expect([version, batches.length]).toEqual([1, 2]);
  expect((await store.get(batches[0]?.parts[0]?.uri ?? '')).toString()).toBe('one');
});

test('a second run returns what the first committed and changes nothing', async () => {
  const [first] = await commit(await stage('k1', 'first'));
  const [second] = await commit(await stage('k1', 'second'));
  expect(second).toEqual({ batch: first?.batch, won: false });
  expect((await readManifest(store, 'crm', 'customers')).version).toBe(1);
  expect(await parts()).toEqual(['batch=k1']);
});

test('of workers that race, each with its own store, one wins and the others return its batch', async () => {
  const workers = await Promise.all(
    Array.from({ length: 6 }, async (_, worker) => {
      const own = await openLocalStore(join(root, 'lake'));
      return commitBatches(own, 'crm', 'customers', [await stage('k1', `worker ${worker}`)]);
    }),
  );
  const results = workers.flat();
  expect(results.filter(({ won }) => won)).toHaveLength(1);
  expect(new Set(results.map(({ batch }) => batch.run)).size).toBe(1);
  const { batches } = await readManifest(store, 'crm', 'customers');
  expect(batches).toHaveLength(1);
  expect(await store.list('bronze/crm/customers/batch=')).toEqual(batches[0]?.parts.map(({ uri }) => uri));
});

test('a group of which some are in adds only the others', async () => {
  await commit(await stage('k1', 'one'));
  const results = await commit(await stage('k1', 'one'), await stage('k2', 'two'));
  expect(results.map(({ won }) => won)).toEqual([false, true]);
  const { batches } = await readManifest(store, 'crm', 'customers');
  expect(batches.map(({ key }) => key)).toEqual(['k1', 'k2']);
});

test('what a crash left between put and commit is adopted or removed by the retry', async () => {
  const dead = await stage('k1', 'died before its commit');
  for (const { key, path } of dead.files) await store.putFile(key, path);
  expect((await readManifest(store, 'crm', 'customers')).batches).toEqual([]);
  await commit(await stage('k1', 'retry'));
  const { batches } = await readManifest(store, 'crm', 'customers');
  expect(await store.list('bronze/crm/customers/batch=')).toEqual(batches[0]?.parts.map(({ uri }) => uri));
});

test('other columns than those of the first batch are refused by name, and nothing of them stays', async () => {
  await commit(await stage('k1', 'one'));
  const other: BronzeSchema = [
    { name: 'id', type: 'text' },
    { name: 'email', type: 'text' },
  ];
  const failed = commit(await stage('k2', 'two', { schema: other }));
  await expect(failed).rejects.toMatchObject({ type: 'SchemaMismatch' });
  await expect(failed).rejects.toThrow(
    "'email' (text) is new, 'name' (text) is gone, 'id' is text and was int64",
  );
  expect(await parts()).toEqual(['batch=k1']);
});

test('inferred columns that lost the race to freeze are tried again', async () => {
  await commit(await stage('k1', 'one'));
  const other = await stage('k2', 'two', { schema: [{ name: 'id', type: 'double' }], inferred: true });
  await expect(commit(other)).rejects.toMatchObject({ type: 'CommitConflict', retryable: true });
});
