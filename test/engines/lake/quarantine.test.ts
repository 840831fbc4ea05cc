import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { currentBatches } from '../../../engines/lake/current-batches.js';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import { accountFor, dropQuarantined, listQuarantine, noteReplay } from '../../../engines/lake/quarantine.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import type { Batch } from '../../../schemas/lake.js';

let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-quarantine-'));
  store = await openLocalStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const OBJECT = { uri: 'quarantine/crm/customers/batch=a/records.parquet', sha256: 'a', bytes: 1 };

/** 100 records of which five are quarantined, unless said otherwise. */
const batch = (key: string, more: Partial<Batch> = {}): Batch => ({
  key,
  source: { file: `${key}.csv`, bytes: 1, mtimeMs: 1, sha256: key },
  interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' },
  parts: [],
  schema: [{ name: 'id', type: 'int64' }],
  ...{ read: 100, loaded: 95, quarantined: 5, filtered: 0, quarantine: OBJECT },
  ...{ extractedAt: '2026-01-12T01:00:00.000Z', run: 'r' },
  ...more,
});
const clean = { loaded: 100, quarantined: 0, quarantine: null };
const decision = { who: 'ana', why: 'test accounts', at: '2026-01-12T02:00:00.000Z' };

const list = (batches: Batch[]) => listQuarantine(store, 'crm', 'customers', batches);
const states = async (batches: Batch[]) =>
  Object.fromEntries((await list(batches)).map((one) => [one.batch.key, one.state]));
const drop = (one: Batch) =>
  dropQuarantined(store, { source: 'crm', stream: 'customers', batch: one }, decision);

test('records are open until they are dropped, and dropping twice is noted once', async () => {
  const batches = [batch('a'), batch('b', clean), batch('c')];
  expect(await states(batches)).toEqual({ a: 'open', c: 'open' });
  await Promise.all([drop(batch('a')), drop(batch('a'))]);
  expect(await states(batches)).toEqual({ a: 'dropped', c: 'open' });
  const [dropped] = await list(batches);
  expect(dropped?.decisions).toEqual([{ event: 'dropped', batch: 'a', records: 5, ...decision }]);
});

test('a replay in the manifest counts, also when it died before it was noted', async () => {
  const replay = batch('r', { replays: 'a', read: 5, loaded: 3, quarantined: 2 });
  const batches = [batch('a'), replay];
  expect(await states(batches)).toEqual({ a: 'replayed', r: 'open' });
  const note = () =>
    noteReplay(store, { source: 'crm', stream: 'customers', replay }, { who: 'ana', at: decision.at });
  await Promise.all([note(), note()]);
  const [origin] = await list(batches);
  expect(origin?.decisions).toMatchObject([{ event: 'replayed', into: 'r', loaded: 3, quarantined: 2 }]);
  await expect(drop(batch('a'))).rejects.toMatchObject({ type: 'CommitConflict' });
});

test('a later load of the scope closes the quarantine of the earlier one, and takes its replay out', async () => {
  const batches = [
    batch('old', { scope: 'full' }),
    batch('replay', { replays: 'old', read: 5, loaded: 5, quarantined: 0, quarantine: null }),
  ];
  expect(currentBatches(batches).map(({ key }) => key)).toEqual(['old', 'replay']);
  batches.push(batch('new', { scope: 'full' }));
  expect(currentBatches(batches).map(({ key }) => key)).toEqual(['new']);
  expect(await states(batches)).toEqual({ old: 'replayed', new: 'open' });
  expect(await states([batches[0] as Batch, batches[2] as Batch])).toEqual({
    old: 'superseded',
    new: 'open',
  });
});

test('read = loaded + open + dropped + filtered, whatever was replayed', async () => {
  const batches = [
    batch('a'),
    batch('b', { read: 50, loaded: 40, quarantined: 4, filtered: 6 }),
    batch('r', { replays: 'a', read: 5, loaded: 3, quarantined: 2 }),
  ];
  await drop(batch('b', { quarantined: 4 }));
  const account = accountFor(batches, await list(batches));
  expect(account).toEqual({ read: 150, loaded: 138, replayed: 3, filtered: 6, open: 2, dropped: 4 });
  expect(account.read).toBe(account.loaded + account.open + account.dropped + account.filtered);
});
