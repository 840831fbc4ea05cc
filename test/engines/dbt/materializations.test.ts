import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runOperation } from '../../../engines/dbt/run/operation.js';
import { loadTransform, type TransformContext } from '../../../engines/dbt/transform.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import { MillraceError } from '../../../schemas/errors.js';
import { context, openMemory, putFiles, runAll, writeProject, type Files } from './project.js';

const DBT = { audit: false, ledger: false } as const;
const PIPELINE = { audit: true, ledger: true } as const;
const RAW = 'create table raw as select 1 as id, 10 as v union all select 2, 20';

let runs = 0;
/** Runs one node in a run of its own, as `millrace dbt` or as a pipeline does. */
async function runNode(dir: string, warehouse: Warehouse, id: string, more: Partial<TransformContext> = DBT) {
  const given = context(dir, warehouse, { run: `r${++runs}`, ...more });
  return (await loadTransform(given)).run(id);
}

const failing = async (work: Promise<unknown>): Promise<MillraceError> => {
  const cause = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (cause instanceof MillraceError) return cause;
  throw new Error(`a MillraceError was expected, not ${String(cause)}`);
};

const prepared = async (files: Files): Promise<{ dir: string; warehouse: Warehouse }> => {
  const warehouse = await openMemory();
  await warehouse.run(RAW);
  return { dir: writeProject(files), warehouse };
};

const SOURCE = 'sources:\n  - name: main\n    tables: [{name: raw}]\n';
/** the source, with another content */
const sources = (key: string) => ({ 'main.raw': { relation: { schema: 'main', name: 'raw' }, key } });
const INCREMENTAL = `{{ config(materialized='incremental') }}
select id, v from {{ source('main', 'raw') }} {% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}`;

describe('an incremental model of a pipeline', () => {
  const tested = {
    'models/source.yml': SOURCE,
    'models/m.sql': INCREMENTAL,
    'models/schema.yml':
      'models:\n  - name: m\n    columns:\n      - name: v\n        data_tests: [{accepted_values: {arguments: {values: [10, 20, 30], quote: false}}}]\n',
  };

  test('adds rows once in a run, however often it is asked', async () => {
    const { dir, warehouse } = await prepared({
      'models/source.yml': SOURCE,
      'models/m.sql': INCREMENTAL.replace('where', '--'),
    });
    const given = context(dir, warehouse, { ...PIPELINE, sources: sources('1'), run: 'once' });
    for (let time = 1; time <= 3; time++) await (await loadTransform(given)).run('model.shop.m');
    expect(await warehouse.query('select count(*) as n from m')).toEqual([{ n: 2 }]);
    await (await loadTransform({ ...given, sources: sources('2'), run: 'next' })).run('model.shop.m');
    expect(await warehouse.query('select count(*) as n from m')).toEqual([{ n: 4 }]);
  });

  test('is built on a copy: rows that a test rejects never reach the live table', async () => {
    const { dir, warehouse } = await prepared(tested);
    expect(await runAll(context(dir, warehouse, { sources: sources('1'), run: 'first' }))).toMatchObject({
      m: 'success',
    });
    await warehouse.run('insert into raw values (3, 99)');
    const statuses = await runAll(context(dir, warehouse, { sources: sources('2'), run: 'second' }));
    expect(Object.values(statuses)).toContain('fail');
    expect(await warehouse.query('select id from m order by id')).toEqual([{ id: 1 }, { id: 2 }]);

    await warehouse.run('update raw set v = 30 where id = 3');
    await runAll(context(dir, warehouse, { sources: sources('3'), run: 'third' }));
    expect(await warehouse.query('select id, v from m order by id')).toEqual([
      { id: 1, v: 10 },
      { id: 2, v: 20 },
      { id: 3, v: 30 },
    ]);
  });

  test('is made anew by a full refresh, though its content key is the same', async () => {
    const { dir, warehouse } = await prepared({ 'models/source.yml': SOURCE, 'models/m.sql': INCREMENTAL });
    await runNode(dir, warehouse, 'model.shop.m', { ...PIPELINE, sources: sources('1') });
    await warehouse.run('delete from raw where id = 1');
    await runNode(dir, warehouse, 'model.shop.m', {
      ...PIPELINE,
      sources: sources('1'),
      flags: { fullRefresh: true },
    });
    expect(await warehouse.query('select id from m')).toEqual([{ id: 2 }]);
  });
});

describe('an incremental model', () => {
  test.each([
    [
      'whose unique_key is no column',
      `{{ config(materialized='incremental', unique_key='nothing') }} select * from raw`,
      /unique_key 'nothing' is none of its columns \(id, v\)/,
    ],
    [
      'whose strategy the warehouse lacks',
      `{{ config(materialized='incremental', incremental_strategy='insert_overwrite') }} select * from raw`,
      /'insert_overwrite' is not there on duckdb.*merge/,
    ],
    [
      'whose strategy nobody has written',
      `{{ config(materialized='incremental', incremental_strategy='mine') }} select * from raw`,
      /no macro 'get_incremental_mine_sql'/,
    ],
    [
      'whose columns may not change',
      `{{ config(materialized='incremental', on_schema_change='fail') }} select *{{ ', 1 as more' if is_incremental() }} from raw`,
      /out of sync.*more/s,
    ],
  ])('%s says so', async (_name, sql, message) => {
    const { dir, warehouse } = await prepared({ 'models/m.sql': sql });
    await runNode(dir, warehouse, 'model.shop.m');
    const error = await failing(runNode(dir, warehouse, 'model.shop.m'));
    expect(error.message).toMatch(message);
    expect(await warehouse.query('select count(*) as n from m')).toEqual([{ n: 2 }]);
  });

  test('may have a strategy of the project', async () => {
    const { dir, warehouse } = await prepared({
      'macros/mine.sql': `{% macro get_incremental_newest_sql(arg_dict) %}
        delete from {{ arg_dict['target_relation'] }};
        insert into {{ arg_dict['target_relation'] }} select * from {{ arg_dict['temp_relation'] }}
      {% endmacro %}`,
      'models/m.sql': `{{ config(materialized='incremental', incremental_strategy='newest') }} select * from raw`,
    });
    await runNode(dir, warehouse, 'model.shop.m');
    const { result } = await runNode(dir, warehouse, 'model.shop.m');
    expect(result).toMatchObject({ status: 'success', rows: 2 });
    expect(await warehouse.query('select count(*) as n from m')).toEqual([{ n: 2 }]);
  });

  test('follows a changed type with sync_all_columns', async () => {
    const { dir, warehouse } = await prepared({
      'models/m.sql': `{{ config(materialized='incremental', on_schema_change='sync_all_columns') }}
        select id, v{{ "::varchar || 'x'" if is_incremental() }} as v from raw`,
    });
    await runNode(dir, warehouse, 'model.shop.m');
    await runNode(dir, warehouse, 'model.shop.m');
    expect(await warehouse.query('select v from m order by v')).toEqual(
      ['10', '10x', '20', '20x'].map((v) => ({ v })),
    );
  });
});

describe('a microbatch model of a pipeline', () => {
  test('keeps the parts that succeeded, and builds only the others when the run is repeated', async () => {
    const warehouse = await openMemory();
    await warehouse.run(
      "create table raw as select 1 as id, timestamp '2024-03-01 05:00' as happened union all select 2, '2024-03-02 05:00' union all select 3, '2024-03-03 05:00'",
    );
    const dir = writeProject({
      'models/raw.yml':
        'sources:\n  - name: main\n    tables: [{name: raw, config: {event_time: happened}}]\n',
      'models/m.sql': `{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened', begin='2024-03-01', batch_size='day') }}
        select id, happened, case when id = 2 then error('bad') end as bad, now() as built from {{ source('main', 'raw') }}`,
    });
    const interval = { start: '2024-03-03T00:00:00Z', end: '2024-03-04T00:00:00Z' };
    const given = context(dir, warehouse, { ...PIPELINE, interval, run: 'days' });
    const { result, batches } = await (await loadTransform(given)).run('model.shop.m');
    expect(result.status).toBe('partial success');
    expect(batches?.failed).toEqual([['2024-03-02T00:00:00.000Z', '2024-03-03T00:00:00.000Z']]);
    const before = await warehouse.query('select id, built from m order by id');
    expect(before.map(({ id }) => id)).toEqual([1, 3]);

    await warehouse.run('update raw set id = 22 where id = 2');
    const again = await (await loadTransform(given)).run('model.shop.m');
    expect(again.result).toMatchObject({ status: 'success', rows: 3 });
    const after = await warehouse.query('select id, built from m order by id');
    expect(after.map(({ id }) => id)).toEqual([1, 3, 22]);
    expect(after.slice(0, 2)).toEqual(before);
  });
});

describe('a relation', () => {
  test('takes the place of one of another type', async () => {
    const { dir, warehouse } = await prepared({ 'models/m.sql': 'select 1 as a' });
    for (const type of ['table', 'view', 'incremental', 'view', 'table']) {
      putFiles(dir, { 'models/m.sql': `{{ config(materialized='${type}') }} select '${type}' as a` });
      await runNode(dir, warehouse, 'model.shop.m');
      const [there] = await warehouse
        .relations({ schema: 'main' })
        .then((all) => all.filter(({ name }) => name === 'm'));
      expect(there?.type).toBe(type === 'view' ? 'view' : 'table');
      expect(await warehouse.query('select a from m')).toEqual([{ a: type }]);
    }
  });

  test('can be made from itself, by a create_table_as of the project which replaces nothing', async () => {
    const { dir, warehouse } = await prepared({
      'macros/mine.sql':
        '{% macro duckdb__create_table_as(temporary, relation, sql, language=none) %}create table {{ relation }} as {{ sql }}{% endmacro %}',
      'models/m.sql': `{{ config(materialized='table') }}
        {% if load_relation(this) %}select n + 1 as n from {{ this }}{% else %}select 1 as n{% endif %}`,
    });
    for (let time = 1; time <= 3; time++) await runNode(dir, warehouse, 'model.shop.m');
    expect(await warehouse.query('select n from m')).toEqual([{ n: 3 }]);
  });

  test('gets its comments and indexes, and loses neither when it is built again', async () => {
    const { dir, warehouse } = await prepared({
      'models/m.sql': `{{ config(materialized='table', indexes=[{'columns': ['id'], 'unique': true}], persist_docs={'relation': true, 'columns': true}) }} select * from raw`,
      'models/m.yml':
        'models: [{name: m, description: "it\'s m", columns: [{name: id, description: key}]}]\n',
    });
    for (const more of [DBT, DBT, PIPELINE]) {
      await runNode(dir, warehouse, 'model.shop.m', more);
      const tables = await warehouse.query("select comment from duckdb_tables() where table_name = 'm'");
      expect(tables).toEqual([{ comment: "it's m" }]);
      const columns = await warehouse.query(
        "select comment from duckdb_columns() where table_name = 'm' and column_name = 'id'",
      );
      expect(columns).toEqual([{ comment: 'key' }]);
      const indexes = await warehouse.query("select is_unique from duckdb_indexes() where table_name = 'm'");
      expect(indexes).toEqual([{ is_unique: true }]);
    }
  });
});

describe('a model of DuckDB alone', () => {
  test('becomes a file and a view of it', async () => {
    const { dir, warehouse } = await prepared({
      'models/m.sql':
        "{{ config(materialized='external', location=var('folder') ~ '/{{ this.name }}.csv', options={'delimiter': '|'}) }} select * from raw",
    });
    const more = { ...DBT, vars: { folder: dir } };
    for (let time = 1; time <= 2; time++) await runNode(dir, warehouse, 'model.shop.m', more);
    expect(readFileSync(join(dir, 'm.csv'), 'utf8')).toBe('id|v\n1|10\n2|20\n');
    expect(await warehouse.query('select sum(v) as v from m')).toEqual([{ v: 30 }]);
  });

  test('becomes a function with parameters', async () => {
    const { dir, warehouse } = await prepared({
      'models/m.sql':
        "{{ config(materialized='table_function', parameters=['least']) }} select * from raw where v >= least",
    });
    await runNode(dir, warehouse, 'model.shop.m');
    expect(await warehouse.query('select id from m(15)')).toEqual([{ id: 2 }]);
  });
});

describe('hooks', () => {
  const log = (what: string): string => `insert into log values ('${what}')`;
  const MODEL = `{{ config(materialized='table',
    pre_hook=["${log('pre {{ this.name }}')}", {"sql": "${log('before')}", "transaction": false}],
    post_hook=[after_commit("${log('after')}"), "${log('post {{ is_incremental() }}')}"]) }} select * from RAW`;

  test('run around the transaction and inside it, in that order', async () => {
    const { dir, warehouse } = await prepared({ 'models/m.sql': MODEL });
    await warehouse.run('create table log (what varchar)');
    await runNode(dir, warehouse, 'model.shop.m');
    const rows = await warehouse.query('select what from log');
    expect(rows.map(({ what }) => what)).toEqual(['before', 'pre m', 'post False', 'after']);
  });

  test('inside the transaction leave nothing behind when the model fails', async () => {
    const { dir, warehouse } = await prepared({ 'models/m.sql': MODEL.replace('RAW', 'nowhere') });
    await warehouse.run('create table log (what varchar)');
    const error = await failing(runNode(dir, warehouse, 'model.shop.m'));
    expect(error.message).toMatch(/model\.shop\.m: .*nowhere.*models\/m\.sql:3/s);
    expect(await warehouse.query('select what from log')).toEqual([{ what: 'before' }]);
  });
});

describe('a materialization of the project', () => {
  const macro = (end: string): string => `{% materialization own, default %}
    {%- set target = this.incorporate(type='table') -%}
    {% call statement('main') %}create or replace table {{ target }} as {{ sql }}{% endcall %}
    ${end}
    {{ return({'relations': [target]}) }}
  {% endmaterialization %}`;
  const model = "{{ config(materialized='own') }} select * from raw";

  test('is committed at its end, when it does not commit itself', async () => {
    const { dir, warehouse } = await prepared({ 'macros/own.sql': macro(''), 'models/m.sql': model });
    const { result } = await runNode(dir, warehouse, 'model.shop.m');
    expect(result).toMatchObject({ status: 'success', rows: 2 });
    const kept = await runNode(dir, warehouse, 'model.shop.m', { ...PIPELINE, run: 'p' });
    expect(kept.result.status).toBe('success');
    expect(await warehouse.query('select count(*) as n from m')).toEqual([{ n: 2 }]);
  });

  test('keeps what it committed when it fails later, and nothing else', async () => {
    const end = `{% do adapter.commit() %}{% call statement() %}begin{% endcall %}
      {% do run_query('create table other as select 1 as a') %}{% do run_query('select * from nowhere') %}`;
    const { dir, warehouse } = await prepared({ 'macros/own.sql': macro(end), 'models/m.sql': model });
    await failing(runNode(dir, warehouse, 'model.shop.m'));
    const names = (await warehouse.relations({ schema: 'main' })).map(({ name }) => name).sort();
    expect(names).toEqual(['m', 'raw']);
  });

  test('that nobody has written is told by its name', async () => {
    const { dir, warehouse } = await prepared({ 'models/m.sql': model });
    const error = await failing(runNode(dir, warehouse, 'model.shop.m'));
    expect(error.message).toMatch(/there is no materialization 'own'/);
  });
});

test('run-operation finds a macro by its name, and tells near ones of a wrong name', async () => {
  const { dir, warehouse } = await prepared({
    'macros/ops.sql':
      "{% macro fill(n) %}{% do run_query('create table made as select ' ~ n ~ ' as n') %}{% endmacro %}",
    'models/m.sql': 'select 1 as a',
  });
  const { environment } = await loadTransform(context(dir, warehouse, DBT));
  const options = { command: 'run-operation', flags: {}, reuse: false, ledger: false } as const;
  const job = { warehouse, environment, options, signal: undefined, results: [] };
  await runOperation(job, 'shop.fill', { n: 7 });
  expect(await warehouse.query('select n from made')).toEqual([{ n: 7 }]);
  expect((await failing(runOperation(job, 'fil', {}))).message).toMatch(/no macro 'fil'.*fill/);
});
