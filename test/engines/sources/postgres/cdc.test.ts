import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commitBatches, REPLICATION } from '../../../../engines/lake/bronze.js';
import {
  openChangeStream,
  type ChangeFlush,
} from '../../../../engines/sources/postgres/cdc/change-stream.js';
import { parseLsn } from '../../../../engines/sources/postgres/cdc/lsn.js';
import {
  dropReplication,
  prepareReplication,
  slotStatus,
} from '../../../../engines/sources/postgres/cdc/setup.js';
import { startPostgres, type PostgresServer } from '../../../support/postgres-server.js';
import { Replica } from './replica.js';
import { queryBronze, temporaryLake, type Lake } from './support.js';

let server: PostgresServer;
const lakes: Lake[] = [];
const newLake = async (): Promise<Lake> => {
  const lake = await temporaryLake();
  lakes.push(lake);
  return lake;
};
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
  for (const lake of lakes) await lake.remove();
});

describe('changes', () => {
  test('copy, inserts, updates, deletes, key changes and truncates make the table again', async () => {
    await server.sql(`CREATE TABLE orders (id int PRIMARY KEY, item text, amount numeric(10, 2), tags text[]);
      INSERT INTO orders SELECT n, 'item ' || n, n, ARRAY['a', NULL, 'q"' || n] FROM generate_series(1, 1000) n`);
    const replica = new Replica(
      await newLake(),
      server,
      server.url,
      'basic',
      { orders: {} },
      { chunkRows: 200 },
    );
    await replica.begin();
    await server.sql(`INSERT INTO orders VALUES (2000, E'new,"\\n', NULL, '{}'), (2001, '', 1, NULL)`);
    await server.sql(
      `UPDATE orders SET amount = amount + 0.01 WHERE id <= 3; DELETE FROM orders WHERE id = 4`,
    );
    await server.sql(`UPDATE orders SET id = 5000 WHERE id = 5`);
    expect(await replica.catchUp()).toBe(8);
    const source = await server.sql(
      'SELECT id, item, amount::text, tags FROM orders ORDER BY id::text COLLATE "C"',
    );
    const state = await replica.state('orders', ['id'], ['item', 'amount', 'tags']);
    expect(state.toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1))).toEqual(source);
    await server.sql(`TRUNCATE orders; INSERT INTO orders VALUES (1, 'again')`);
    await replica.catchUp();
    expect(await replica.state('orders', ['id'], ['item'])).toEqual([{ id: 1, item: 'again' }]);
    const ops = await queryBronze(
      replica.lake,
      'orders',
      'SELECT _op, count(*)::INT AS rows FROM bronze GROUP BY _op ORDER BY _op',
      REPLICATION,
    );
    expect(ops).toEqual([
      { _op: 'd', rows: 2 },
      { _op: 'i', rows: 4 },
      { _op: 'r', rows: 1000 },
      { _op: 't', rows: 1 },
      { _op: 'u', rows: 3 },
    ]);
  });
});

describe('what is confirmed', () => {
  test('the server keeps the log until what is in it is durable, and forgets what holds no change of ours', async () => {
    await server.sql(`CREATE TABLE kept (id int PRIMARY KEY); CREATE TABLE others (n int)`);
    const replica = new Replica(await newLake(), server, server.url, 'kept', { kept: {} });
    await replica.begin();
    const stream = await openChangeStream(replica.config, {
      ...(await replica.log()),
      ...{ run: 'run', workDir: replica.lake.workDir },
    });
    const flushes = stream[Symbol.asyncIterator]();
    const confirmed = async () => parseLsn((await slotStatus(replica.config)).confirmedLsn ?? '0/0');
    await server.sql(`INSERT INTO others SELECT n FROM generate_series(1, 1000) n`);
    const [idle] = await server.sql('SELECT pg_current_wal_lsn()::text AS lsn');
    await expect.poll(confirmed, { timeout: 20_000 }).toBeGreaterThanOrEqual(parseLsn(idle?.lsn as string));
    await server.sql(`INSERT INTO kept VALUES (1)`);
    const { value: flush } = (await flushes.next()) as { value: ChangeFlush };
    await server.sql(`INSERT INTO others SELECT n FROM generate_series(1, 1000) n`);
    await sleep(1_000);
    expect(await confirmed()).toBeLessThan(parseLsn(flush.lsn));
    await commitBatches(replica.lake.store, 'db', REPLICATION, flush.staged);
    stream.confirm(flush.lsn);
    await expect.poll(confirmed).toBeGreaterThanOrEqual(parseLsn(flush.lsn));
    await stream.close();
    await dropReplication(replica.config);
  });

  test('a transaction is never in two commits, and one larger than a flush is in one', async () => {
    await server.sql(`CREATE TABLE large (id int PRIMARY KEY, text text)`);
    const replica = new Replica(
      await newLake(),
      server,
      server.url,
      'large',
      { large: {} },
      { flushChanges: 100, flushEvery: '20ms' },
    );
    await replica.begin();
    await server.sql(`INSERT INTO large SELECT n, 'row' FROM generate_series(1, 300000) n`);
    await server.sql(`UPDATE large SET text = 'changed' WHERE id <= 150`);
    expect(await replica.catchUp()).toBe(300_150);
    const commits = await queryBronze(
      replica.lake,
      'large',
      `SELECT _lsn, count(DISTINCT _commit)::INT AS commits, count(*)::INT AS rows, count(DISTINCT _seq)::INT AS seqs FROM bronze GROUP BY _lsn ORDER BY _lsn`,
      REPLICATION,
    );
    expect(commits).toMatchObject([
      { commits: 1, rows: 300_000, seqs: 300_000 },
      { commits: 1, rows: 150, seqs: 150 },
    ]);
    await dropReplication(replica.config);
  });
});

describe('values', () => {
  test('every common type arrives by a change as it does by a copy', async () => {
    const columns = `b bool, i2 int2, i8 int8, f4 float4, f8 float8, n numeric(38, 10), free numeric, t text, c char(4), e shade, bin bytea,
      u uuid, d date, tm time, ts timestamp, tz timestamptz, j jsonb, iv interval, m money, tags text[], nums numeric(10, 2)[], days date[], bins bytea[], ip inet, r int4range, grid int[]`;
    await server.sql(
      `CREATE TYPE shade AS ENUM ('light', 'so "dark", really'); CREATE TABLE kinds (id int PRIMARY KEY, ${columns})`,
    );
    const rows = `(1, true, -32768, 9223372036854775806, 0.1, 'NaN', 1234567890123456789012345678.0123456789, 1.230, E'a,"b"\\n\\\\.\\r\\tü', 'x', 'so "dark", really', '\\x00ff22',
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '0001-01-01', '24:00:00', '2024-02-29 23:59:59.999999', '2024-02-29 23:59:59.999999+05:30', '{"a": 12345678901234567890.123}',
        '1 year 2 mons 3 days 04:05:06.7', 12.5, ARRAY['a', NULL, 'b "c", {d}\\', '', 'null', 'NULL'], '{1.10,NULL}', '{2024-01-01}', ARRAY['\\x00ff'::bytea], '10.0.0.1/8', '[1,5)', '{{1,2},{3,4}}'),
      (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
      (3, false, 0, 0, 'Infinity', 5e-324, 'NaN', 'NaN', '', '', 'light', '', NULL, 'infinity', '00:00:00', '-infinity', '0044-03-15 BC', '""', '0', 0, '{}', '{}', '{infinity}', '{}', '::1', 'empty', '[0:1]={7,8}')`;
    await server.sql(`INSERT INTO kinds VALUES ${rows}`);
    const replica = new Replica(await newLake(), server, server.url, 'kinds', {
      kinds: { contract: 'evolve' },
    });
    await replica.begin();
    await server.sql(`DELETE FROM kinds; INSERT INTO kinds VALUES ${rows}`);
    await replica.catchUp();
    const read = (op: string) =>
      queryBronze(
        replica.lake,
        'kinds',
        `SELECT COLUMNS(c -> c NOT LIKE '\\_%' ESCAPE '\\') FROM bronze WHERE _op = '${op}' ORDER BY id`,
        REPLICATION,
      );
    const copied = await read('r');
    expect(copied).toHaveLength(3);
    expect(await read('i')).toEqual(copied);
    expect(copied[0]).toMatchObject({
      grid: null,
      grid__variant: '[["1","2"],["3","4"]]',
      tags: ['a', null, 'b "c", {d}\\', '', 'null', 'NULL'],
    });
    await dropReplication(replica.config);
  });

  test('what was not sent because it lies out of line keeps its value, also under another key', async () => {
    const big = (text: string) => `repeat(md5('${text}'), 300)`;
    await server.sql(`CREATE TABLE toast (id int PRIMARY KEY, big text, n int); ALTER TABLE toast ALTER big SET STORAGE EXTERNAL;
      CREATE TABLE whole (k text, big text, n int); ALTER TABLE whole ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
      INSERT INTO toast VALUES (1, ${big('one')}, 1); INSERT INTO whole VALUES ('a', ${big('a')}, 1)`);
    const replica = new Replica(await newLake(), server, server.url, 'toast', {
      toast: {},
      whole: { key: ['k'] },
    });
    await replica.begin();
    await server.sql(
      `UPDATE toast SET n = 2; UPDATE toast SET id = 5; UPDATE toast SET n = 3; UPDATE whole SET n = 2; UPDATE whole SET k = 'b'`,
    );
    await replica.catchUp();
    expect(await replica.state('toast', ['id'], ['n', 'big'])).toEqual(
      await server.sql('SELECT id, n, big FROM toast'),
    );
    expect(await replica.state('whole', ['k'], ['n', 'big'])).toEqual(
      await server.sql('SELECT k, n, big FROM whole'),
    );
    const left = (name: string) =>
      queryBronze(
        replica.lake,
        name,
        `SELECT DISTINCT _unchanged FROM bronze WHERE _op IN ('u', 'i')`,
        REPLICATION,
      );
    expect(await left('toast')).toEqual([{ _unchanged: ['big'] }]);
    expect(await left('whole')).toEqual([{ _unchanged: null }]);
    await dropReplication(replica.config);
  });
});

describe('tables', () => {
  test('one is added and one taken away, and one is copied again while it changes', async () => {
    await server.sql(
      `CREATE TABLE first (id int PRIMARY KEY, v int); INSERT INTO first VALUES (1, 1); CREATE TABLE second (id int PRIMARY KEY, v int)`,
    );
    const lake = await newLake();
    const one = new Replica(lake, server, server.url, 'tables', { first: {} });
    await one.begin();
    await server.sql(`INSERT INTO second VALUES (1, 1); UPDATE first SET v = 2`);
    await one.catchUp();
    const two = new Replica(lake, server, server.url, 'tables', { first: {}, second: {} });
    expect((await two.prepare()).pending).toEqual(['second']);
    await server.sql(`UPDATE second SET v = 3; UPDATE first SET v = 3`);
    await two.copy(['second']);
    await server.sql(`UPDATE second SET v = v + 1; UPDATE first SET v = v + 1`);
    await two.catchUp();
    await two.copy(['first'], 'again');
    expect(await two.copy(['first'], 'again')).toBe(0);
    await server.sql(`UPDATE first SET v = v + 1`);
    await two.catchUp();
    expect(await two.state('second', ['id'], ['v'])).toEqual([{ id: 1, v: 4 }]);
    expect(await two.state('first', ['id'], ['v'])).toEqual([{ id: 1, v: 5 }]);
    const last = new Replica(lake, server, server.url, 'tables', { second: {} });
    await last.prepare();
    await server.sql(`UPDATE first SET v = 0; DELETE FROM second`);
    expect(await last.catchUp()).toBe(1);
    await dropReplication(last.config);
  });

  test('rows of partitions are those of their table, and a condition holds for copy and changes', async () => {
    await server.sql(`CREATE TABLE parted (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
      CREATE TABLE parted_2 (day date NOT NULL, id int NOT NULL);
      ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
      INSERT INTO parted SELECT n, date '2024-01-01' + n FROM generate_series(0, 50) n;
      CREATE TABLE picked (id int PRIMARY KEY, v int); INSERT INTO picked SELECT n, n FROM generate_series(1, 10) n`);
    const replica = new Replica(await newLake(), server, server.url, 'parted', {
      parted: {},
      picked: { where: 'id > 5', select: ['id'] },
    });
    await replica.begin();
    await server.sql(
      `UPDATE parted SET day = day + 31 WHERE id = 1; DELETE FROM parted WHERE id = 50; INSERT INTO picked VALUES (11, 1), (0, 1); DELETE FROM picked WHERE id = 6`,
    );
    await replica.catchUp();
    expect(await replica.state('parted', ['id', 'day'], [])).toHaveLength(50);
    expect(await replica.state('picked', ['id'], [])).toEqual([10, 11, 7, 8, 9].map((id) => ({ id })));
    const [batch] = (await replica.log()).batches.get('picked') ?? [];
    expect(batch?.schema.map(({ name }) => name)).toEqual([
      'id',
      '_op',
      '_lsn',
      '_seq',
      '_commit_at',
      '_unchanged',
    ]);
    await dropReplication(replica.config);
  });
});

describe('what is wrong is said', () => {
  const failing = (work: () => Promise<unknown>) =>
    work().then(
      () => undefined,
      (error: unknown) => error as Error & { type: string },
    );

  test('a table without a replica identity is not published, and the SQL for it is told', async () => {
    await server.sql(`CREATE TABLE nameless (v int)`);
    const replica = new Replica(await newLake(), server, server.url, 'nameless', {
      nameless: { key: ['v'] },
    });
    const error = await failing(() => replica.prepare());
    expect(error).toMatchObject({ type: 'ReplicationUnavailable' });
    expect(error?.message).toContain('ALTER TABLE nameless REPLICA IDENTITY FULL;');
    expect(await server.sql(`SELECT 1 FROM pg_publication WHERE pubname LIKE '%nameless%'`)).toEqual([]);
    await server.sql(`ALTER TABLE nameless REPLICA IDENTITY FULL`);
    expect((await replica.prepare()).pending).toEqual(['nameless']);
    await dropReplication(replica.config);
  });

  test('a slot that was dropped is not made anew in silence', async () => {
    await server.sql(`CREATE TABLE dropped (id int PRIMARY KEY)`);
    const replica = new Replica(await newLake(), server, server.url, 'dropped', { dropped: {} });
    await replica.begin();
    await server.sql(`INSERT INTO dropped VALUES (1)`);
    await replica.catchUp();
    await server.sql(`SELECT pg_drop_replication_slot('${replica.config.slot}')`);
    await server.sql(`INSERT INTO dropped VALUES (2)`);
    expect(await failing(() => replica.catchUp())).toMatchObject({ type: 'SlotLost' });
    expect(await failing(() => replica.prepare())).toMatchObject({ type: 'SlotLost' });
    const { pending, slotCreated } = await replica.prepare({ recreate: true });
    expect({ pending, slotCreated }).toEqual({ pending: ['dropped'], slotCreated: true });
    // whoever died before the copy finds that it is still to be made
    expect(await replica.prepare()).toMatchObject({ pending: ['dropped'], slotCreated: false });
    await replica.copy(pending, 'after the loss');
    expect((await replica.prepare()).pending).toEqual([]);
    await server.sql(`INSERT INTO dropped VALUES (3)`);
    await replica.catchUp();
    expect(await replica.state('dropped', ['id'], [])).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    await dropReplication(replica.config);
  });

  test('a database that was put back to an earlier state is noticed, and copied again it goes on', async () => {
    await server.sql(`CREATE TABLE restored (id int PRIMARY KEY)`);
    const replica = new Replica(await newLake(), server, server.url, 'restored', { restored: {} });
    await replica.begin();
    await server.sql(`INSERT INTO restored VALUES (1)`);
    await replica.catchUp();
    // bronze has seen positions that this server has not reached
    const ahead = { ...(await replica.log()), at: 'FFFF/0' };
    expect(await failing(() => prepareReplication(replica.config, ahead))).toMatchObject({
      type: 'SlotLost',
    });
    await prepareReplication(replica.config, { ...ahead, recreate: true });
    const { pending } = await prepareReplication(replica.config, ahead);
    expect(pending).toEqual(['restored']);
    await replica.copy(pending, 'after the restore');
    await server.sql(`INSERT INTO restored VALUES (2)`);
    const [row] = await server.sql('SELECT pg_current_wal_insert_lsn()::text AS lsn');
    const stream = await openChangeStream(replica.config, {
      ...{ batches: (await replica.log()).batches, at: 'FFFF/0', until: row?.lsn as string },
      ...{ run: 'run', workDir: replica.lake.workDir },
    });
    const flushes: ChangeFlush[] = [];
    for await (const flush of stream) flushes.push(flush);
    await stream.close();
    expect(flushes).toMatchObject([{ from: 'FFFF/0', changes: 1 }]);
    await dropReplication(replica.config);
  });

  test('a new column of a frozen stream ends the stream, and nothing of it is lost', async () => {
    await server.sql(`CREATE TABLE frozen (id int PRIMARY KEY)`);
    const lake = await newLake();
    const replica = new Replica(lake, server, server.url, 'frozen', { frozen: { contract: 'freeze' } });
    await replica.begin();
    await server.sql(`ALTER TABLE frozen ADD COLUMN extra text; INSERT INTO frozen VALUES (1, 'kept')`);
    const error = await failing(() => replica.catchUp());
    expect(error).toMatchObject({ type: 'SchemaMismatch' });
    expect(error?.message).toContain("'extra' (text) is new");
    const evolving = new Replica(lake, server, server.url, 'frozen', { frozen: { contract: 'evolve' } });
    await evolving.catchUp();
    expect(await evolving.state('frozen', ['id'], ['extra'])).toEqual([{ id: 1, extra: 'kept' }]);
    await dropReplication(replica.config);
  });

  test('a second reader of the slot is told to wait', async () => {
    await server.sql(`CREATE TABLE busy (id int PRIMARY KEY)`);
    const replica = new Replica(await newLake(), server, server.url, 'busy', { busy: {} });
    await replica.begin();
    const controller = new AbortController();
    const reading = failing(() => replica.stream({ signal: controller.signal }));
    await expect.poll(async () => (await slotStatus(replica.config)).active).toBe(true);
    expect(await failing(() => replica.catchUp())).toMatchObject({ type: 'Unavailable' });
    controller.abort(new Error('enough'));
    expect((await reading)?.message).toBe('enough');
    await dropReplication(replica.config);
  });

  test('a server that goes away in the middle is waited for, and nothing is lost', async () => {
    await server.sql(`CREATE TABLE outage (id int PRIMARY KEY)`);
    const replica = new Replica(await newLake(), server, server.url, 'outage', { outage: {} });
    await replica.begin();
    await server.sql(`INSERT INTO outage SELECT generate_series(1, 100)`);
    const reading = failing(() => replica.stream({}));
    await expect.poll(async () => (await replica.log()).at).toBeTruthy();
    await server.restart('SIGKILL');
    expect(await reading).toMatchObject({ type: 'Unavailable' });
    await server.sql(`INSERT INTO outage SELECT generate_series(101, 200)`);
    await replica.catchUp();
    expect(await replica.state('outage', ['id'], [])).toHaveLength(200);
  });
});
