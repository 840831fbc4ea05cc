import { describe, expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import { MillraceError } from '../../../schemas/errors.js';
import { context, openMemory, runAll, writeProject, type Files } from './project.js';

async function failure(work: Promise<unknown>): Promise<MillraceError> {
  const cause = await work.catch((error: unknown) => error);
  if (!(cause instanceof MillraceError)) throw new Error(`no MillraceError but ${String(cause)}`);
  return cause;
}
const loading = async (files: Files): Promise<MillraceError> =>
  failure(loadTransform(context(writeProject(files), await openMemory())));

describe('a project that cannot be read', () => {
  test.each<[string, Files, string, RegExp, RegExp]>([
    ['no dbt_project.yml', { 'dbt_project.yml': '' }, 'DbtProjectInvalid', /name/, /./],
    [
      'broken YAML',
      { 'models/a.yml': 'models:\n  - name: a\n   bad: [' },
      'DbtProjectInvalid',
      /models\/a\.yml:3/,
      /Correct the YAML/,
    ],
    [
      'a list that is none',
      { 'models/a.yml': 'models:\n  name: a' },
      'DbtProjectInvalid',
      /models\/a\.yml:2.*|must be a list/,
      /./,
    ],
    [
      'a wrong dbt_project.yml',
      { 'dbt_project.yml': 'name: 1a' },
      'DbtProjectInvalid',
      /dbt_project\.yml:1:7/,
      /./,
    ],
    [
      'an unknown ref',
      { 'models/orders.sql': 'select 1 as a', 'models/b.sql': "select *\nfrom {{ ref('order') }}" },
      'RefNotFound',
      /ref\('order'\).*models\/b\.sql:2:9/s,
      /Did you mean 'orders'/,
    ],
    [
      'an unknown source',
      { 'models/b.sql': "select * from {{ source('crm', 'x') }}" },
      'RefNotFound',
      /source\('crm', 'x'\).*models\/b\.sql:1:18/s,
      /Declare it/,
    ],
    [
      'a ref to a disabled model',
      {
        'models/a.sql': '{{ config(enabled=false) }}select 1',
        'models/b.sql': "select * from {{ ref('a') }}",
      },
      'RefNotFound',
      /disabled/,
      /Enable it/,
    ],
    [
      'a circle',
      {
        'models/a.sql': "select * from {{ ref('b') }}",
        'models/b.sql': "select * from {{ ref('c') }}",
        'models/c.sql': "select * from {{ ref('a') }}",
      },
      'CyclicGraph',
      /[abc] → [abc] → [abc] → [abc]/,
      /Break the circle/,
    ],
    [
      'a model that reads itself',
      { 'models/a.sql': "select * from {{ ref('a') }}" },
      'CyclicGraph',
      /refers to itself/,
      /this/,
    ],
    [
      'two models of one name',
      { 'models/a.sql': 'select 1', 'models/x/a.sql': 'select 1' },
      'DuplicateNode',
      /models\/a\.sql and models\/x\/a\.sql/,
      /Rename/,
    ],
    [
      'two models for one relation',
      { 'models/a.sql': 'select 1', 'models/b.sql': "{{ config(alias='A') }}select 1" },
      'DuplicateNode',
      /model\.shop\.a and model\.shop\.b/,
      /alias/,
    ],
    [
      'a model described twice',
      { 'models/a.sql': 'select 1', 'models/a.yml': 'models: [{name: a}, {name: a}]' },
      'DuplicateNode',
      /described twice/,
      /one entry/,
    ],
    [
      'a Jinja error in a model',
      { 'models/a.sql': 'select 1\n{% if %}' },
      'JinjaError',
      /models\/a\.sql:2/,
      /./,
    ],
    [
      'an unknown generic test',
      {
        'models/a.sql': 'select 1 as id',
        'models/a.yml': 'models:\n  - name: a\n    columns:\n      - name: id\n        tests: [uniqe]',
      },
      'JinjaError',
      /'uniqe'.*models\/a\.yml:5/s,
      /Did you mean 'unique'/,
    ],
    [
      'an environment variable that is not set',
      { 'models/a.sql': "select {{ env_var('MILLRACE_NOT_SET') }}" },
      'JinjaError',
      /MILLRACE_NOT_SET/,
      /Declare MILLRACE_NOT_SET/,
    ],
    [
      'a secret in SQL',
      { 'models/a.sql': "select {{ env_var('DBT_ENV_SECRET_X', '') }}" },
      'JinjaError',
      /secret/,
      /./,
    ],
    [
      'a Python model',
      { 'models/a.py': 'def model(dbt, session): pass' },
      'Unsupported',
      /model\.shop\.a.*Python/,
      /leave the node out/,
    ],
    [
      'a macro that recurses for ever',
      { 'macros/m.sql': '{% macro m() %}{{ m() }}{% endmacro %}', 'models/a.sql': 'select {{ m() }}' },
      'JinjaError',
      /without end/,
      /./,
    ],
  ])('%s', async (_name, files, type, message, fix) => {
    const error = await loading(files);
    expect(`${error.type}: ${error.message}`).toContain(`${type}: `);
    expect(error.message).toMatch(message);
    expect(error.fix ?? 'none').toMatch(fix);
    expect(error.retryable).toBe(false);
  });
});

describe('a node that cannot run', () => {
  test('a variable without a value fails the node that reads it, and no other', async () => {
    const dir = writeProject({
      'models/a.sql': "select '{{ var('a_value') }}' as a",
      'dbt_project.yml': 'name: shop\nvars: {a_valeu: 1}\n',
    });
    const error = await failure(runAll(context(dir, await openMemory())));
    expect(error.type).toBe('JinjaError');
    expect(error.message).toMatch(/variable 'a_value' has no value \(models\/a\.sql:1:12\)/);
    expect(error.fix).toMatch(/Did you mean 'a_valeu'/);
  });

  test('names itself, its file and the line of its compiled SQL', async () => {
    const dir = writeProject({
      'models/a.sql': '{{ config(materialized="table") }}\nselect 1 as a,\n  nothing from (select 2 as b)',
    });
    const error = await failure(runAll(context(dir, await openMemory())));
    expect(error.type).toBe('SqlError');
    expect(error.message).toMatch(
      /model\.shop\.a: .*nothing.*models\/a\.sql:3, at line 2 of its compiled SQL/s,
    );
  });

  test('an undefined macro is told when the node runs, with near names', async () => {
    const dir = writeProject({
      'macros/m.sql': '{% macro cents(a) %}{{ a }}{% endmacro %}',
      'models/a.sql': 'select {{ cent(1) }}',
    });
    const error = await failure(runAll(context(dir, await openMemory())));
    expect(error.type).toBe('JinjaError');
    expect(error.message).toMatch(/'cent' is undefined \(models\/a\.sql:1:11\). Did you mean 'cents'/);
  });

  test('leaves nothing behind when it is cancelled', async () => {
    const dir = writeProject({
      'models/a.sql':
        "{{ config(materialized='table') }}select count(*) as n from range(1000000) a, range(1000000) b where (a.range * b.range) % 7 = 3",
      'tests/t.sql': "select * from {{ ref('a') }}",
    });
    const warehouse = await openMemory();
    const transform = await loadTransform(context(dir, warehouse));
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('cancelled')), 100);
    await expect(transform.run('model.shop.a', { signal: controller.signal })).rejects.toThrow('cancelled');
    expect(
      await warehouse.query("select table_name from information_schema.tables where table_schema = 'main'"),
    ).toEqual([]);
  });

  test('publishing what was never built is an error', async () => {
    const dir = writeProject({ 'models/a.sql': 'select 1 as a' });
    const transform = await loadTransform(context(dir, await openMemory()));
    expect((await failure(transform.publish('model.shop.a'))).type).toBe('CommitConflict');
  });

  test('names that try to be more than names stay names', async () => {
    const evil = 'x"; drop schema millrace cascade; --';
    const dir = writeProject({
      'models/a.sql': `{{ config(materialized='table', alias='a"; drop table keep; --') }}select 1 as "x""; drop schema millrace cascade; --"`,
      'models/b.sql': "{{ config(schema='s\"; drop table keep; --') }}select * from {{ ref('a') }}",
      'models/数据.sql': 'select 1 as "ключ 1"',
      'models/a.yml': JSON.stringify({
        models: [
          { name: 'a', columns: [{ name: evil, tests: ['not_null', 'unique'] }] },
          { name: '数据', columns: [{ name: 'ключ 1', tests: ['not_null'] }] },
        ],
      }),
    });
    const warehouse = await openMemory();
    await warehouse.run('create table keep as select 1 as a');
    const statuses = await runAll(context(dir, warehouse));
    expect(new Set(Object.values(statuses))).toEqual(new Set(['success', 'pass']));
    expect(await warehouse.query('select count(*) as n from keep')).toEqual([{ n: 1 }]);
    expect(await warehouse.describe({ schema: 'main', name: 'a"; drop table keep; --' })).not.toBeNull();
    expect(await warehouse.describe({ schema: 'main_s"; drop table keep; --', name: 'b' })).not.toBeNull();
    expect(await warehouse.query('select count(*) > 0 as there from millrace.relations')).toEqual([
      { there: true },
    ]);
  });

  test('a seed with ragged rows names the line', async () => {
    const dir = writeProject({ 'seeds/s.csv': 'id,name\n1,a\n2\n' });
    const error = await failure(runAll(context(dir, await openMemory())));
    expect(error.message).toMatch(/1 fields in a row and 2 columns \(seeds\/s\.csv:3\)/);
  });
});
