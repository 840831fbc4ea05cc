import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeManifest } from '../../../engines/dbt/artifacts/manifest.js';
import { publishEnvironment, suffixOf } from '../../../engines/dbt/environments.js';
import { PreviousState } from '../../../engines/dbt/state/previous.js';
import { loadTransform, readTransform } from '../../../engines/dbt/transform.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import { context, openMemory, putFiles, runPlan, writeProject, type Files } from './project.js';

const FILES: Files = {
  'seeds/raw.csv': 'id,amount\n1,10\n2,20\n',
  'models/stg.sql': "select * from {{ ref('raw') }}",
  'models/orders.sql': "{{ config(materialized='table') }}select id, amount from {{ ref('stg') }}",
  'models/totals.sql': "{{ config(schema='marts') }}select sum(amount) as total from {{ ref('orders') }}",
  'models/other.sql': "{{ config(materialized='table') }}select count(*) as n from {{ ref('stg') }}",
  'models/m.yml': 'models: [{name: orders, columns: [{name: id, tests: [not_null]}]}]',
};
const DBT = { audit: false, ledger: false, reuse: false } as const;

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-environment-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function production(dir: string, warehouse: Warehouse): Promise<string> {
  await runPlan(await loadTransform(context(dir, warehouse, DBT)));
  const state = folder();
  writeManifest(readTransform({ ...context(dir, warehouse), select: false }).environment, state);
  return state;
}

/** Builds `pr-12`. @returns what ran, and the folder of its artifacts */
async function build(
  dir: string,
  warehouse: Warehouse,
  state: string,
): Promise<{ ran: string; built: string }> {
  const flags = { environment: 'pr-12', state };
  const transform = await loadTransform(context(dir, warehouse, { ...DBT, run: 'pr', flags }));
  const statuses = await runPlan(transform);
  const built = folder();
  writeManifest(transform.environment, built);
  const results = transform
    .plan()
    .nodes.map(({ id, name }) => ({ unique_id: id, status: statuses[name] ?? 'skipped' }));
  const metadata = { dbt_schema_version: 'https://schemas.getdbt.com/dbt/run-results/v6.json' };
  writeFileSync(join(built, 'run_results.json'), JSON.stringify({ metadata, results }));
  return { ran: Object.keys(statuses).sort().join(' '), built };
}

const publish = (dir: string, warehouse: Warehouse, built: string) => {
  const { environment } = readTransform({ ...context(dir, warehouse, { run: 'publish' }), select: false });
  return publishEnvironment({ warehouse, environment }, 'pr-12', new PreviousState(built));
};
const schemas = async (warehouse: Warehouse): Promise<string> =>
  (
    await warehouse.query<{ name: string }>(
      "select schema_name || '.' || table_name as name from duckdb_tables() union all select schema_name || '.' || view_name from duckdb_views() where not internal order by 1",
    )
  )
    .map(({ name }) => name)
    .join(' ');

test('an environment builds what changed and what reads it, and production stays as it is', async () => {
  const dir = writeProject(FILES);
  const warehouse = await openMemory();
  const state = await production(dir, warehouse);
  putFiles(dir, {
    'models/orders.sql':
      FILES['models/orders.sql']?.replace('amount from', '2 * amount as amount from') ?? '',
  });
  const { ran, built } = await build(dir, warehouse, state);
  expect(ran).toBe('not_null_orders_id orders totals');
  expect(await schemas(warehouse)).toBe(
    'main.orders main.other main.raw main.stg main__pr_12.orders main_marts.totals main_marts__pr_12.totals',
  );
  expect(await warehouse.query('select total::int as total from main_marts.totals')).toEqual([{ total: 30 }]);
  expect(await warehouse.query('select total::int as total from main_marts__pr_12.totals')).toEqual([
    { total: 60 },
  ]);

  const { published } = await publish(dir, warehouse, built);
  expect(published).toEqual(['model.shop.orders', 'model.shop.totals']);
  expect(await warehouse.query('select total::int as total from main_marts.totals')).toEqual([{ total: 60 }]);
  expect(await schemas(warehouse)).toBe('main.orders main.other main.raw main.stg main_marts.totals');
});

test('nothing is built where nothing has changed', async () => {
  const dir = writeProject(FILES);
  const warehouse = await openMemory();
  const state = await production(dir, warehouse);
  expect((await build(dir, warehouse, state)).ran).toBe('');
});

test('an environment with a failed test is not published', async () => {
  const dir = writeProject(FILES);
  const warehouse = await openMemory();
  const state = await production(dir, warehouse);
  putFiles(dir, { 'models/orders.sql': "{{ config(materialized='table') }}select null as id, 1 as amount" });
  const { built } = await build(dir, warehouse, state);
  await expect(publish(dir, warehouse, built)).rejects.toThrow(/'pr-12' is not clean: .*not_null_orders_id/);
  expect(await warehouse.query('select total::int as total from main_marts.totals')).toEqual([{ total: 30 }]);
});

test('a publication that fails in its middle changes nothing', async () => {
  const dir = writeProject(FILES);
  const warehouse = await openMemory();
  const state = await production(dir, warehouse);
  putFiles(dir, { 'models/orders.sql': "{{ config(materialized='table') }}select 1 as id, 5 as amount" });
  const { built } = await build(dir, warehouse, state);
  await warehouse.run('drop view main_marts__pr_12.totals');
  await expect(publish(dir, warehouse, built)).rejects.toThrow(
    /model\.shop\.totals: there is no .* to publish/,
  );
  expect(await warehouse.query('select count(*)::int as n from main.orders')).toEqual([{ n: 2 }]);
  expect(await schemas(warehouse)).toContain('main__pr_12.orders');
});

test('names of environments become the ends of schemas', () => {
  expect(suffixOf('PR-12')).toBe('__pr_12');
  expect(() => suffixOf('--')).toThrow(/no name for an environment/);
});
