import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Poll, Warehouse } from '../../../engines/warehouse/port.js';
import type { SnowflakeOptions } from '../../../engines/warehouse/snowflake-options.js';
import { creditsByNode } from '../../../engines/warehouse/snowflake-credits.js';
import { openSnowflake } from '../../../engines/warehouse/snowflake.js';
import { MillraceError } from '../../../schemas/errors.js';
import { snowflakePython, startSnowflake, type SnowflakeServer } from '../../support/snowflake-server.js';
import { testAdapter } from './adapter-suite.js';
import { testDbtProject } from './dbt-suite.js';
import { testLoading } from './load-suite.js';

const here = snowflakePython() !== null;
if (!here)
  console.warn("Snowflake's tests are skipped: set-up found no Python with pip (scripts/setup.mjs --tests)");

const ENDLESS =
  'select count(*) from range(1000000) a, range(1000000) b where (a.range * b.range) % 7 = 3 limit 1';

describe.runIf(here)('Snowflake over the wire', () => {
  let server: SnowflakeServer;
  let count = 0;
  beforeAll(async () => {
    server = await startSnowflake();
  });
  afterAll(() => server.stop());

  testAdapter('the suite of all adapters', {
    open: () => openSnowflake(server.options(`W${count++}`)),
    values: `select 1 as small, 9007199254740993 as large, 12.50::number(6,2) as amount, 0.25::float as ratio,
      '2024-02-29'::date as day, '10:00:00'::time as clock, '2024-02-29 10:00:00.5'::timestamp_ntz as moment,
      '2024-02-29 10:00:00+01:00'::timestamp_tz as instant, true as yes, null as nothing, 'ü' as words,
      parse_json('{"a":1}') as document, x'00ff' as bytes`,
    // the stand-in cuts fractions of a second, has no literals of bytes, and quotes no names of its own
    without: ['moment', 'bytes'],
    refuses: ["it's"],
    endless: ENDLESS,
    transactionalDdl: false,
    tellsLine: false,
    conflicts: true,
  });

  testDbtProject('dbt', () => openSnowflake(server.options(`W${count++}`)));

  testLoading('bronze', () => openSnowflake(server.options(`W${count++}`)));

  const using = async (
    more: Partial<SnowflakeOptions>,
    work: (warehouse: Warehouse) => Promise<void>,
  ): Promise<void> => {
    const warehouse = await openSnowflake(server.options(`W${count++}`, more));
    try {
      await work(warehouse);
    } finally {
      await warehouse.close();
    }
  };
  const failure = async (open: Promise<unknown>): Promise<MillraceError> => {
    const cause = await open.catch((error: unknown) => error);
    expect(cause).toBeInstanceOf(MillraceError);
    return cause as MillraceError;
  };

  test('logs in with a key that has a passphrase, and with an OAuth token', async () => {
    await using({ auth: server.auth.key, role: 'LOADER', warehouse: 'SMALL' }, async (warehouse) => {
      expect(await warehouse.query('select 1 as one')).toEqual([{ one: 1 }]);
    });
    await using({ auth: server.auth.oauth }, async (warehouse) => {
      expect(await warehouse.query('select 1 as one')).toEqual([{ one: 1 }]);
    });
    const logins = (await server.noted()).filter(({ login }) => login !== undefined);
    expect(logins.map(({ login }) => login)).toEqual(expect.arrayContaining(['SNOWFLAKE_JWT', 'OAUTH']));
    expect(logins).toContainEqual(expect.objectContaining({ role: 'LOADER', warehouse: 'SMALL' }));
  });

  test('wrong credentials, a key that is none and a server that is not there are told apart', async () => {
    const options = server.options('X');
    const wrong = await failure(
      openSnowflake({ ...options, auth: { kind: 'password', password: 'not-the-password' } }),
    );
    expect([wrong.type, wrong.retryable]).toEqual(['AccessDenied', false]);
    expect(wrong.message).not.toContain('not-the-password');
    const noKey = await failure(
      openSnowflake({ ...options, auth: { kind: 'key', privateKey: 'no-key-at-all' } }),
    );
    expect(noKey.type).toBe('ProjectInvalid');
    expect(noKey.message).not.toContain('no-key-at-all');
  });

  test('tags each statement with what it belongs to', async () => {
    await using({ tag: { project: 'shop' } }, async (warehouse) => {
      await warehouse.query('select 1 as tagged', { tag: { run: 'r1', node: 'model.shop.orders' } });
      const noted = (await server.noted()).find(({ sql }) => sql === 'select 1 as tagged');
      expect(JSON.parse(String(noted?.parameters?.['QUERY_TAG']))).toEqual({
        ...{ project: 'shop', run: 'r1', node: 'model.shop.orders' },
      });
    });
  });

  test('adds up what the nodes of a project have cost, by the tags of their statements', async () => {
    await using({}, async (warehouse) => {
      await warehouse.run(`create database if not exists snowflake;
        create schema if not exists snowflake.account_usage;
        create or replace table snowflake.account_usage.query_attribution_history
          (query_tag varchar, credits_attributed_compute float, start_time timestamp_tz)`);
      const tag = (project: string, node: string): string => JSON.stringify({ project, run: 'r1', node });
      const orders = tag('shop', 'model.shop.orders');
      await warehouse.run(`insert into snowflake.account_usage.query_attribution_history values
        ('${orders}', 0.5, '2026-01-05 10:00:00+00:00'), ('${orders}', 0.25, '2026-01-05 11:00:00+00:00'),
        ('${orders}', 4, '2025-12-31 10:00:00+00:00'), ('${tag('other', 'model.other.orders')}', 8, '2026-01-05 10:00:00+00:00'),
        ('nightly export', 2, '2026-01-05 10:00:00+00:00')`);
      expect(await creditsByNode(warehouse, { project: 'shop', since: '2026-01-01T00:00:00Z' })).toEqual([
        { node: 'model.shop.orders', run: 'r1', queries: 2, credits: 0.75 },
      ]);
    });
  });

  test('runs a statement detached, tells how it goes on, and gives its id with the answer', async () => {
    await using({}, async (warehouse) => {
      const polls: Poll[] = [];
      const answer = await warehouse.execute(
        'select count(*) as n from range(20000) a, range(20000) b where (a.range * b.range) % 7 = 3',
        { onPoll: (poll) => polls.push(poll) },
      );
      expect(answer.rows).toHaveLength(1);
      expect(polls.length).toBeGreaterThan(0);
      expect(new Set(polls.map(({ queryId }) => queryId))).toEqual(new Set([answer.queryId]));
      const noted = (await server.noted()).find(({ id }) => id === answer.queryId);
      expect(noted?.asynchronous).toBe(true);
      const failed = await failure(warehouse.query('select * from nowhere', { onPoll: () => undefined }));
      expect(failed.type).toBe('SqlError');
      expect(failed.message.toLowerCase()).toContain('nowhere');
    });
  });

  test.each([
    ['attached', false],
    ['detached', true],
  ])('stops an %s statement on the server when its signal aborts', async (_name, detached) => {
    await using({}, async (warehouse) => {
      const controller = new AbortController();
      const work = warehouse.query(ENDLESS, {
        signal: controller.signal,
        ...(detached && { onPoll: () => undefined }),
      });
      setTimeout(() => controller.abort(new Error('cancelled')), 300);
      await expect(work).rejects.toThrow('cancelled');
      await expect
        .poll(async () => (await server.noted()).some(({ stopped }) => stopped !== undefined))
        .toBe(true);
      const stopped = (await server.noted()).at(-1)?.stopped;
      expect((await server.noted()).find(({ id }) => id === stopped)?.sql).toBe(ENDLESS);
      expect(await warehouse.query('select 1 as one')).toEqual([{ one: 1 }]);
    });
  });

  test('gives exact names in an answer and plain ones in lower case to a query', async () => {
    await using({}, async (warehouse) => {
      const { columns } = await warehouse.execute('select 1 as id, 2 as "Net"');
      expect(columns.map(({ name }) => name)).toEqual(['ID', 'Net']);
      expect(await warehouse.query('select 1 as id, 2 as "Net"')).toEqual([{ id: 1, Net: 2 }]);
    });
  });
});
