import { afterAll, expect, test } from 'vitest';
import { resultOf, startRun } from '../../clients/runs.js';
import { startCuttingProxy } from '../support/cutting-proxy.js';
import { startPostgres } from '../support/postgres-server.js';
import { withFaults } from '../support/shop-run.js';
import { makeTransform, type TransformProject } from '../support/transform-project.js';

const projects: TransformProject[] = [];
afterAll(() => projects.forEach((project) => project.remove()));

const RUNS = 7;
const FILES = {
  'seeds/rates.csv': 'currency,rate\nEUR,1\nCHF,2\n',
  'models/added.sql': `{{ config(materialized='incremental', incremental_strategy='append') }}
    select i as id, '{{ interval_start }}' as day, currency
    from generate_series(1, 500) t(i), {{ ref('rates') }} where currency = 'EUR'`,
  'models/sums.sql': `{{ config(materialized='table') }}
    select day, count(*) as n from {{ ref('added') }} group by day`,
  'models/schema.yml': 'models: [{ name: sums, columns: [{ name: day, data_tests: [unique, not_null] }] }]\n',
};

test('a connection to Postgres that is cut again and again while a run goes on: it is tried again, every effect there once', async () => {
  const postgres = await startPostgres();
  const proxy = await startCuttingProxy(postgres.port);
  try {
    const project = makeTransform(FILES, { warehouse: { kind: 'postgres', url: 'env:WAREHOUSE_URL' } });
    projects.push(project);
    const { root } = project;
    const url = new URL(postgres.url);
    url.port = String(proxy.port);
    const work: Parameters<typeof withFaults>[2] = async ({ client, pids }) => {
      const worker = pids()['worker-1'];
      for (let n = 0; n < RUNS; n++) {
        const before = proxy.cuts;
        const interval = `2026-01-${String(n + 5).padStart(2, '0')}`;
        // cut between statement and answer as well as in the middle of either, also of a COMMIT
        proxy.cut({ after: 1_300 * n, direction: n % 3 === 0 ? 'up' : 'down', times: 2 });
        const run = await startRun(client, root, { pipeline: 'all', interval });
        expect((await resultOf(client, run)).transform).toMatchObject({ failed: [], skipped: 0 });
        expect(proxy.cuts).toBeGreaterThan(before);
      }
      // a connection's end is not the worker's
      expect(pids()['worker-1']).toBe(worker);
    };
    await withFaults(root, [], work, { WAREHOUSE_URL: url.href });
    const days = await postgres.sql('select count(*)::int as n from public.added group by day order by day');
    expect(days).toEqual(Array(RUNS).fill({ n: 500 }));
    const sums = await postgres.sql('select count(*)::int as days, sum(n)::int as rows from public.sums');
    expect(sums).toEqual([{ days: RUNS, rows: RUNS * 500 }]);
    expect(await postgres.sql('select * from public.rates order by 1')).toHaveLength(2);
  } finally {
    await proxy.close();
    await postgres.stop();
  }
});
