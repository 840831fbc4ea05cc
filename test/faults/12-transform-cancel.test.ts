import { CancelledFailure, type WorkflowFailedError } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRun, resultOf, startRun } from '../../clients/runs.js';
import { loadTransform } from '../../engines/dbt/transform.js';
import { openSnowflake } from '../../engines/warehouse/snowflake.js';
import { dbtWorkflow } from '../support/dbt-workflow.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { until, withFaults } from '../support/shop-run.js';
import { snowflakePython, startSnowflake } from '../support/snowflake-server.js';
import { makeTransform, type TransformProject } from '../support/transform-project.js';

const projects: TransformProject[] = [];
afterAll(() => projects.forEach((project) => project.remove()));
function project(...given: Parameters<typeof makeTransform>): TransformProject {
  const made = makeTransform(...given);
  projects.push(made);
  return made;
}

/** More than any machine counts in an hour. */
const ENDLESS = 'select count(*) as n from range(1000000000000) t(i) where (i * 7919) % 1000003 = 13';

test('a cancelled millrace dbt leaves neither a query nor anything of ours in the warehouse, and its tables as they were', async () => {
  const { root, read } = project({
    'models/first.sql': "{{ config(materialized='table') }} select 1 as id",
    'models/grown.sql': `{{ config(materialized='incremental', unique_key='id') }}
      select id, {% if var('endless', false) %}(${ENDLESS}){% else %}1{% endif %} as n from {{ ref('first') }}`,
    'snapshots/kept.sql': `{% snapshot kept %}{{ config(unique_key='id', strategy='check', check_cols='all') }}
      select id, {% if var('endless', false) %}(${ENDLESS}){% else %}1{% endif %} as n from {{ ref('first') }}
    {% endsnapshot %}`,
  });
  await withFaults(root, [], async (stack) => {
    expect((await dbtWorkflow(stack, root)).failure).toBeNull();
    let id = '';
    let running: string[] = [];
    const run = dbtWorkflow(
      stack,
      root,
      { flags: { vars: { endless: true } } },
      {
        onStart: (workflowId) => (id = workflowId),
        onProgress: ({ current }) => (running = current),
      },
    );
    await until(() => running.length === 2, { what: 'the two long queries' });
    await sleep(500);
    const began = performance.now();
    await stack.client.workflow.getHandle(id).cancel();
    const { failure } = await run;
    expect(performance.now() - began).toBeLessThan(6_000);
    expect(failure).toMatchObject({ type: 'CancelledFailure' });
    // the connections that the queries had are free again
    expect((await dbtWorkflow(stack, root)).failure).toBeNull();
  });
  expect(await read('select * from main.grown')).toEqual([{ id: 1, n: 1 }]);
  expect(await read('select id, n, dbt_valid_to from main.kept')).toEqual([
    { id: 1, n: 1, dbt_valid_to: null },
  ]);
  const left = await read(
    "select schema_name || table_name as name from duckdb_tables() union all select schema_name from duckdb_schemas() where schema_name = 'millrace' order by 1",
  );
  expect(left.map(({ name }) => name)).toEqual(['mainfirst', 'maingrown', 'mainkept']);
});

describe('in Postgres', () => {
  let postgres: PostgresServer;
  beforeAll(async () => void (postgres = await startPostgres()));
  afterAll(() => postgres.stop());

  const queries = async (text: string): Promise<number> => {
    const rows = await postgres.sql(
      `select query from pg_stat_activity where pid <> pg_backend_pid() and state = 'active' and query like '%${text}%'`,
    );
    return rows.length;
  };

  test('a cancelled run stops the query on the server, keeps the published rows and removes what waited for its tests', async () => {
    const { root } = project(
      {
        'models/fast.sql': "{{ config(materialized='table') }} select 1 as id",
        'models/slow.sql': `{{ config(materialized='table') }}
          select id {% if interval_start >= '2026-01-06' %}, pg_sleep(600)::text as woken{% endif %} from {{ ref('fast') }}`,
        'models/guarded.sql': "{{ config(materialized='table') }} select '{{ interval_start }}' as day",
        'tests/slowly.sql': `select day from {{ ref('guarded') }}
          {% if interval_start >= '2026-01-06' %}, pg_sleep(601){% endif %} where day is null`,
      },
      { name: 'cancelled', warehouse: { kind: 'postgres', url: 'env:WAREHOUSE_URL' } },
    );
    const work = async ({ client }: Parameters<Parameters<typeof withFaults>[2]>[0]): Promise<void> => {
      await resultOf(client, await startRun(client, root, { pipeline: 'all', interval: '2026-01-05' }));
      const run = await startRun(client, root, { pipeline: 'all', interval: '2026-01-06' });
      await until(async () => (await queries('pg_sleep(600)')) + (await queries('pg_sleep(601)')) === 2, {
        what: 'both queries',
      });
      const current = (await readRun(client, run.workflowId)).stages.flatMap((stage) => stage.current);
      expect(current.sort()).toEqual(['slow', 'slowly']);
      const ended = resultOf(client, run).catch((error: unknown) => error);
      const began = performance.now();
      await client.workflow.getHandle(run.workflowId).cancel();
      const error = await ended;
      expect(performance.now() - began).toBeLessThan(8_000);
      expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
      expect(await queries('pg_sleep')).toBe(0);
    };
    await withFaults(root, [], work, { WAREHOUSE_URL: postgres.url });
    expect(await postgres.sql('select * from public.slow')).toEqual([{ id: 1 }]);
    expect(await postgres.sql('select left(day, 10) as day from public.guarded')).toEqual([
      { day: '2026-01-05' },
    ]);
    const left = await postgres.sql(
      "select table_name from information_schema.tables where table_schema = 'public' order by 1",
    );
    expect(left.map((row) => row['table_name'])).toEqual(['fast', 'guarded', 'slow']);
    expect(await postgres.sql('select * from millrace.audits')).toEqual([]);
  });

  test('a query that takes longer than the heartbeat timeout is asked once', async () => {
    const { root } = project(
      { 'models/patient.sql': "{{ config(materialized='table') }} select pg_sleep(14)::text as slept" },
      { name: 'patient', warehouse: { kind: 'postgres', url: 'env:WAREHOUSE_URL' } },
    );
    const seen = new Set<unknown>();
    const look = setInterval(() => {
      const text = "select pid, query_start from pg_stat_activity where query like '%pg_sleep(14)%'";
      const active = `${text} and state = 'active' and pid <> pg_backend_pid()`;
      // a look that comes too early or too late sees nothing
      postgres.sql(active).then(
        (rows) => rows.forEach((row) => seen.add(JSON.stringify(row))),
        () => undefined,
      );
    }, 500);
    await withFaults(
      root,
      [],
      async ({ client }) => {
        const run = await startRun(client, root, { pipeline: 'all', interval: '2026-01-05' });
        expect((await resultOf(client, run)).transform).toMatchObject({ failed: [], built: 1 });
      },
      { WAREHOUSE_URL: postgres.url },
    ).finally(() => clearInterval(look));
    expect(seen.size).toBe(1);
  });
});

/** in words that the server understands, too */
const LONG =
  'with recursive t(n) as (select 1 union all select n + 1 from t where n < 100000000) select count(*) as n from t';

test.skipIf(snowflakePython() === null)(
  'a model that is cancelled is stopped on the Snowflake-protocol server, and its table stays',
  async () => {
    const server = await startSnowflake();
    const warehouse = await openSnowflake(server.options('CANCELLED'));
    try {
      const { root } = project({
        'models/live.sql': `{{ config(materialized='table') }}
          {% if var('endless') %}${LONG} {% else %}select 1 as n{% endif %}`,
      });
      const load = (endless: boolean) =>
        loadTransform({
          ...{ dir: `${root}/dbt`, warehouse, schema: 'PUBLIC', vars: { endless }, sources: {} },
          ...{ run: 'cancelled', audit: false, ledger: false },
          interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-06T00:00:00Z' },
        });
      await (await load(false)).run('model.transforming.live');
      const stop = new AbortController();
      const running = (await load(true)).run('model.transforming.live', { signal: stop.signal });
      running.catch(() => undefined);
      await until(async () => (await server.noted()).some(({ sql }) => sql?.includes('100000000')));
      await sleep(700);
      stop.abort(new Error('cancelled'));
      await expect(running).rejects.toThrow('cancelled');
      await until(async () => (await server.noted()).some(({ stopped }) => stopped !== undefined));
      const noted = await server.noted();
      const stopped = noted.find((each) => each.stopped !== undefined)?.stopped;
      expect(noted.find(({ id }) => id === stopped)?.sql).toContain('100000000');
      expect(await warehouse.query('select n from PUBLIC.live')).toEqual([{ n: 1 }]);
    } finally {
      await warehouse.close();
      await server.stop();
    }
  },
);
