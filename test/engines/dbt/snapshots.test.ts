import { describe, expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { NodeRecord } from '../../../schemas/transform.js';
import { context, openMemory, putFiles, runAll, writeProject, type Files } from './project.js';

const snapshotOf = (config: string): Files => ({
  'snapshots/s.sql': `{% snapshot s %}{{ config(unique_key='id', ${config}) }}
select * from {{ source('raw', 't') }}
{% endsnapshot %}`,
  'snapshots/sources.yml': 'sources: [{name: raw, tables: [{name: t}]}]',
});
const BY_TIME = "strategy='timestamp', updated_at='upd'";
const RAW = `create schema raw; create table raw.t as
  select * from (values (1, 'a', timestamp '2024-01-01'), (2, 'b', timestamp '2024-01-01')) t(id, v, upd)`;

let runs = 0;
/** as `millrace dbt snapshot` does */
async function snapshot(dir: string, warehouse: Warehouse): Promise<NodeRecord> {
  const run = `snapshot-${++runs}`;
  const given = context(dir, warehouse, { run, ledger: false, audit: false, command: 'snapshot' });
  return (await loadTransform(given)).run('snapshot.shop.s');
}
async function withRaw(): Promise<Warehouse> {
  const warehouse = await openMemory();
  await warehouse.run(RAW);
  return warehouse;
}

describe('a snapshot', () => {
  test('keeps what rows were, and takes in a column that is new', async () => {
    const warehouse = await withRaw();
    const dir = writeProject(snapshotOf(BY_TIME));
    await snapshot(dir, warehouse);
    await warehouse.run(
      'alter table raw.t add column "New One" integer; update raw.t set v = \'z\', upd = \'2024-02-01\', "New One" = 5 where id = 1',
    );
    expect((await snapshot(dir, warehouse)).result.status).toBe('success');
    expect((await snapshot(dir, warehouse)).result.rows).toBe(0);
    const rows = await warehouse.query(
      'select id, v, "New One", dbt_valid_to from s order by id, dbt_valid_from',
    );
    expect(rows).toEqual([
      { id: 1, v: 'a', 'New One': null, dbt_valid_to: '2024-02-01T00:00:00' },
      { id: 1, v: 'z', 'New One': 5, dbt_valid_to: null },
      { id: 2, v: 'b', 'New One': null, dbt_valid_to: null },
    ]);
  });

  test('takes the strategy and the merge that a project writes itself', async () => {
    const warehouse = await withRaw();
    const dir = writeProject({
      ...snapshotOf("strategy='on_v', updated_at='upd'"),
      'macros/own.sql': `{% macro snapshot_on_v_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
  {% do return({
    'unique_key': config.get('unique_key'), 'updated_at': config.get('updated_at'),
    'row_changed': snapshotted_rel ~ '.v <> ' ~ current_rel ~ '.v',
    'scd_id': snapshot_hash_arguments(['id', 'v']), 'hard_deletes': 'ignore', 'invalidate_hard_deletes': false,
  }) %}
{% endmacro %}
{% macro duckdb__snapshot_hash_arguments(args) %}concat_ws('/', {{ args | join(', ') }}){% endmacro %}`,
    });
    await snapshot(dir, warehouse);
    await warehouse.run("update raw.t set upd = '2024-03-01'; update raw.t set v = 'y' where id = 2");
    await snapshot(dir, warehouse);
    expect(await warehouse.query('select dbt_scd_id as id from s order by 1')).toEqual([
      { id: '1/a' },
      { id: '2/b' },
      { id: '2/y' },
    ]);
  });

  test('waits for its tests, and goes on from the rows it had, in a pipeline', async () => {
    const warehouse = await withRaw();
    const dir = writeProject({
      ...snapshotOf(BY_TIME),
      'snapshots/s.yml': `
snapshots:
  - name: s
    columns: [{name: v, data_tests: [not_null]}]
`,
    });
    const source = (run: string) => context(dir, warehouse, { run });
    await runAll(source('run-1'));
    await warehouse.run("update raw.t set v = null, upd = '2024-02-01' where id = 1");
    expect(await runAll(source('run-2'))).toMatchObject({ not_null_s_v: 'fail' });
    expect(await warehouse.query('select count(*) as n from s')).toEqual([{ n: 2 }]);
    await warehouse.run("update raw.t set v = 'c' where id = 1");
    await runAll(source('run-3'));
    expect(await warehouse.query('select v from s where id = 1 order by dbt_valid_from')).toEqual([
      { v: 'a' },
      { v: 'c' },
    ]);
  });

  test.each([
    [`${BY_TIME}, hard_deletes='drop'`, "has hard_deletes 'drop'"],
    [`${BY_TIME}, hard_deletes='ignore', invalidate_hard_deletes=true`, 'has both'],
    ["strategy='weekly', updated_at='upd'", "'weekly'"],
  ])('configured with %s is refused, and told why', async (config, message) => {
    const warehouse = await withRaw();
    const dir = writeProject(snapshotOf(config));
    await expect(snapshot(dir, warehouse)).rejects.toThrow(message);
  });

  test('leaves alone a table that no snapshot has made', async () => {
    const warehouse = await withRaw();
    const dir = writeProject(snapshotOf(BY_TIME));
    await warehouse.run('create table s as select 1 as id');
    await expect(snapshot(dir, warehouse)).rejects.toMatchObject({
      type: 'SchemaMismatch',
      what: expect.stringContaining('missing "dbt_scd_id", "dbt_valid_from", "dbt_valid_to"') as string,
    });
    await warehouse.run('drop table s; create view s as select 1 as id');
    await expect(snapshot(dir, warehouse)).rejects.toThrow('is a view');

    await warehouse.run('drop view s');
    await snapshot(dir, warehouse);
    putFiles(dir, snapshotOf(`${BY_TIME}, hard_deletes='new_record'`));
    await expect(snapshot(dir, warehouse)).rejects.toThrow('missing "dbt_is_deleted"');
  });
});
