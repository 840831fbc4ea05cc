import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commitBatches, CHANGES, readManifest, REPLICATION } from '../../../engines/lake/bronze.js';
import { FULL } from '../../../engines/lake/current-batches.js';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import { bindSource } from '../../../engines/warehouse/bind-source.js';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import { Source } from '../../../schemas/source.js';
import { Bronze } from './bronze-of.js';

let folder: string;
let lake: ObjectStore;
let bronze: Bronze;
let warehouse: Warehouse;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-changes-'));
  lake = await openLocalStore(join(folder, 'lake'));
  bronze = await Bronze.open(lake, folder);
  warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '512MB' });
});
afterEach(async () => {
  bronze.close();
  await warehouse.close();
  await rm(folder, { recursive: true, force: true });
});

const OWN: BronzeSchema = [
  { name: 'id', type: 'int64' },
  { name: 'v', type: 'text' },
  { name: 'big', type: 'text' },
  { name: 'life', type: 'int32' },
];
const SPEC = Source.parse({
  kind: 'postgres',
  url: 'env:URL',
  streams: { a: { load: 'cdc' }, b: { load: 'cdc' } },
});
const bind = (into = warehouse) => bindSource({ warehouse: into, lake, source: 'pg', spec: SPEC });

interface Change {
  op: 'r' | 'i' | 'u' | 'd' | 't';
  id?: number | null;
  v?: string | null;
  big?: string | null;
  lsn: number;
  seq?: number;
  unchanged?: string[];
}
const text = (value: string | null = null): string => (value === null ? 'null' : `'${value}'`);
const row = ({ op, id, v, big, lsn, seq = 1, unchanged }: Change): string =>
  `(${id ?? 'null'}, ${text(v)}, ${text(big)}, null, '${op}', ${lsn}, ${seq}, ` +
  `timestamptz '2025-01-01 00:00:00Z' + interval ${lsn} second, ${unchanged ? `[${unchanged.map(text).join(', ')}]` : 'null'})`;

const stage = (stream: string, changes: Change[], more: Partial<Batch> = {}) =>
  bronze.stage(
    'pg',
    stream,
    [...OWN, ...CHANGES],
    changes.length > 0 ? `values ${changes.map(row).join(', ')}` : null,
    { stream, rowKey: ['id'], ...more },
  );

/** One flush: the changes of all tables by one commit. */
async function flush(tables: Record<string, Change[]>, more: Partial<Batch> = {}): Promise<void> {
  const staged = await Promise.all(
    Object.entries(tables).map(([table, changes]) => stage(table, changes, more)),
  );
  await commitBatches(lake, 'pg', REPLICATION, staged);
}
const copy = (table: string, id: string, complete: boolean, changes: Change[]) =>
  flush({ [table]: changes }, { scope: FULL, generation: { id, complete } });

const second = (lsn: number): string =>
  new Date(Date.UTC(2025, 0, 1, 0, 0, lsn)).toISOString().replace('.000', '');
const state = (table = 'a') => warehouse.query(`select id, v, big from pg.${table} order by all`);
const history = async (table = 'a', from = warehouse) =>
  (
    await from.query(
      `select id, v, _valid_from_lsn as "from", _valid_to_lsn as "to" from pg.${table}__history order by id, "from", "to"`,
    )
  ).map(({ id, v, from: begin, to }) => [id, v, begin, to]);

test('a copy and the changes after it give the state, the history and the changes', async () => {
  await bind();
  expect(await warehouse.query('from pg.a union all by name from pg.a__history')).toEqual([]);
  await copy('a', 'g1', false, [{ op: 'r', id: 1, v: 'a', lsn: 10 }]);
  await bind();
  expect(await state()).toEqual([]);
  await copy('a', 'g1', true, [{ op: 'r', id: 2, v: 'b', lsn: 10 }]);
  await flush({
    a: [
      { op: 'u', id: 1, v: 'c', lsn: 11 },
      { op: 'd', id: 2, lsn: 11, seq: 2 },
    ],
    b: [{ op: 'i', id: 7, v: 'x', lsn: 11, seq: 3 }],
  });
  await bind();
  expect(await state()).toEqual([{ id: 1, v: 'c', big: null }]);
  expect(await state('b')).toEqual([{ id: 7, v: 'x', big: null }]);
  expect(await history()).toEqual([
    [1, 'a', 10, 11],
    [1, 'c', 11, null],
    [2, 'b', 10, 11],
  ]);
  expect(await warehouse.query('select _op, id from pg.a__changes order by _lsn, _seq, id')).toEqual([
    { _op: 'r', id: 1 },
    { _op: 'r', id: 2 },
    { _op: 'u', id: 1 },
    { _op: 'd', id: 2 },
  ]);
  const [times] = await warehouse.query('select _valid_from, _valid_to from pg.a__history where id = 2');
  expect(times).toEqual({ _valid_from: second(10), _valid_to: second(11) });
});

test('each change is a version once, within one transaction, too', async () => {
  await flush({
    a: [
      { op: 'i', id: 1, v: 'a', lsn: 5, seq: 1 },
      { op: 'u', id: 1, v: 'b', lsn: 5, seq: 2 },
      { op: 'u', id: 1, v: 'b', lsn: 5, seq: 3 },
      { op: 'd', id: 1, lsn: 5, seq: 4 },
      { op: 'i', id: 1, v: 'c', lsn: 5, seq: 5 },
    ],
  });
  await bind();
  expect(await state()).toEqual([{ id: 1, v: 'c', big: null }]);
  expect((await history()).map(([, v]) => v).sort()).toEqual(['a', 'b', 'b', 'c']);
});

test('a truncation ends every row, and rows that come after it live', async () => {
  await flush({
    a: [
      { op: 'i', id: 1, v: 'a', lsn: 5 },
      { op: 'i', id: 2, v: 'b', lsn: 5, seq: 2 },
    ],
  });
  await bind();
  await flush({
    a: [
      { op: 'u', id: 1, v: 'c', lsn: 6 },
      { op: 't', lsn: 7 },
      { op: 'i', id: 2, v: 'd', lsn: 7, seq: 2 },
      { op: 't', lsn: 8 },
      { op: 'i', id: 3, v: 'e', lsn: 9 },
    ],
  });
  await bind();
  expect(await state()).toEqual([{ id: 3, v: 'e', big: null }]);
  expect(await history()).toEqual([
    [1, 'a', 5, 6],
    [1, 'c', 6, 7],
    [2, 'b', 5, 7],
    [2, 'd', 7, 8],
    [3, 'e', 9, null],
  ]);
});

test('values that a change left out are those of the row before, under its former key, too', async () => {
  const big = ['big'];
  await flush({
    a: [
      { op: 'i', id: 1, v: 'a', big: 'LARGE', lsn: 5 },
      { op: 'i', id: 9, v: 'z', big: 'NINE', lsn: 5, seq: 2 },
    ],
  });
  await bind();
  await flush({
    a: [
      { op: 'u', id: 1, v: 'b', lsn: 6, unchanged: big },
      { op: 'd', id: 1, lsn: 7, seq: 4 },
      { op: 'i', id: 2, v: 'b', lsn: 7, seq: 5, unchanged: big },
      { op: 'u', id: 2, v: 'c', lsn: 8, unchanged: big },
      { op: 'd', id: 2, lsn: 9, seq: 1 },
      { op: 'i', id: 3, v: 'c', lsn: 9, seq: 2, unchanged: big },
      { op: 'i', id: 1, v: 'new', big: 'OTHER', lsn: 10 },
      { op: 'u', id: 9, v: 'y', big: 'TEN', lsn: 11 },
      { op: 'u', id: 9, v: 'x', lsn: 12, unchanged: big },
      { op: 'u', id: 9, v: 'w', big: null, lsn: 13 },
    ],
  });
  await bind();
  expect(await state()).toEqual([
    { id: 1, v: 'new', big: 'OTHER' },
    { id: 3, v: 'c', big: 'LARGE' },
    { id: 9, v: 'w', big: null },
  ]);
  await flush({ a: [{ op: 'u', id: 3, v: 'd', lsn: 14, unchanged: big }] });
  await bind();
  const all = await warehouse.query('select id, v, big from pg.a__history order by _valid_from_lsn, id');
  expect(all.map(({ id, v, big: value }) => [id, v, value].map(String).join(' '))).toEqual([
    ...['1 a LARGE', '9 z NINE', '1 b LARGE', '2 b LARGE', '2 c LARGE', '3 c LARGE', '1 new OTHER'],
    ...['9 y TEN', '9 x TEN', '9 w null', '3 d LARGE'],
  ]);
});

test('a table that is copied anew keeps its history, and equal rows keep their version', async () => {
  await copy('a', 'g1', true, [
    { op: 'r', id: 1, v: 'a', lsn: 10 },
    { op: 'r', id: 2, v: 'b', lsn: 10 },
    { op: 'r', id: 3, v: 'c', lsn: 10 },
  ]);
  await flush({ a: [{ op: 'u', id: 1, v: 'aa', lsn: 11 }] });
  await bind();
  await copy('a', 'given up', false, [{ op: 'r', id: 8, v: 'x', lsn: 19 }]);
  await copy('a', 'g2', false, [{ op: 'r', id: 1, v: 'aa', lsn: 20 }]);
  await flush({
    a: [{ op: 'u', id: 1, v: 'last', lsn: 21 }],
    b: [{ op: 'i', id: 1, v: 'b', lsn: 21, seq: 2 }],
  });
  await bind();
  expect((await state()).map(({ v }) => v)).toEqual(['aa', 'b', 'c']);
  expect(await state('b')).toHaveLength(1);
  await copy('a', 'g2', true, [{ op: 'r', id: 2, v: 'bb', lsn: 20 }]);
  await bind();
  const expected = [
    [1, 'a', 10, 11],
    [1, 'aa', 11, 21],
    [1, 'last', 21, null],
    [2, 'b', 10, 20],
    [2, 'bb', 20, null],
    [3, 'c', 10, 20],
  ];
  expect(await history()).toEqual(expected);
  const anew = await openDuckDb({ path: ':memory:', memoryLimit: '256MB' });
  await bind(anew);
  expect(await history('a', anew)).toEqual(expected);
  await anew.close();
});

test('a column that is added in mid-stream is null before', async () => {
  await flush({ a: [{ op: 'i', id: 1, v: 'a', lsn: 5 }] });
  await bind();
  const wider: BronzeSchema = [...OWN, { name: 'extra', type: 'int32' }, ...CHANGES];
  await bronze.add(
    'pg',
    'a',
    wider,
    `select * from (values (2, 'b', null, null, 7, 'i', 6, 1, now(), null))`,
    {
      ...{ stream: 'a', rowKey: ['id'] },
    },
  );
  await bind();
  expect(await warehouse.query('select id, extra from pg.a order by id')).toEqual([
    { id: 1, extra: null },
    { id: 2, extra: 7 },
  ]);
  expect(await history()).toHaveLength(2);
});

test('when one table cannot advance, none does, and the next attempt goes on', async () => {
  await flush({ a: [{ op: 'i', id: 1, v: 'a', lsn: 5 }], b: [{ op: 'i', id: 1, v: 'a', lsn: 5, seq: 2 }] });
  await bind();
  await flush({ a: [{ op: 'u', id: 1, v: 'b', lsn: 6 }], b: [{ op: 'u', id: 1, v: 'b', lsn: 6, seq: 2 }] });
  const { batches } = await readManifest(lake, 'pg', 'b', REPLICATION);
  const { uri = '' } = batches.at(-1)?.parts[0] ?? {};
  const bytes = await lake.get(uri);
  await lake.put(uri, bytes.subarray(0, 100));
  await expect(bind()).rejects.toThrow();
  expect([await state('a'), await state('b')].flat().map(({ v }) => v)).toEqual(['a', 'a']);
  await lake.put(uri, bytes);
  await bind();
  expect([await state('a'), await state('b')].flat().map(({ v }) => v)).toEqual(['b', 'b']);
  expect(await history()).toEqual([
    [1, 'a', 5, 6],
    [1, 'b', 6, null],
  ]);
});
