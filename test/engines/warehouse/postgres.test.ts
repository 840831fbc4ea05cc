import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPostgresWarehouse, type PostgresOptions } from '../../../engines/warehouse/postgres.js';
import { MillraceError } from '../../../schemas/errors.js';
import { startPostgres, type PostgresServer } from '../../support/postgres-server.js';
import { testAdapter } from './adapter-suite.js';
import { testDbtProject } from './dbt-suite.js';
import { testLoading } from './load-suite.js';

let server: PostgresServer;
let count = 0;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const optionsOf = (address: string): PostgresOptions => {
  const { hostname, port, username, password, pathname } = new URL(address);
  return {
    ...{ host: hostname, port: Number(port), database: pathname.slice(1), user: username },
    ...{ password, connections: 4 },
  };
};

testAdapter('Postgres', {
  open: async () => openPostgresWarehouse(optionsOf(await server.database(`w${count++}`))),
  values: `select 1 as small, 9007199254740993 as large, 12.50::numeric(6,2) as amount, 0.25::float8 as ratio,
    date '2024-02-29' as day, time '10:00:00' as clock, timestamp '2024-02-29 10:00:00.5' as moment,
    timestamptz '2024-02-29 10:00:00+01' as instant, true as yes, null as nothing, 'ü' as words,
    '{"a":1}'::jsonb as document, '\\x00ff'::bytea as bytes`,
  endless: 'select pg_sleep(60)',
  transactionalDdl: true,
  tellsLine: true,
  conflicts: true,
});

testDbtProject('dbt on Postgres', async () =>
  openPostgresWarehouse(optionsOf(await server.database(`w${count++}`))),
);

testLoading('bronze in Postgres', async () =>
  openPostgresWarehouse(optionsOf(await server.database(`w${count++}`))),
);

const failure = async (open: Promise<unknown>): Promise<MillraceError> => {
  const cause = await open.catch((error: unknown) => error);
  expect(cause).toBeInstanceOf(MillraceError);
  return cause as MillraceError;
};

test('tells wrong credentials from a missing database and a server that is not there', async () => {
  const options = optionsOf(server.url);
  const wrong = await failure(openPostgresWarehouse({ ...options, password: 'not-the-password' }));
  expect([wrong.type, wrong.retryable]).toEqual(['AccessDenied', false]);
  expect(wrong.message).not.toContain('not-the-password');
  const missing = await failure(openPostgresWarehouse({ ...options, database: 'no_such' }));
  expect([missing.type, missing.retryable]).toEqual(['ProjectInvalid', false]);
  const gone = await failure(openPostgresWarehouse({ ...options, port: 1 }));
  expect([gone.type, gone.retryable]).toEqual(['WarehouseUnavailable', true]);
});

test('a role without a grant is denied, which no retry mends', async () => {
  await server.sql('create schema secret; create table secret.t (a int); create role reader login');
  const warehouse = await openPostgresWarehouse({ ...optionsOf(server.url), role: 'reader' });
  try {
    expect((await failure(warehouse.query('select * from secret.t'))).type).toBe('AccessDenied');
  } finally {
    await warehouse.close();
  }
});

test('a server that restarts is unavailable for a moment, and the warehouse goes on afterwards', async () => {
  const warehouse = await openPostgresWarehouse(optionsOf(server.url));
  try {
    const running = failure(warehouse.query('select pg_sleep(30)'));
    setTimeout(
      () =>
        void server.sql(
          "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%'",
        ),
      200,
    );
    const error = await running;
    expect([error.type, error.retryable]).toEqual(['WarehouseUnavailable', true]);
    expect(await warehouse.query('select 1 as one')).toEqual([{ one: 1 }]);
  } finally {
    await warehouse.close();
  }
});
