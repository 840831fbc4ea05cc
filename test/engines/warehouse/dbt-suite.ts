import { describe, expect, test } from 'vitest';
import type { TransformContext } from '../../../engines/dbt/transform.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import { context, putFiles, runAll, writeProject, type Files } from '../dbt/project.js';

const PROJECT: Files = {
  'seeds/raw_orders.csv': 'id,customer,amount,changed_at\n1,ann,10.50,2024-01-01\n2,bob,20.00,2024-01-02\n',
  'seeds/properties.yml':
    'version: 2\nseeds:\n  - name: raw_orders\n    config:\n      column_types: {id: integer, customer: varchar(20), amount: "decimal(10,2)", changed_at: date}\n',
  'models/stg_orders.sql':
    "{{ config(materialized='view') }}\nselect id, customer, amount, changed_at from {{ ref('raw_orders') }}",
  'models/customers.sql':
    "{{ config(materialized='table') }}\nselect customer, sum(amount) as total, count(*) as orders from {{ ref('stg_orders') }} group by customer",
  'models/merged.sql': incremental('merge'),
  'models/replaced.sql': incremental('delete+insert'),
  'models/added.sql': incremental('append'),
  'models/dates.sql': `{{ config(materialized='table') }}
    select {{ dbt.dateadd('day', 1, "cast('2024-01-31' as date)") }} as next_day,
      {{ dbt.datediff("cast('2024-01-31' as date)", "cast('2024-03-01' as date)", 'month') }} as months,
      {{ dbt.concat(["'a'", "'b'"]) }} as words,
      {{ dbt.split_part("'a|b|c'", "'|'", 2) }} as part,
      {{ dbt.safe_cast("'7'", dbt.type_int()) }} as seven`,
  'models/schema.yml': `version: 2
models:
  - name: customers
    description: "Who buys, and how much; it's summed"
    columns:
      - name: customer
        description: their name
        data_tests: [unique, not_null]
      - name: total
        data_tests:
          - accepted_values: {arguments: {values: [10.50, 20.00, 25.00, 30.00, 5.00], quote: false}}
`,
  'snapshots/history.yml': `snapshots:
  - name: history
    relation: ref('raw_orders')
    config: {unique_key: id, strategy: check, check_cols: [amount]}
`,
};

function incremental(strategy: string): string {
  return `{{ config(materialized='incremental', incremental_strategy='${strategy}', unique_key='id') }}
select id, customer, amount, changed_at from {{ ref('stg_orders') }}
{% if is_incremental() %} where changed_at >= (select max(changed_at) from {{ this }}) {% endif %}`;
}

/** A dbt project on a warehouse: what is built, and what a second run with changed rows makes of it. */
export function testDbtProject(name: string, open: () => Promise<Warehouse>): void {
  describe(name, () => {
    test('builds a dbt project, and brings it up to date with its macros of the adapter', async () => {
      const warehouse = await open();
      try {
        const dir = writeProject(PROJECT);
        const given = (run: string): TransformContext =>
          context(dir, warehouse, { schema: 'shop', run, audit: false, ledger: false });
        const first = await runAll(given('r1'));
        expect(new Set(Object.values(first))).toEqual(new Set(['success', 'pass']));
        const rows = async (sql: string): Promise<unknown[][]> =>
          (await warehouse.query(sql)).map((row) => Object.values(row).map(String));
        expect(await rows('select customer, total from shop.customers order by customer')).toEqual([
          ['ann', '10.50'],
          ['bob', '20.00'],
        ]);
        expect((await rows('select next_day, months, words, part, seven from shop.dates')).flat()).toEqual([
          expect.stringContaining('2024-02-01'),
          ...['2', 'ab', 'b', '7'],
        ]);

        putFiles(dir, {
          'seeds/raw_orders.csv':
            'id,customer,amount,changed_at\n1,ann,10.50,2024-01-01\n2,bob,25.00,2024-01-03\n3,cem,5.00,2024-01-03\n',
        });
        const second = await runAll(given('r2'));
        expect(new Set(Object.values(second))).toEqual(new Set(['success', 'pass']));
        const current = [
          ['1', 'ann', '10.50'],
          ['2', 'bob', '25.00'],
          ['3', 'cem', '5.00'],
        ];
        for (const model of ['merged', 'replaced'])
          expect(await rows(`select id, customer, amount from shop.${model} order by id`)).toEqual(current);
        expect(await rows('select id, amount from shop.added order by id, amount')).toEqual([
          ['1', '10.50'],
          ['2', '20.00'],
          ['2', '25.00'],
          ['3', '5.00'],
        ]);
        expect(
          await rows(
            'select id, amount, case when dbt_valid_to is null then 1 else 0 end as is_current from shop.history order by id, amount',
          ),
        ).toEqual([
          ['1', '10.50', '1'],
          ['2', '20.00', '0'],
          ['2', '25.00', '1'],
          ['3', '5.00', '1'],
        ]);
      } finally {
        await warehouse.close();
      }
    });

    test('keeps what is published when a test fails, and reuses what is current', async () => {
      const warehouse = await open();
      try {
        const dir = writeProject(AUDITED);
        const run = (id: string, high: number): Promise<Record<string, string>> =>
          runAll(context(dir, warehouse, { schema: 'audited', run: id, vars: { high } }));
        const rows = async (): Promise<string[][]> =>
          Promise.all(
            ['numbers', 'grown', 'shown'].map(async (name) =>
              (await warehouse.query(`select n from audited.${name} order by n`)).map(({ n }) => String(n)),
            ),
          );
        expect(new Set(Object.values(await run('r1', 2)))).toEqual(new Set(['success', 'pass']));
        expect(await rows()).toEqual([
          ['1', '2'],
          ['1', '2'],
          ['1', '2'],
        ]);
        expect(new Set(Object.values(await run('r2', 2)))).toEqual(new Set(['reused']));
        const failed = await run('r3', 9);
        expect(failed).toMatchObject({ numbers: 'success', few_numbers: 'fail' });
        expect(await rows()).toEqual([
          ['1', '2'],
          ['1', '2'],
          ['1', '2'],
        ]);
        expect(new Set(Object.values(await run('r4', 3)))).toEqual(new Set(['success', 'pass']));
        expect(await rows()).toEqual([
          ['1', '2', '3'],
          ['1', '2', '3'],
          ['1', '2', '3'],
        ]);
        const left = (await warehouse.relations({ schema: 'audited' })).map(({ name }) => name.toLowerCase());
        // of the run that failed, for its reader to look at
        expect(left.filter((name) => !name.includes('__audit_')).sort()).toEqual([
          'grown',
          'numbers',
          'shown',
        ]);
      } finally {
        await warehouse.close();
      }
    });
  });
}

const AUDITED: Files = {
  'models/numbers.sql': `{{ config(materialized='table') }}
    {% for n in range(1, var('high') + 1) %}select {{ n }} as n{% if not loop.last %} union all {% endif %}{% endfor %}`,
  'models/grown.sql': `{{ config(materialized='incremental', unique_key='n', incremental_strategy='delete+insert') }}
    select n from {{ ref('numbers') }}`,
  'models/shown.sql': `{{ config(materialized='view') }} select n from {{ ref('grown') }}`,
  'models/schema.yml': `version: 2
models:
  - name: numbers
    columns: [{name: n, data_tests: [{few: {name: few_numbers}}]}]
  - name: grown
    columns: [{name: n, data_tests: [{not_null: {name: no_null}}, {unique: {name: no_two}}]}]
  - name: shown
    columns: [{name: n, data_tests: [{not_null: {name: nothing_hidden}}]}]
`,
  'tests/generic/few.sql': `{% test few(model, column_name) %}
    select {{ column_name }} from {{ model }} where {{ column_name }} > 5
  {% endtest %}`,
};
