import { describe, expect, test } from 'vitest';
import { unitDiff } from '../../../engines/dbt/run/unit-diff.js';
import { loadTransform } from '../../../engines/dbt/transform.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { NodeResult } from '../../../schemas/transform.js';
import { context, openMemory, runAll, writeProject, type Files } from './project.js';

const MODELS: Files = {
  'models/sources.yml':
    'sources: [{name: raw, tables: [{name: t, columns: [{name: id, data_type: integer}]}]}]',
  'models/base.sql': "select 1 as id, 'a' as v, 1.5 as w",
  'models/eph.sql': "{{ config(materialized='ephemeral') }} select id, v from {{ ref('base') }}",
  'models/m.sql':
    "select id, upper(v) as v, '{{ label() }}' as label from {{ ref('eph') }} where id < {{ var('most', 100) }}",
  'models/inc.sql': `{{ config(materialized='incremental') }}
select id from {{ source('raw', 't') }}
{% if is_incremental() %} where id > (select max(id) from {{ this }}){% endif %}`,
  'macros/label.sql': "{% macro label() %}{{ return('real') }}{% endmacro %}",
};

let runs = 0;
/** Runs one unit test of the model, described as YAML. */
async function unit(warehouse: Warehouse, model: string, text: string): Promise<NodeResult> {
  const yaml = `unit_tests:\n  - name: u\n    model: ${model}\n${text.replace(/^/gm, '    ')}`;
  const dir = writeProject({ ...MODELS, 'models/units.yml': yaml });
  const given = context(dir, warehouse, { run: `unit-${++runs}`, ledger: false, audit: false });
  return (await (await loadTransform(given)).run(`unit_test.shop.${model}.u`)).result;
}
async function withBase(): Promise<Warehouse> {
  const warehouse = await openMemory();
  await warehouse.run("create table base as select 1 as id, 'a' as v, 1.5 as w");
  return warehouse;
}

describe('a unit test', () => {
  test('takes types from the query of an ephemeral input, and says what differs', async () => {
    const result = await unit(
      await withBase(),
      'm',
      `given: [{input: ref('eph'), rows: [{id: 1, v: x}, {id: 2, v: y}, {id: 3, v: y}]}]
expect: {rows: [{id: 1, v: X}, {id: 2, v: Z}, {id: 9, v: Q}]}`,
    );
    expect(result).toMatchObject({ status: 'fail', failures: 1 });
    expect(result.message?.split('\n')).toEqual([
      'actual differs from expected:',
      '',
      '@@  | id | v',
      '→   | 2  | Z→Y',
      '--- | 9  | Q',
      '+++ | 3  | Y',
      '',
      '1 of 3 expected rows are there, the model gave 3',
    ]);
  });

  test('replaces macros, variables and environment, also by the names of their packages', async () => {
    const result = await unit(
      await withBase(),
      'm',
      `overrides: {macros: {shop.label: other, label: mine}, vars: {most: 2}}
given: [{input: ref('eph'), format: sql, rows: "select {{ 1 }} as id, 'x' as v union all select 2, 'y'"}]
expect: {format: sql, rows: "select 1 as id, 'X' as v, 'mine' as label"}`,
    );
    expect(result).toMatchObject({ status: 'pass', failures: 0 });
  });

  test('of an incremental model needs no table, neither the model’s nor the source’s', async () => {
    const warehouse = await openMemory();
    await warehouse.run('create schema raw; create table raw.t (id integer)');
    const first = await unit(
      warehouse,
      'inc',
      `overrides: {macros: {is_incremental: false}}
given: [{input: "source('raw', 't')", rows: [{id: 1}, {id: 2}]}]
expect: {rows: [{id: 2}, {id: 1}]}`,
    );
    expect(first.status).toBe('pass');
    const next = await unit(
      warehouse,
      'inc',
      `overrides: {macros: {is_incremental: true}}
given:
  - {input: "source('raw', 't')", rows: [{id: 1}, {id: 2}]}
  - {input: this, rows: [{id: 1}]}
expect: {rows: [{id: 2}]}`,
    );
    expect(next.status).toBe('pass');
  });

  test.each([
    [`given: []\nexpect: {rows: []}`, "gives no rows for ref('eph')"],
    [
      `given: [{input: ref('eph'), rows: [{ident: 1}]}]\nexpect: {rows: []}`,
      "Accepted columns for 'eph' are: id, v",
    ],
    [
      `given: [{input: ref('eph'), rows: [{id: 1}]}]\nexpect: {rows: [{wrong: 1}]}`,
      'Accepted columns for expected output are: id, v, label',
    ],
    [
      `given: [{input: ref('eph'), rows: [{id: one}]}]\nexpect: {rows: []}`,
      "An error occurred during execution of unit test 'u'",
    ],
  ])('that is wrong says so: %s', async (text, message) => {
    await expect(unit(await withBase(), 'm', text)).rejects.toThrow(message);
  });

  test('that fails keeps its model from being built, in a pipeline too', async () => {
    const warehouse = await openMemory();
    const dir = writeProject({
      'models/a.sql': 'select 1 as id',
      'models/b.sql': "select id + 1 as id from {{ ref('a') }}",
      'models/u.yml': `unit_tests:
  - {name: u, model: b, given: [{input: ref('a'), rows: [{id: 1}]}], expect: {rows: [{id: 3}]}}`,
    });
    expect(await runAll(context(dir, warehouse))).toEqual({ a: 'success', u: 'fail' });
  });
});

describe('the difference of two tables', () => {
  test('counts equal rows, whatever their order', () => {
    expect(unitDiff(['a'], { actual: [[1], [2], [2]], expected: [[2], [1], [2]] })).toBeNull();
    expect(unitDiff(['a'], { actual: [[1]], expected: [[1], [1]] })).toContain('--- | 1');
  });

  test('tells fifty rows and how many more there are', () => {
    const actual = Array.from({ length: 80 }, (_, index) => [index]);
    const text = unitDiff(['a'], { actual, expected: [] }) ?? '';
    expect(text.split('\n').filter((line) => line.startsWith('+++'))).toHaveLength(50);
    expect(text).toContain('and 30 more');
  });
});
