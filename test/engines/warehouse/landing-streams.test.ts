import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import { bindSource, boundSources } from '../../../engines/warehouse/bind-source.js';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { BronzeSchema } from '../../../schemas/lake.js';
import { Source } from '../../../schemas/source.js';
import { Bronze } from './bronze-of.js';

let folder: string;
let lake: ObjectStore;
let bronze: Bronze;
let warehouse: Warehouse;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-landing-'));
  lake = await openLocalStore(join(folder, 'lake'));
  bronze = await Bronze.open(lake, folder);
  warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '512MB' });
});
afterEach(async () => {
  bronze.close();
  await warehouse.close();
  await rm(folder, { recursive: true, force: true });
});

const SCHEMA: BronzeSchema = [
  { name: 'id', type: 'int32' },
  { name: 'name', type: 'text' },
];

const spec = (stream: object): Source =>
  Source.parse({ kind: 'files', root: '.', streams: { t: { path: '*.csv', ...stream } } });
const bind = (stream: object = {}) => bindSource({ warehouse, lake, source: 's', spec: spec(stream) });
const add = (query: string | null, more = {}, schema = SCHEMA) => bronze.add('s', 't', schema, query, more);
const rows = (columns = 'id, name', order = 'all') =>
  warehouse.query(`select ${columns} from s.t order by ${order}`);

describe('append', () => {
  test('shows what is committed, and of declared columns that nothing has come for an empty relation', async () => {
    await bind({ columns: { id: 'int64', at: 'timestamp' } });
    expect((await warehouse.describe({ schema: 's', name: 't' }))?.columns.map(({ type }) => type)).toEqual([
      ...['BIGINT', 'TIMESTAMP', 'VARCHAR', 'BIGINT', 'VARCHAR', 'TIMESTAMP WITH TIME ZONE'],
    ]);
    await add("values (1, 'a'), (2, 'b')");
    await add("values (2, 'c')");
    await bind();
    expect(await rows()).toEqual([
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
      { id: 2, name: 'c' },
    ]);
  });

  test('widens old files to the columns of now, and fills those they lack with null', async () => {
    await add("values (1, 'a')");
    await add('values (12345678901, 1.5)', {}, [
      { name: 'id', type: 'int64' },
      { name: 'amount', type: 'decimal(10,2)' },
    ]);
    await add("values (9.25, 'z', {a: 1})", {}, [
      { name: 'id', type: 'decimal(21,2)' },
      { name: 'name', type: 'text' },
      { name: 'more', type: 'STRUCT(a INTEGER)' },
    ]);
    await add("values ({a: 5000000000, b: 'x'})", {}, [
      { name: 'more', type: 'STRUCT(a BIGINT, b VARCHAR)' },
    ]);
    await bind();
    expect(await rows('id, name, amount, more', '_batch')).toEqual([
      { id: '1.00', name: 'a', amount: null, more: null },
      { id: '12345678901.00', name: null, amount: '1.50', more: null },
      { id: '9.25', name: 'z', amount: null, more: { a: 1, b: null } },
      { id: null, name: null, amount: null, more: { a: 5000000000, b: 'x' } },
    ]);
    expect((await warehouse.describe({ schema: 's', name: 't' }))?.columns[0]).toEqual({
      name: 'id',
      type: 'DECIMAL(21,2)',
    });
  });

  test('an interval that is loaded again takes the place of its first load', async () => {
    await add("values (1, 'a')", { scope: 'monday' });
    await add("values (2, 'b')", { scope: 'tuesday' });
    await add("values (1, 'corrected')", { scope: 'monday' });
    await bind();
    expect(await rows()).toEqual([
      { id: 1, name: 'corrected' },
      { id: 2, name: 'b' },
    ]);
  });

  test('of a table that is loaded whole the last load is shown, and each one when the project says append', async () => {
    await add("values (1, 'a'), (2, 'b')", { scope: 'full' });
    await add("values (1, 'c')", { scope: 'full' });
    await bind();
    expect(await rows()).toEqual([{ id: 1, name: 'c' }]);
    await bind({ disposition: 'append' });
    expect(await rows()).toHaveLength(3);
  });

  test('a load in several batches shows when it is complete', async () => {
    await add("values (1, 'old')", { scope: 'full' });
    await add("values (1, 'a')", { scope: 'full', generation: { id: 'g', complete: false } });
    await bind();
    expect(await rows()).toEqual([{ id: 1, name: 'old' }]);
    await add("values (2, 'b')", { scope: 'full', generation: { id: 'g', complete: true } });
    await bind();
    expect(await rows()).toEqual([
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
    ]);
  });

  test('replace shows the batches of the last run', async () => {
    await add("values (1, 'a')", { run: 'one' });
    await add("values (2, 'b')", { run: 'two' });
    await add("values (3, 'c')", { run: 'two' });
    await bind({ disposition: 'replace' });
    expect(await rows()).toEqual([
      { id: 2, name: 'b' },
      { id: 3, name: 'c' },
    ]);
  });
});

describe('merge', () => {
  const MERGE = { disposition: { merge: ['id'], deleteWhen: "name = 'gone'" } };

  test('keeps the last row of each key, by commit and then by position, and drops deleted ones', async () => {
    await add("values (1, 'a'), (2, 'b'), (2, 'c')");
    await bind(MERGE);
    await add("values (1, 'gone'), (3, 'd')");
    await add("values (3, 'gone'), (3, 'e')");
    await bind(MERGE);
    expect(await rows()).toEqual([
      { id: 2, name: 'c' },
      { id: 3, name: 'e' },
    ]);
  });

  test('binding again changes nothing, and a new batch changes the key of the relation', async () => {
    await add("values (1, 'a')");
    await bind(MERGE);
    const first = (await boundSources(warehouse))['s.t'];
    await bind(MERGE);
    expect((await boundSources(warehouse))['s.t']).toEqual(first);
    await add("values (1, 'b')");
    await Promise.all(Array.from({ length: 5 }, () => bind(MERGE)));
    expect(await rows()).toEqual([{ id: 1, name: 'b' }]);
    expect((await boundSources(warehouse))['s.t']?.key).not.toBe(first?.key);
  });

  test('transforms that bind while batches come in take nothing back', async () => {
    for (let n = 1; n <= 6; n++) {
      await add(`values (1, 'v${n}')`);
      void bind(MERGE).catch(() => undefined);
      await Promise.all([bind(MERGE), bind(MERGE)]);
      expect(await rows()).toEqual([{ id: 1, name: `v${n}` }]);
    }
  });

  test('a superseded load and a replayed record are as if they had always been so', async () => {
    const monday = await add("values (1, 'a'), (2, 'b')", { scope: 'monday' });
    await add("values (1, 'c')", { scope: 'tuesday' });
    await bind(MERGE);
    await add("values (1, 'late'), (3, 'late')", { replays: monday.key });
    await bind(MERGE);
    expect(await rows()).toEqual([
      { id: 1, name: 'c' },
      { id: 2, name: 'b' },
      { id: 3, name: 'late' },
    ]);
    await add("values (4, 'x')", { scope: 'tuesday' });
    await bind(MERGE);
    expect(await rows()).toEqual([
      { id: 1, name: 'late' },
      { id: 2, name: 'b' },
      { id: 3, name: 'late' },
      { id: 4, name: 'x' },
    ]);
  });

  test('columns that come or widen do so in what is there already', async () => {
    await add("values (1, 'a'), (2, 'b')");
    await bind({ disposition: { merge: ['id'] } });
    await add('values (9999999999, 7), (1, 8)', {}, [
      { name: 'id', type: 'int64' },
      { name: 'size', type: 'int32' },
    ]);
    await bind({ disposition: { merge: ['id'] } });
    expect(await rows('id, name, size')).toEqual([
      { id: 1, name: null, size: 8 },
      { id: 2, name: 'b', size: null },
      { id: 9999999999, name: null, size: 7 },
    ]);
  });

  test('a key that the stream does not have is named, and so is a condition that is no SQL', async () => {
    await add("values (1, 'a')");
    await expect(bind({ disposition: { merge: ['ids'] } })).rejects.toMatchObject({
      type: 'ProjectInvalid',
      fix: "Did you mean 'id'?",
    });
    await expect(bind({ disposition: { merge: ['id'], deleteWhen: 'nmae = 3' } })).rejects.toMatchObject({
      type: 'ProjectInvalid',
      where: { path: 'sources.s.streams.t.disposition.deleteWhen' },
    });
  });

  test('rows without their key are refused by name and number, unless they are left out', async () => {
    await add("values (1, 'a'), (null, 'n'), (null, 'm')");
    await expect(bind({ disposition: { merge: ['id'] } })).rejects.toMatchObject({
      type: 'SchemaMismatch',
      what: '2 rows of s.t have no id, which is the key that tells rows apart',
      where: { file: 'b0001.csv', row: 2 },
    });
    await bind({ disposition: { merge: ['id'], deleteWhen: 'id is null' } });
    expect(await rows()).toEqual([{ id: 1, name: 'a' }]);
  });

  test('of a stream with intervals a later one wins, whenever an earlier one was loaded', async () => {
    const dated = { path: '{start:yyyy-MM-dd}.csv', disposition: { merge: ['id'] } };
    await add("values (1, 'of 18')", { interval: day(18) });
    await add("values (1, 'of 19')", { interval: day(19) });
    await bind(dated);
    await add("values (1, 'of 17'), (2, 'of 17')", { interval: day(17) });
    await bind(dated);
    expect(await rows()).toEqual([
      { id: 1, name: 'of 19' },
      { id: 2, name: 'of 17' },
    ]);
  });

  test('another disposition makes the relation anew', async () => {
    await add("values (1, 'a'), (1, 'b')");
    await bind(MERGE);
    await bind();
    expect(await rows()).toHaveLength(2);
    await bind({ disposition: { scd2: ['id'] } });
    expect(await rows('id, name, _is_current')).toEqual([
      { id: 1, name: 'a', _is_current: false },
      { id: 1, name: 'b', _is_current: true },
    ]);
    expect(
      await warehouse.query("select table_name from duckdb_tables() where table_name like 's.t%'"),
    ).toHaveLength(2);
  });
});

const day = (of: number) => ({
  start: `2025-01-${of}T00:00:00Z`,
  end: `2025-01-${of + 1}T00:00:00Z`,
});

describe('scd2', () => {
  const SCD2 = { disposition: { scd2: ['id'], deleteWhen: "name = 'gone'" } };
  const at = (minute: number): string => `2025-01-01T00:0${minute}:00Z`;
  const history = () => rows('id, name, _valid_from, _valid_to, _is_current', 'id, _valid_from');

  test('has each version of a row from when it was read, and none for a row that says the same again', async () => {
    await add("values (1, 'a'), (2, 'b')", { extractedAt: at(1) });
    await bind(SCD2);
    await add("values (1, 'a'), (2, 'c')", { extractedAt: at(2) });
    await bind(SCD2);
    await add("values (2, 'gone')", { extractedAt: at(3) });
    await add("values (2, 'd')", { extractedAt: at(5) });
    await bind(SCD2);
    expect(await history()).toEqual([
      { id: 1, name: 'a', _valid_from: at(1), _valid_to: null, _is_current: true },
      { id: 2, name: 'b', _valid_from: at(1), _valid_to: at(2), _is_current: false },
      { id: 2, name: 'c', _valid_from: at(2), _valid_to: at(3), _is_current: false },
      { id: 2, name: 'd', _valid_from: at(5), _valid_to: null, _is_current: true },
    ]);
  });

  test('of a table that is loaded whole, what a load lacks has ended with it', async () => {
    await add("values (1, 'a'), (2, 'b')", { scope: 'full', extractedAt: at(1) });
    await bind(SCD2);
    await add("values (1, 'a'), (3, 'c')", { scope: 'full', extractedAt: at(2) });
    await bind(SCD2);
    await add(null, { scope: 'full', extractedAt: at(4) });
    await bind(SCD2);
    expect(await history()).toEqual([
      { id: 1, name: 'a', _valid_from: at(1), _valid_to: at(4), _is_current: false },
      { id: 2, name: 'b', _valid_from: at(1), _valid_to: at(2), _is_current: false },
      { id: 3, name: 'c', _valid_from: at(2), _valid_to: at(4), _is_current: false },
    ]);
  });

  test('a replayed row holds from when its batch was read, and ends when the next one was', async () => {
    const first = await add("values (1, 'a')", { extractedAt: at(1) });
    await add("values (1, 'b'), (2, 'b')", { extractedAt: at(2) });
    await bind(SCD2);
    await add("values (2, 'a')", { replays: first.key, extractedAt: at(5) });
    await bind(SCD2);
    expect(await history()).toEqual([
      { id: 1, name: 'a', _valid_from: at(1), _valid_to: at(2), _is_current: false },
      { id: 1, name: 'b', _valid_from: at(2), _valid_to: null, _is_current: true },
      { id: 2, name: 'a', _valid_from: at(1), _valid_to: at(2), _is_current: false },
      { id: 2, name: 'b', _valid_from: at(2), _valid_to: null, _is_current: true },
    ]);
  });

  test('of a stream with intervals a version holds from the end of its interval on', async () => {
    const dated = { path: '{start:yyyy-MM-dd}.csv', ...SCD2 };
    await add("values (1, 'b')", { interval: day(18) });
    await add("values (1, 'c')", { interval: day(19) });
    await bind(dated);
    await add("values (1, 'a')", { interval: day(17) });
    await bind(dated);
    expect(await history()).toEqual([
      { id: 1, name: 'a', _valid_from: day(18).start, _valid_to: day(19).start, _is_current: false },
      { id: 1, name: 'b', _valid_from: day(19).start, _valid_to: day(20).start, _is_current: false },
      { id: 1, name: 'c', _valid_from: day(20).start, _valid_to: null, _is_current: true },
    ]);
  });

  test('before the first batch it is an empty relation of its columns', async () => {
    await bind({ ...SCD2, columns: { id: 'int64', name: 'text' } });
    expect(await history()).toEqual([]);
  });
});
