import { describe, expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { DbtFlags } from '../../../schemas/dbt.js';
import type { NodeResult } from '../../../schemas/transform.js';
import { context, openMemory, runAll, writeProject } from './project.js';

const MODEL = { 'models/m.sql': 'select * from (values (1), (2), (2), (null)) t(id)' };

let runs = 0;
/** Runs the test `t`, whose config is given as YAML, as `millrace dbt test` does. */
async function check(
  warehouse: Warehouse,
  config: string,
  flags: DbtFlags = {},
  sql = "select * from {{ ref('m') }} where id > 1",
): Promise<NodeResult> {
  const dir = writeProject({ ...MODEL, 'tests/t.sql': `{{ config(${config}) }}${sql}` });
  const given = context(dir, warehouse, {
    ...{ run: `test-${++runs}`, ledger: false, audit: false, command: 'test', flags },
  });
  const transform = await loadTransform(given);
  await transform.run('model.shop.m');
  return (await transform.run('test.shop.t')).result;
}

describe('a test', () => {
  test.each([
    ['', {}, 'fail', 2, 'Got 2 results, configured to fail if != 0'],
    ["severity='warn'", {}, 'warn', 2, 'Got 2 results, configured to warn if != 0'],
    ["severity='warn'", { warnError: true }, 'fail', 2, 'Got 2 results, configured to fail if != 0'],
    [
      "severity='warn'",
      { warnError: ['LogTestResult'] },
      'fail',
      2,
      'Got 2 results, configured to fail if != 0',
    ],
    [
      "severity='warn'",
      { warnError: ['NoNodesSelected'] },
      'warn',
      2,
      'Got 2 results, configured to warn if != 0',
    ],
    ["error_if='>5', warn_if='>1'", {}, 'warn', 2, 'Got 2 results, configured to warn if >1'],
    ["error_if='>5', warn_if='>5'", {}, 'pass', 0, undefined],
    ['limit=1', {}, 'fail', 1, 'Got 1 result, configured to fail if != 0'],
    ["fail_calc='sum(id)'", {}, 'fail', 4, 'Got 4 results, configured to fail if != 0'],
  ] as const)('with %s and %j comes to %s', async (config, flags, status, failures, message) => {
    const result = await check(await openMemory(), config, flags as DbtFlags);
    expect(result).toMatchObject({ status, failures });
    expect(result.message).toBe(message);
  });

  test('keeps its failures where it is told to, as a table or a view', async () => {
    const warehouse = await openMemory();
    const stored = async (): Promise<unknown> =>
      (await warehouse.relations({ schema: 'main_dbt_test__audit' })).map(({ name, type }) => [name, type]);
    await check(warehouse, "store_failures_as='ephemeral'", { storeFailures: true });
    expect(await stored()).toEqual([]);
    await check(warehouse, '', { storeFailures: true });
    expect(await stored()).toEqual([['t', 'table']]);
    await check(warehouse, "store_failures_as='view'");
    expect(await stored()).toEqual([['t', 'view']]);
    const none = await check(warehouse, 'store_failures=true, limit=1', {}, 'select 1 as id where false');
    expect(none).toMatchObject({ status: 'pass', failures: 0 });
    expect(await stored()).toEqual([['t', 'table']]);
    await expect(check(warehouse, "store_failures_as='file'")).rejects.toThrow("'file' is not");
  });

  test('stores what it found in rows that were then not published', async () => {
    const warehouse = await openMemory();
    const dir = writeProject({
      ...MODEL,
      'models/m.yml':
        'models: [{name: m, columns: [{name: id, data_tests: [{unique: {config: {store_failures: true}}}]}]}]',
    });
    expect(await runAll(context(dir, warehouse))).toEqual({ m: 'success', unique_m_id: 'fail' });
    expect(await warehouse.query('select * from main_dbt_test__audit.unique_m_id')).toEqual([
      { unique_field: 2, n_records: 2 },
    ]);
    expect(await warehouse.describe({ schema: 'main', name: 'm' })).toBeNull();
  });

  test('whose counting query gives no count is an error that names the macro', async () => {
    const warehouse = await openMemory();
    const broken = {
      'macros/own.sql':
        '{% macro get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) %}select 1 as n{% endmacro %}',
    };
    const dir = writeProject({ ...broken, 'tests/t.sql': 'select 1' });
    const transform = await loadTransform(context(dir, warehouse, { ledger: false, audit: false }));
    await expect(transform.run('test.shop.t')).rejects.toThrow('Look at the macro get_test_sql');
  });
});
