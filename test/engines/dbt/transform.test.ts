import { describe, expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import { context, openMemory, putFiles, runAll, writeProject } from './project.js';

const SHOP = {
  'models/staging/stg_orders.sql': "select id, customer, amount from {{ source('raw', 'orders') }}",
  'models/customers.sql': `{{ config(materialized='table') }}
select customer, sum(amount) as total from {{ ref('stg_orders') }} group by customer`,
  'models/report.sql':
    "select count(*) as customers, '{{ interval_start[:10] }}' as day from {{ ref('customers') }}",
  'models/schema.yml': `
version: 2
sources:
  - name: raw
    tables:
      - name: orders
models:
  - name: customers
    columns:
      - name: customer
        data_tests: [unique, not_null]
      - name: total
        data_tests:
          - not_null:
              config: {severity: warn}
`,
  'tests/no_debts.sql': "select * from {{ ref('customers') }} where total < 0",
};
const RAW =
  "create schema raw; create table raw.orders as select * from (values (1, 'ann', 5), (2, 'bob', 7), (3, 'ann', 1)) t(id, customer, amount)";
const sources = { 'raw.orders': { relation: { schema: 'raw', name: 'orders' }, key: 'v1' } };

describe('a transform', () => {
  test('plans nodes after their parents, with blocking tests beside their model', async () => {
    const warehouse = await openMemory();
    const plan = (await loadTransform(context(writeProject(SHOP), warehouse, { sources }))).plan();
    const index = Object.fromEntries(plan.nodes.map(({ name }, at) => [name, at]));
    const customers = plan.nodes[index['customers'] ?? -1];
    expect(customers).toMatchObject({ id: 'model.shop.customers', kind: 'model', materialized: 'table' });
    expect(customers?.parents).toEqual([index['stg_orders']]);
    expect(customers?.audits?.map((at) => plan.nodes[at]?.name).sort()).toEqual([
      'no_debts',
      'not_null_customers_customer',
      'unique_customers_customer',
    ]);
    expect(plan.nodes[index['report'] ?? -1]?.parents).toEqual([index['customers']]);
    expect(plan.nodes[index['not_null_customers_total'] ?? -1]).toMatchObject({
      severity: 'warn',
      parents: [index['customers']],
    });
    expect(plan.mermaid).toContain('"customers"');
    for (const [at, { parents }] of plan.nodes.entries())
      for (const parent of parents) expect(parent).toBeLessThan(at);
  });

  test('builds, tests and publishes, and does nothing more until something changes', async () => {
    const warehouse = await openMemory();
    await warehouse.run(RAW);
    const dir = writeProject(SHOP);
    const first = await runAll(context(dir, warehouse, { sources }));
    expect(first).toEqual({
      stg_orders: 'success',
      customers: 'success',
      report: 'success',
      no_debts: 'pass',
      unique_customers_customer: 'pass',
      not_null_customers_customer: 'pass',
      not_null_customers_total: 'pass',
    });
    expect(await warehouse.query('select * from customers order by 1')).toEqual([
      { customer: 'ann', total: 6 },
      { customer: 'bob', total: 7 },
    ]);
    expect(await warehouse.query('select * from report')).toEqual([{ customers: 2, day: '2024-03-01' }]);

    const second = await runAll(context(dir, warehouse, { sources, run: 'run-2' }));
    expect(new Set(Object.values(second))).toEqual(new Set(['reused']));

    putFiles(dir, { 'models/report.sql': "select count(*) + 0 as customers from {{ ref('customers') }}" });
    const third = await runAll(context(dir, warehouse, { sources, run: 'run-3' }));
    expect(Object.entries(third).filter(([, status]) => status !== 'reused')).toEqual([
      ['report', 'success'],
    ]);

    const newData = { 'raw.orders': { ...sources['raw.orders'], key: 'v2' } };
    const fourth = await runAll(context(dir, warehouse, { sources: newData, run: 'run-4' }));
    expect(fourth).toMatchObject({
      stg_orders: 'success',
      customers: 'success',
      report: 'success',
      no_debts: 'pass',
    });
    expect(
      await warehouse.query(
        "select table_name as n from information_schema.tables where table_name like '%audit%' and table_schema <> 'millrace'",
      ),
    ).toEqual([]);
  });

  test('keeps the old rows when a blocking test fails, and skips what is below', async () => {
    const warehouse = await openMemory();
    await warehouse.run(RAW);
    const dir = writeProject(SHOP);
    await runAll(context(dir, warehouse, { sources }));
    await warehouse.run("insert into raw.orders values (4, 'eve', -3)");
    const newData = { 'raw.orders': { ...sources['raw.orders'], key: 'v2' } };
    const statuses = await runAll(context(dir, warehouse, { sources: newData, run: 'run-2' }));
    expect(statuses).toMatchObject({ customers: 'success', no_debts: 'fail' });
    expect(statuses).not.toHaveProperty('report');
    expect(await warehouse.query('select count(*) as n from customers')).toEqual([{ n: 2 }]);

    await warehouse.run(
      "delete from raw.orders where customer = 'eve'; insert into raw.orders values (4, 'eve', 3)",
    );
    const mended = { 'raw.orders': { ...sources['raw.orders'], key: 'v3' } };
    await runAll(context(dir, warehouse, { sources: mended, run: 'run-3' }));
    expect(await warehouse.query('select count(*) as n from customers')).toEqual([{ n: 3 }]);
  });

  test('publishes once, however often and by whomever it is asked', async () => {
    const warehouse = await openMemory();
    await warehouse.run(RAW);
    const given = context(writeProject(SHOP), warehouse, { sources });
    const [one, other] = [await loadTransform(given), await loadTransform(given)];
    await one.run('model.shop.stg_orders');
    const [a, b] = await Promise.all([one.run('model.shop.customers'), other.run('model.shop.customers')]);
    expect(a.result.key).toBe(b.result.key);
    const published = await Promise.all([
      one.publish('model.shop.customers'),
      other.publish('model.shop.customers'),
    ]);
    expect(published.map(({ status }) => status)).toEqual(['success', 'success']);
    expect((await one.publish('model.shop.customers')).key).toBe(a.result.key);
    expect((await other.run('model.shop.customers')).result.status).toBe('success');
    const later = await loadTransform({ ...given, run: 'run-2' });
    expect((await later.run('model.shop.customers')).result.status).toBe('reused');
  });
});

test('seeds begin before tests of sources, which may read what the seeds bring', async () => {
  const dir = writeProject({
    'seeds/raw_orders.csv': 'id\n1\n',
    'seeds/zones.csv': 'id\n1\n',
    'models/sources.yml': `sources:
  - name: raw
    schema: main
    tables: [{ name: raw_orders, columns: [{ name: id, data_tests: [unique] }] }]
`,
    'models/orders.sql': "select * from {{ source('raw', 'raw_orders') }}",
  });
  const transform = await loadTransform(context(dir, await openMemory(), { audit: false }));
  expect(transform.plan().nodes.map(({ name }) => name)).toEqual([
    ...['raw_orders', 'zones', 'source_unique_raw_raw_orders_id', 'orders'],
  ]);
});
