import { expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import { context, openMemory, runAll, runPlan, writeProject } from './project.js';

const FILES = {
  'dbt_project.yml': 'name: shop\n',
  'models/a.sql': "{{ config(materialized='table') }} select {{ var('n', 1) }} as n",
};

test('what a run without a ledger of its own builds is noted in the one that a pipeline keeps', async () => {
  const warehouse = await openMemory();
  const dir = writeProject(FILES);
  const pipeline = (run: string) => runAll(context(dir, warehouse, { run }));
  expect(await pipeline('run-1')).toEqual({ a: 'success' });
  const other = { run: 'by-hand', vars: { n: 2 }, ledger: false, audit: false, reuse: false } as const;
  await runPlan(await loadTransform(context(dir, warehouse, other)));
  // not reused: the relation holds something else by now
  expect(await pipeline('run-2')).toEqual({ a: 'success' });
  expect(await warehouse.query('select n from main.a')).toEqual([{ n: 1 }]);
});

test('a ledger of an older version is taken over with what it knows', async () => {
  const warehouse = await openMemory();
  const dir = writeProject(FILES);
  expect(await runAll(context(dir, warehouse))).toEqual({ a: 'success' });
  for (const table of ['relations', 'audits'])
    await warehouse.run(`alter table millrace.${table} rename column row_count to rows`);
  // a worker that has just started has not looked at the ledger yet
  const { prepareLedger } = await import('../../../engines/dbt/ledger.js');
  await prepareLedger(bound(warehouse), 'run-2');
  expect(await runAll(context(dir, warehouse, { run: 'run-2' }))).toEqual({ a: 'reused' });
});

test('a run that ends leaves the ledger to those that go on, and the last one takes it along', async () => {
  const warehouse = await openMemory();
  const dir = writeProject(FILES);
  const begin = (run: string) =>
    loadTransform(context(dir, warehouse, { run, audit: false, reuse: false, vars: { run } }));
  const [first, second] = [await begin('first'), await begin('second')];
  expect(await runPlan(first)).toEqual({ a: 'success' });
  // the second one has built nothing so far
  await first.forget();
  expect(await runPlan(second)).toEqual({ a: 'success' });
  await second.forget();
  const schemas = await warehouse.query(
    "select schema_name from information_schema.schemata where schema_name = 'millrace'",
  );
  expect(schemas).toEqual([]);
});

test('a project that cannot be read leaves no ledger', async () => {
  const warehouse = await openMemory();
  const dir = writeProject({ ...FILES, 'models/b.sql': "select * from {{ ref('nothing') }}" });
  await expect(loadTransform(context(dir, warehouse))).rejects.toMatchObject({ type: 'RefNotFound' });
  expect(await warehouse.relations({ schema: 'millrace' })).toEqual([]);
});

/** the same warehouse under another identity */
const bound = <T extends object>(warehouse: T): T =>
  new Proxy(warehouse, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
