import { expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import { context, openMemory, runAll, writeProject } from './project.js';

test('tests get the names and ids that dbt gives them', async () => {
  // ids as dbt-core 1.10 made them for the same project
  const dir = writeProject({
    'dbt_project.yml': 'name: checks\n',
    'models/people_clean.sql': 'select 1 as id, 2 as team_id, 3 as age',
    'macros/generic.sql': `{% test row_count_between(model, low=0, high=none) %}
{{ config(fail_calc='coalesce(sum(off), 0)', tags=['counts']) }}
select 0 as off from {{ model }} limit {{ low }}
{% endtest %}`,
    'models/schema.yml': `
models:
  - name: people_clean
    data_tests:
      - row_count_between:
          arguments: {low: 3, high: 10}
    columns:
      - name: id
        data_tests: [unique, not_null]
      - name: team_id
        data_tests:
          - accepted_values:
              arguments: {values: [1, 2, 9], quote: false}
      - name: age
        data_tests:
          - not_null:
              name: age_not_null_where
              config: {where: "name <> 'Cy'"}
`,
  });
  const { nodes } = (await loadTransform(context(dir, await openMemory()))).plan();
  expect(nodes.map(({ id }) => id).sort()).toEqual([
    'model.checks.people_clean',
    'test.checks.accepted_values_people_clean_team_id__False__1__2__9.1d4b3c7da8',
    'test.checks.age_not_null_where.65152a05ba',
    'test.checks.not_null_people_clean_id.cddce3d3dd',
    'test.checks.row_count_between_people_clean_10__3.87e024d41a',
    'test.checks.unique_people_clean_id.49b8014f60',
  ]);
});

test('configuration comes from the project, then the YAML, then the file, and tags add up', async () => {
  const dir = writeProject({
    'dbt_project.yml': `
name: shop
models:
  shop:
    +materialized: table
    +tags: base
    marts:
      +materialized: "{{ 'view' if target.name == 'dev' else 'table' }}"
      +schema: marts
`,
    'models/plain.sql': 'select 1 as a',
    'models/marts/one.sql': "{{ config(tags=['own'], alias='uno') }}select 1 as a",
    'models/marts/two.sql': 'select 2 as a',
    'models/s.yml': 'models:\n  - name: two\n    config: {materialized: table, tags: [yml]}',
  });
  const warehouse = await openMemory();
  const named = async (select: string): Promise<string[]> =>
    (await loadTransform(context(dir, warehouse, { select }))).plan().nodes.map(({ name }) => name);
  expect(await named('config.materialized:table')).toEqual(['plain', 'two']);
  expect(await named('tag:base')).toHaveLength(3);
  expect(await named('tag:own')).toEqual(['one']);
  expect(await named('tag:yml')).toEqual(['two']);
  await runAll(context(dir, warehouse));
  expect((await warehouse.describe({ schema: 'main_marts', name: 'uno' }))?.type).toBe('view');
  expect((await warehouse.describe({ schema: 'main_marts', name: 'two' }))?.type).toBe('table');
});

test('ephemeral models become common tables, before those that the query has', async () => {
  const dir = writeProject({
    'models/base.sql': "{{ config(materialized='ephemeral') }}select 1 as id",
    'models/next.sql': "{{ config(materialized='ephemeral') }}select id + 1 as id from {{ ref('base') }}",
    'models/top.sql':
      "-- a note\nwith own as (select * from {{ ref('next') }}) select own.id, b.id as b from own, {{ ref('base') }} b",
  });
  const warehouse = await openMemory();
  expect(await runAll(context(dir, warehouse))).toEqual({ top: 'success' });
  expect(await warehouse.query('select * from top')).toEqual([{ id: 2, b: 1 }]);
  const transform = await loadTransform(context(dir, warehouse));
  expect((await transform.compile('model.shop.top')).replace(/\s+/g, ' ')).toBe(
    '-- a note with __dbt__cte__base as ( select 1 as id ), __dbt__cte__next as ( select id + 1 as id from __dbt__cte__base ), ' +
      'own as (select * from __dbt__cte__next) select own.id, b.id as b from own, __dbt__cte__base b',
  );
});

test('seeds get their types from their values, and models may query them while they render', async () => {
  const dir = writeProject({
    'seeds/letters.csv':
      'letter,n,price,day,ok,note\na,1,1.5,2024-01-01,true,"x, ""y"""\nb,2,2,2024-02-29,FALSE,\n',
    'models/wide.sql': `{{ config(materialized='table') }}
{%- set letters = run_query('select letter from ' ~ ref('letters') ~ ' order by 1').columns[0].values() if execute else [] %}
select {% for l in letters %}sum(n) filter (letter = '{{ l }}') as n_{{ l }},{% endfor %} count(*) as rows from {{ ref('letters') }}`,
  });
  const warehouse = await openMemory();
  expect(await runAll(context(dir, warehouse))).toEqual({ letters: 'success', wide: 'success' });
  expect(
    (await warehouse.describe({ schema: 'main', name: 'letters' }))?.columns.map(({ type }) => type),
  ).toEqual([...['VARCHAR', 'INTEGER', 'DOUBLE', 'DATE', 'BOOLEAN', 'VARCHAR']]);
  expect(await warehouse.query('select note from letters order by n')).toEqual([
    { note: 'x, "y"' },
    { note: null },
  ]);
  expect(await warehouse.query('select * from wide')).toEqual([{ n_a: 1, n_b: 2, rows: 2 }]);
});

test('a large project is read in a second', async () => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 200; i++)
    files[`models/m${i}.sql`] =
      i < 20
        ? `select ${i} as id`
        : `{{ config(tags=['t']) }}select * from {{ ref('m${i - 20}') }} union all select * from {{ ref('m${i - 19}') }}`;
  files['models/s.yml'] =
    `models:\n${Array.from({ length: 100 }, (_, i) => `  - name: m${i}\n    columns: [{name: id, tests: [not_null]}]`).join('\n')}`;
  const dir = writeProject(files);
  const warehouse = await openMemory();
  const start = performance.now();
  const transform = await loadTransform(context(dir, warehouse));
  expect(transform.plan().nodes).toHaveLength(300);
  expect(performance.now() - start).toBeLessThan(1000);
  const again = performance.now();
  await loadTransform(context(dir, warehouse));
  expect(performance.now() - again).toBeLessThan(100);
});
