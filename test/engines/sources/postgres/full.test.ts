import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

describe('values', () => {
  test('every common type arrives exactly', async () => {
    await server.sql(`
      CREATE TYPE mood AS ENUM ('sad', 'so "so", really');
      CREATE DOMAIN amount AS numeric(12, 2);
      CREATE TABLE kinds (
        id int PRIMARY KEY, b bool, i2 int2, i8 int8, f4 float4, f8 float8, n numeric(38, 10), free numeric, dom amount,
        t text, c char(4), e mood, bin bytea, u uuid, d date, tm time, ts timestamp, tz timestamptz, j jsonb, iv interval,
        m money, tags text[], nums numeric(10, 2)[], days date[], bins bytea[], ip inet, r int4range, dbl int8 GENERATED ALWAYS AS (i8 + 1) STORED
      );
      INSERT INTO kinds VALUES
        (1, true, -32768, 9223372036854775806, 0.1, 'NaN', 1234567890123456789012345678.0123456789, 123456789012345678901234567890123456789012345.678, 12.30,
         E'a,"b"\\n\\\\.\\r\\tü', 'x', 'so "so", really', '\\x00ff22', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '0001-01-01', '24:00:00', '2024-02-29 23:59:59.999999',
         '2024-02-29 23:59:59.999999+05:30', '{"a": 12345678901234567890.123, "b": [1, null]}', '1 year 2 mons 3 days 04:05:06.7', 12.5,
         E'{a,NULL,"b \\\\"c\\\\", {d}",""}', '{1.10,NULL,99999999.99}', '{2024-01-01}', '{"\\\\x00ff"}', '10.0.0.1/8', '[1,5)', DEFAULT),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT),
        (3, false, 0, -9223372036854775807, 'Infinity', 5e-324, 0, 0.000, 0, '', '', 'sad', '', NULL, '9999-12-31', '00:00:00', 'epoch', 'epoch', '""', '0', 0,
         '{}', '{}', '{}', '{}', '::1', 'empty', DEFAULT);
    `);
    const [batch] = await runStream(lake, server.url, 'kinds', {});
    expect(batch?.schema).toEqual(
      Object.entries({
        ...{ id: 'int32', b: 'boolean', i2: 'int32', i8: 'int64', f4: 'double', f8: 'double' },
        ...{
          n: 'decimal(38,10)',
          free: 'text',
          dom: 'decimal(12,2)',
          t: 'text',
          c: 'text',
          e: 'text',
          bin: 'binary',
        },
        ...{
          u: 'uuid',
          d: 'date',
          tm: 'time',
          ts: 'timestamp',
          tz: 'timestamptz',
          j: 'json',
          iv: 'text',
          m: 'text',
        },
        ...{
          tags: 'VARCHAR[]',
          nums: 'DECIMAL(10,2)[]',
          days: 'DATE[]',
          bins: 'BLOB[]',
          ip: 'text',
          r: 'text',
          dbl: 'int64',
        },
      }).map(([name, type]) => ({ name, type })),
    );
    expect(batch).toMatchObject({ read: 3, loaded: 3, expected: { rows: 3 }, rowKey: ['id'], scope: 'full' });
    const rows = await queryBronze(
      lake,
      'kinds',
      'SELECT * EXCLUDE (_batch, _extracted_at, _commit, _part) FROM bronze ORDER BY id',
    );
    expect(rows).toEqual([
      {
        ...{ id: 1, b: true, i2: -32768, i8: '9223372036854775806', f4: 0.1, f8: 'NaN' },
        ...{
          n: '1234567890123456789012345678.0123456789',
          free: '123456789012345678901234567890123456789012345.678',
        },
        ...{ dom: '12.30', t: 'a,"b"\n\\.\r\tü', c: 'x   ', e: 'so "so", really', bin: '\\x00\\xFF\\x22' },
        ...{ u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', d: '0001-01-01', tm: '24:00:00' },
        ...{ ts: '2024-02-29 23:59:59.999999', tz: '2024-02-29 18:29:59.999999+00' },
        ...{
          j: '{"a": 12345678901234567890.123, "b": [1, null]}',
          iv: '1 year 2 mons 3 days 04:05:06.7',
          m: '$12.50',
        },
        ...{ tags: ['a', null, 'b "c", {d}', ''], nums: ['1.10', null, '99999999.99'], days: ['2024-01-01'] },
        ...{ bins: ['\\x00\\xFF'], ip: '10.0.0.1/8', r: '[1,5)', dbl: '9223372036854775807' },
        ...{ _source_file: 'public.kinds', _source_position: '1' },
      },
      expect.objectContaining({ id: 2, b: null, t: null, tags: null, j: null, bin: null, dbl: null }),
      expect.objectContaining({
        ...{
          id: 3,
          f4: 'Infinity',
          f8: 5e-324,
          t: '',
          c: '    ',
          bin: '',
          tags: [],
          nums: [],
          d: '9999-12-31',
        },
        ...{ free: '0.000', tz: '1970-01-01 00:00:00+00', iv: '00:00:00', dbl: '-9223372036854775806' },
      }),
    ]);
  });

  test('values that no type of bronze has are kept as text, or their rows set aside', async () => {
    await server.sql(`
      CREATE TABLE odd (id int PRIMARY KEY, d date, tz timestamptz, n numeric(5, 1), a int[]);
      INSERT INTO odd VALUES (1, 'infinity', '0044-03-15 BC', 'NaN', '{{1,2},{3,4}}'), (2, '2024-01-01', '-infinity', 1.5, '{1,2}'),
        (3, '0044-03-15 BC', '2024-01-01', 2, '{}');`);
    await runStream(lake, server.url, 'odd', { contract: 'evolve' });
    expect(
      await queryBronze(
        lake,
        'odd',
        'SELECT * EXCLUDE (_source_file, _batch, _extracted_at, _commit, _part) FROM bronze ORDER BY id',
      ),
    ).toEqual([
      {
        ...{ id: 1, d: null, d__variant: 'infinity', tz: null, tz__variant: '0044-03-15 00:00:00+00 BC' },
        ...{
          n: null,
          n__variant: 'NaN',
          a: null,
          a__variant: '[["1","2"],["3","4"]]',
          _source_position: '1',
        },
      },
      expect.objectContaining({
        id: 2,
        d: '2024-01-01',
        tz: null,
        tz__variant: '-infinity',
        n: '1.5',
        a: [1, 2],
      }),
      expect.objectContaining({
        id: 3,
        d: null,
        d__variant: '0044-03-15 BC',
        tz: '2024-01-01 00:00:00+00',
        tz__variant: null,
      }),
    ]);
    await expect(runStream(lake, server.url, 'odd_strict', { table: 'odd' })).rejects.toThrow(
      /3 of 3 rows do not fit, 0 % are tolerated.*row 1: column "d": 'infinity' is not date/,
    );
    const [some] = await runStream(lake, server.url, 'odd_some', {
      table: 'odd',
      select: ['id', 'd'],
      tolerance: 0.7,
    });
    expect(some).toMatchObject({ read: 3, loaded: 1, quarantined: 2 });
  });

  test('a declared type takes the place of the server’s where nothing is lost', async () => {
    await server.sql(
      `CREATE TABLE money_of (id int, amount numeric); INSERT INTO money_of VALUES (1, 12.5), (2, 12.345678)`,
    );
    const declared = { columns: { amount: 'decimal(12,2)' as const } };
    await expect(runStream(lake, server.url, 'money_of', declared)).rejects.toThrow(
      /'12.345678' is not decimal\(12,2\)/,
    );
    await server.sql(`UPDATE money_of SET amount = 7 WHERE id = 2`);
    const [batch] = await runStream(lake, server.url, 'money_of', declared);
    expect(batch?.schema[1]).toEqual({ name: 'amount', type: 'decimal(12,2)' });
  });
});

describe('loads', () => {
  test('many rows arrive in several parts, each once, and a new run takes the place of the old one', async () => {
    await server.sql(
      `CREATE TABLE many AS SELECT n AS id, 'row ' || n AS name FROM generate_series(1, 600000) n`,
    );
    const [batch] = await runStream(lake, server.url, 'many', {}, { run: 'first' });
    expect(batch).toMatchObject({ read: 600_000, expected: { rows: 600_000 } });
    expect(batch?.parts.length).toBe(3);
    expect(await runStream(lake, server.url, 'many', {}, { run: 'first' })).toEqual([]);
    await server.sql(`DELETE FROM many WHERE id > 10`);
    await runStream(lake, server.url, 'many', {}, { run: 'second' });
    expect(
      await queryBronze(
        lake,
        'many',
        'SELECT count(*)::INT AS rows, max(_source_position)::INT AS last FROM bronze',
      ),
    ).toEqual([{ rows: 10, last: 10 }]);
  });

  test('an empty table is a load without rows', async () => {
    await server.sql(`CREATE TABLE nothing (id int)`);
    expect(await runStream(lake, server.url, 'nothing', {})).toMatchObject([{ read: 0, parts: [] }]);
  });

  test('a cancelled load ends the query on the server and leaves nothing', async () => {
    await server.sql(`CREATE TABLE slow AS SELECT n FROM generate_series(1, 100) n`);
    const before = await readdir(lake.workDir);
    const controller = new AbortController();
    const running = runStream(
      lake,
      server.url,
      'slow',
      { where: 'pg_sleep(0.3) IS NOT NULL' },
      { signal: controller.signal },
    );
    const active = `SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'`;
    await expect.poll(() => server.sql(active)).toHaveLength(1);
    controller.abort(new Error('cancelled by someone'));
    await expect(running).rejects.toThrow('cancelled by someone');
    await expect.poll(() => server.sql(active)).toEqual([]);
    expect(await readdir(lake.workDir)).toEqual(before);
  });
});

describe('what is wrong is said', () => {
  const run = (url: string, name: string, stream = {}) => runStream(lake, url, name, stream);
  test.each([
    ['a wrong password', (url: string) => url.replace(/:[^:@]+@/, ':wrong@'), 'many', {}, 'AccessDenied'],
    [
      'a database that is not there',
      (url: string) => url.replace(/postgres$/, 'nowhere'),
      'many',
      {},
      'SourceMissing',
    ],
    ['a port where nobody listens', (url: string) => url.replace(/:\d+\//, ':1/'), 'many', {}, 'Unavailable'],
    ['a server without TLS', (url: string) => `${url}?sslmode=verify-full`, 'many', {}, 'CertificateInvalid'],
    ['a column that is not there', (url: string) => url, 'many', { select: ['nme'] }, 'ColumnMissing'],
    ['a condition that is no SQL', (url: string) => url, 'many', { where: 'id >' }, 'ProjectInvalid'],
  ])('%s', async (_, urlOf, name, stream, type) => {
    const error = await run(urlOf(server.url), name, stream).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ type });
    expect((error as Error).message).not.toMatch(/wrong|secret-of-tests/);
  });

  test('a table that is not there, with the one that was meant', async () => {
    await expect(run(server.url, 'manye')).rejects.toThrow(
      "The database has no table 'manye'. Did you mean 'many'?",
    );
  });
});
