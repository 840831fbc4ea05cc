import { afterAll, expect, test } from 'vitest';
import { dbtWorkflow } from '../../support/dbt-workflow.js';
import { withFaults } from '../../support/shop-run.js';
import { makeTransform } from '../../support/transform-project.js';

const project = makeTransform({
  'dbt_project.yml': `name: transforming
on-run-end: ["select nothing", "create table main.ended as select 1 as id"]\n`,
  'models/a.sql': 'select nothing',
  'models/b.sql': "{{ config(materialized='table') }} select 1 as id",
  'models/c.sql': "select * from {{ ref('b') }}",
});
afterAll(() => project.remove());

test('as a workflow, fail-fast starts nothing after a failure, and a hook that fails leaves out the hooks after it', async () => {
  const target = { name: 'dev', threads: 1 };
  await withFaults(project.root, [], async (stack) => {
    const fast = await dbtWorkflow(stack, project.root, { flags: { failFast: true }, target });
    expect([...fast.records.keys()].sort()).toEqual([
      'model.transforming.a',
      'operation.transforming.transforming-on-run-end-0',
    ]);
    const whole = await dbtWorkflow(stack, project.root, { target });
    const statuses = [...whole.records].map(([id, { result }]) => [id.split('.').at(-1), result.status]);
    expect(Object.fromEntries(statuses)).toEqual({
      ...{ a: 'error', b: 'success', c: 'success' },
      'transforming-on-run-end-0': 'error',
    });
  });
  expect(await project.read("select table_name from duckdb_tables() where schema_name <> 'main'")).toEqual(
    [],
  );
});
