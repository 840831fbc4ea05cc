import { afterAll, beforeAll, expect, test } from 'vitest';
import pg from 'pg';
import { startPostgres, type PostgresServer } from '../../../support/postgres-server.js';
import { queryBronze, runStream, temporaryLake, type Lake } from './support.js';

let server: PostgresServer;
let lake: Lake;
beforeAll(async () => {
  [server, lake] = await Promise.all([startPostgres(), temporaryLake()]);
});
afterAll(async () => {
  await server.stop();
  await lake.remove();
});

const ids = async (name: string): Promise<number[]> =>
  (await queryBronze(lake, name, 'SELECT id FROM bronze ORDER BY id, _commit')).map(({ id }) => Number(id));

test('each run brings what is new since the last, pages resume in the middle of equal cursors', async () => {
  await server.sql(`CREATE TABLE ticks (id int PRIMARY KEY, at timestamptz, v text);
    INSERT INTO ticks SELECT n, timestamptz '2025-11-03' + (n / 400000) * interval '1 hour', 'v' FROM generate_series(1, 600000) n`);
  const load = { load: { cursor: 'at' } };
  // the first attempt ends after a page of 250,000 rows, all with the same cursor
  const [first] = await runStream(lake, server.url, 'ticks', load, { stopAfter: 1 });
  expect(first?.cursor).toEqual({ from: null, to: '["2025-11-03 00:00:00+00","250000"]' });
  await runStream(lake, server.url, 'ticks', load);
  expect(
    await queryBronze(
      lake,
      'ticks',
      'SELECT count(*)::INT AS rows, count(DISTINCT id)::INT AS ids FROM bronze',
    ),
  ).toEqual([{ rows: 600_000, ids: 600_000 }]);
  expect(await runStream(lake, server.url, 'ticks', load)).toEqual([]);
  await server.sql(
    `INSERT INTO ticks VALUES (600001, '2025-11-03 02:00:00', 'new'), (600002, NULL, 'no cursor'), (600003, 'infinity', 'never'); UPDATE ticks SET at = '2025-11-03 02:00:00', v = 'changed' WHERE id = 1`,
  );
  expect(await runStream(lake, server.url, 'ticks', load)).toMatchObject([
    { read: 2, loaded: 2, rowKey: ['id'] },
  ]);
});

test('rows that were committed late come once: equal to the cursor always, behind it within the lag', async () => {
  await server.sql(`CREATE TABLE late (id int PRIMARY KEY, at timestamp, v numeric(8, 2), tags text[])`);
  const slow = new pg.Client({ connectionString: server.url });
  await slow.connect();
  await slow.query(
    `BEGIN; INSERT INTO late VALUES (1, '2025-11-03 10:00:00', 1, '{a}'), (2, '2025-11-03 09:59:00', 1, NULL), (9, '2025-11-03 08:00', 1, NULL)`,
  );
  await server.sql(
    `INSERT INTO late VALUES (3, '2025-11-03 10:00:00', 1.5, '{}'), (4, '2025-11-03 09:58:00', 2, NULL)`,
  );
  const load = { load: { cursor: 'at', lag: '5m' } };
  await runStream(lake, server.url, 'late', load);
  expect(await ids('late')).toEqual([3, 4]);
  await slow.query('COMMIT');
  await slow.end();
  const [batch] = await runStream(lake, server.url, 'late', load);
  expect(batch).toMatchObject({ read: 4, loaded: 2, filtered: 2 });
  expect(await ids('late')).toEqual([1, 2, 3, 4]);
  expect(await runStream(lake, server.url, 'late', load)).toEqual([]);
});

test('a table without a key is read with all rows of a cursor at once, and equal rows are counted', async () => {
  await server.sql(
    `CREATE TABLE keyless (id int, n int8); INSERT INTO keyless VALUES (1, 5), (1, 5), (2, 5)`,
  );
  const load = { load: { cursor: 'n' } };
  await runStream(lake, server.url, 'keyless', load);
  await server.sql(`INSERT INTO keyless VALUES (1, 5), (3, 6), (0, 4)`);
  await runStream(lake, server.url, 'keyless', load);
  expect(await ids('keyless')).toEqual([1, 1, 1, 2, 3]);
});

test('a first value, a lag of no time and a cursor that is not there', async () => {
  await server.sql(
    `CREATE TABLE begun (id int PRIMARY KEY, n int); INSERT INTO begun SELECT n, n FROM generate_series(1, 10) n`,
  );
  await runStream(lake, server.url, 'begun', { load: { cursor: 'n', from: 8 } });
  expect(await ids('begun')).toEqual([8, 9, 10]);
  await expect(runStream(lake, server.url, 'begun', { load: { cursor: 'n', lag: '5m' } })).rejects.toThrow(
    "the cursor 'n' is int32",
  );
  await expect(runStream(lake, server.url, 'begun', { load: { cursor: 'm' } })).rejects.toThrow(
    "no column 'm', which is in load.cursor",
  );
});

test('bad rows are set aside once', async () => {
  await server.sql(
    `CREATE TABLE partly (id int PRIMARY KEY, d date); INSERT INTO partly VALUES (1, '2024-01-01'), (2, 'infinity')`,
  );
  const load = { load: { cursor: 'id' }, tolerance: 0.5 };
  expect(await runStream(lake, server.url, 'partly', load)).toMatchObject([{ loaded: 1, quarantined: 1 }]);
  expect(await runStream(lake, server.url, 'partly', load)).toEqual([]);
});
