import { expect, test } from 'vitest';
import { context, openMemory, runAll, writeProject } from './project.js';

test('a materialization puts a new relation in place of the old one by the macros of dbt', async () => {
  const warehouse = await openMemory();
  const dir = writeProject({
    'macros/swap.sql': `
{% materialization swap, default %}
  {%- set old = load_cached_relation(this) -%}
  {%- set new = this.incorporate(type='table') -%}
  {% call statement('main') -%}
    {{ get_create_sql(new, sql) if old is none else get_replace_sql(old, new, sql) }}
  {%- endcall %}
  {{ adapter.commit() }}
  {{ return({'relations': [new]}) }}
{% endmaterialization %}`,
    'models/prices.sql': "{{ config(materialized='swap') }} select {{ var('price') }} as price",
  });
  const given = context(dir, warehouse, { audit: false, ledger: false });
  for (const price of [1, 2])
    expect(await runAll({ ...given, vars: { price } })).toEqual({ prices: 'success' });
  expect(await warehouse.query('select price from prices')).toEqual([{ price: 2 }]);
});

test("a project's own version of a generic test is used by the test of that name", async () => {
  const dir = writeProject({
    'macros/unique.sql':
      '{% macro default__test_unique(model, column_name) %}select 1 from {{ model }} where false{% endmacro %}',
    'models/twice.sql': 'select 1 as id union all select 1',
    'models/models.yml': 'models: [{name: twice, columns: [{name: id, data_tests: [unique]}]}]',
  });
  const given = context(dir, await openMemory(), { audit: false, ledger: false });
  expect(await runAll(given)).toEqual({ twice: 'success', unique_twice_id: 'pass' });
});
