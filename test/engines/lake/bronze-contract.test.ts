import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  batchFolders,
  commitBatches,
  readManifest,
  readStreams,
  type StagedBatch,
} from '../../../engines/lake/bronze.js';
import { sha256 } from '../../../engines/lake/content.js';
import { currentBatches, FULL } from '../../../engines/lake/current-batches.js';
import { freshness } from '../../../engines/lake/freshness.js';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import { reconcile } from '../../../engines/lake/reconcile.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import type { Batch, BronzeSchema } from '../../../schemas/lake.js';

let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-contract-'));
  store = await openLocalStore(join(root, 'lake'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const SCHEMA: BronzeSchema = [{ name: 'id', type: 'int32' }];
const WIDER: BronzeSchema = [
  { name: 'id', type: 'int64' },
  { name: 'x', type: 'text' },
];
const EVOLVE = { columns: 'evolve', types: 'evolve' } as const;

const batchOf = (key: string, more: Partial<Batch> = {}): Batch => ({
  key,
  source: { file: key, bytes: 1, mtimeMs: 1, sha256: key },
  interval: { start: '2025-01-06T00:00:00Z', end: '2025-01-13T00:00:00Z' },
  ...{ parts: [], schema: SCHEMA, read: 1, loaded: 1, quarantined: 0, filtered: 0, quarantine: null },
  ...{ extractedAt: '2025-01-13T00:00:00Z', run: 'run' },
  ...more,
});
const staged = (key: string, more: Partial<Batch> = {}, contract?: StagedBatch['contract']): StagedBatch => ({
  ...{ files: [], inferred: false, batch: batchOf(key, more) },
  ...(contract && { contract }),
});
const commit = (...batches: StagedBatch[]) => commitBatches(store, 's', 'log', batches);
const keys = (batches: readonly Batch[]): string => batches.map(({ key }) => key).join(' ');

describe('several streams in one log', () => {
  test('go in by one entry, and are read apart or together', async () => {
    await commit(staged('a1'), staged('b1', { stream: 'child' }));
    await commit(staged('b2', { stream: 'child', schema: WIDER }, EVOLVE));
    expect(keys((await readManifest(store, 's', 'log')).batches)).toBe('a1');
    expect(keys((await readManifest(store, 's', 'child', 'log')).batches)).toBe('b1 b2');
    const { version, streams } = await readStreams(store, 's', 'log');
    expect([version, [...streams.keys()]]).toEqual([2, ['log', 'child']]);
  });

  test('keep their files in folders of their own, and a loser takes its own away', async () => {
    const make = async (content: string): Promise<StagedBatch> => {
      const path = join(root, content);
      await writeFile(path, content);
      const key = `${batchFolders('s', 'child', 'b1').rows}/part-${content}.parquet`;
      const parts = [{ uri: key, sha256: sha256(content), bytes: content.length }];
      return { ...staged('b1', { stream: 'child', parts }), files: [{ key, path }] };
    };
    await commit(await make('first'));
    const [second] = await commit(await make('second'));
    expect(second?.won).toBe(false);
    expect(await store.list('bronze/s/child/')).toEqual([
      `${batchFolders('s', 'child', 'b1').rows}/part-first.parquet`,
    ]);
  });
});

describe('a cursor', () => {
  const step = (from: number | null, to: number): Partial<Batch> => ({ cursor: { from, to } });

  test('goes on only from where the log is; a batch that is in already stays in', async () => {
    await commit(staged('k1', step(null, 10)));
    await commit(staged('k2', step(10, 20)));
    const [again] = await commit(staged('k2', step(10, 20)));
    expect(again?.won).toBe(false);
    await expect(commit(staged('k3', step(10, 30)))).rejects.toMatchObject({
      type: 'CommitConflict',
      retryable: true,
    });
    await expect(commit(staged('k4', step(null, 30)))).rejects.toThrow(
      'up to 20, and this batch begins at null',
    );
    expect((await readStreams(store, 's', 'log')).at).toBe(20);
  });

  test('is one step for all tables of a flush, or a chain within a commit', async () => {
    await commit(
      staged('a', { ...step(0, 5), stream: 'a' }),
      staged('b', { ...step(0, 5), stream: 'b' }),
      staged('c'),
    );
    await commit(staged('d', step(5, 6)), staged('e', step(6, 7)));
    await expect(commit(staged('f', step(7, 8)), staged('g', step(9, 10)))).rejects.toMatchObject({
      type: 'CommitConflict',
    });
    expect((await readStreams(store, 's', 'log')).at).toBe(7);
  });

  test('of workers that race from one position, one gets on', async () => {
    await commit(staged('k0', step(null, 1)));
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, async (_, worker) => {
        const own = await openLocalStore(join(root, 'lake'));
        return commitBatches(own, 's', 'log', [staged(`w${worker}`, step(1, 2))]);
      }),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await readManifest(store, 's', 'log')).batches).toHaveLength(2);
  });
});

describe('the contract at the commit', () => {
  test('lets a stream evolve, whoever comes first', async () => {
    await commit(staged('k1'));
    await commit(staged('k2', { schema: WIDER }, EVOLVE));
    await commit(
      staged(
        'k3',
        {
          schema: [
            { name: 'id', type: 'int32' },
            { name: 'y', type: 'date' },
          ],
        },
        EVOLVE,
      ),
    );
    await commit(staged('k4', { schema: [{ name: 'id', type: 'int64' }] }, EVOLVE));
    expect((await readManifest(store, 's', 'log')).batches).toHaveLength(4);
  });

  test('a batch whose columns no longer agree with the stream is read again', async () => {
    await commit(staged('k1', { schema: WIDER }));
    const narrow = staged('k2', { schema: [{ name: 'id', type: 'date' }] }, EVOLVE);
    await expect(commit(narrow)).rejects.toMatchObject({ type: 'CommitConflict' });
    await expect(commit(staged('k3', { schema: SCHEMA }))).rejects.toMatchObject({ type: 'SchemaMismatch' });
  });
});

describe('current batches', () => {
  test('a later batch of a scope takes the place of the earlier ones', () => {
    const list = [
      batchOf('1', { scope: 'x' }),
      batchOf('2'),
      batchOf('3', { scope: 'y' }),
      batchOf('4', { scope: 'x' }),
    ];
    expect(keys(currentBatches(list))).toBe('2 3 4');
  });
  test('a generation stands together, once it is complete', () => {
    const chunk = (key: string, id: string, complete = false) =>
      batchOf(key, { scope: FULL, generation: { id, complete } });
    const list = [
      chunk('1', 'g'),
      chunk('2', 'g', true),
      chunk('3', 'given up'),
      chunk('4', 'h'),
      batchOf('5'),
    ];
    expect(keys(currentBatches(list))).toBe('1 2 5');
    expect(keys(currentBatches([...list, chunk('6', 'h', true)]))).toBe('4 5 6');
  });
  test('a replay is seen as long as what it replays', () => {
    const list = [
      batchOf('1', { scope: 'x' }),
      batchOf('2', { replays: '1' }),
      batchOf('3', { replays: '2' }),
    ];
    expect(keys(currentBatches(list))).toBe('1 2 3');
    expect(keys(currentBatches([...list, batchOf('4', { scope: 'x' })]))).toBe('4');
  });
});

test('the age of a stream is that of its newest rows', () => {
  const now = new Date('2025-01-14T00:00:00Z');
  const list = [batchOf('1'), batchOf('2', { loaded: 0, extractedAt: '2025-01-13T23:00:00Z' })];
  expect(freshness(list, now)).toMatchObject({
    status: 'fresh',
    at: '2025-01-13T00:00:00Z',
    ageMs: 86_400_000,
  });
  expect(freshness(list, now, { warnAfter: '2h', errorAfter: '2d' })).toMatchObject({
    status: 'warn',
    limit: '2h',
  });
  expect(freshness(list, now, { warnAfter: '2h', errorAfter: '12h' })).toMatchObject({
    status: 'error',
    limit: '12h',
  });
  expect(freshness([], now, { errorAfter: '12h' })).toMatchObject({ status: 'error', at: null });
  expect(freshness([], now)).toMatchObject({ status: 'unknown' });
});

test('what was read is held against what became of it and what the source counted', () => {
  const good = batchOf('1', {
    read: 10,
    loaded: 7,
    quarantined: 2,
    filtered: 1,
    expected: { rows: 10, checksum: 'c' },
    checksum: 'c',
  });
  expect(reconcile([good, batchOf('2')])).toEqual({
    ...{ batches: 2, read: 11, loaded: 8, quarantined: 2, filtered: 1, discarded: 0 },
    expected: { rows: 10, batches: 1 },
    differences: [],
  });
  const bad = { ...good, loaded: 6, expected: { rows: 12, checksum: 'd' } };
  expect(reconcile([bad]).differences.map(({ what, expected, found }) => [what, expected, found])).toEqual([
    ['rows', 10, 9],
    ['expected rows', 12, 10],
    ['checksum', 'd', 'c'],
  ]);
});
