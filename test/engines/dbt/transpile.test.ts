import { afterAll, beforeAll, expect, test } from 'vitest';
import { snowflakeToDuckDb } from '../../../engines/dbt/transpile.js';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import { loadTransform } from '../../../engines/dbt/transform.js';
import { MillraceError } from '../../../schemas/errors.js';
import { context, writeProject } from './project.js';

let warehouse: Warehouse;
beforeAll(async () => {
  warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '512MB' });
  await warehouse.run(`create table t as select * from (values
    (1, 10, 'abc', date '2024-01-31', timestamp '2024-01-31 10:00:00', '{"x":{"y":[1,2]},"n":"k","d":"12"}'::json),
    (2, 20, 'Bcd', date '2024-02-01', timestamp '2024-02-01 11:30:00', '{"x":{"y":[3]},"n":"l","d":"13"}'::json))
    as v(id, a, s, d, ts, v)`);
});
afterAll(() => warehouse.close());

const results = async (sql: string): Promise<unknown[][]> =>
  (await warehouse.query(await snowflakeToDuckDb(sql, warehouse))).map((row) => Object.values(row));

test.each<[string, string, unknown[][]]>([
  [
    'iff and nvl',
    "select iff(a > 15, 'big', 'small'), nvl(null, a), nvl2(a, 1, 0), zeroifnull(null) from t where id = 1",
    [['small', 10, 1, 0]],
  ],
  [
    'dateadd and datediff',
    "select dateadd(day, 1, d)::date, datediff('month', d, '2024-03-01'::date) from t where id = 1",
    [['2024-02-01', 2]],
  ],
  [
    'paths into a variant',
    'select v:x.y[0]::int, v:n::string, v:d::int from t order by id',
    [
      [1, 'k', 12],
      [3, 'l', 13],
    ],
  ],
  ['a key in brackets', "select v['n']::varchar from t where id = 2", [['l']]],
  ['qualify', 'select id from t qualify row_number() over (order by a desc) = 1', [[2]]],
  [
    'lateral flatten',
    'select t.id, f.index, f.value::int as n from t, lateral flatten(input => v:x.y) f order by 1, 2',
    [
      [1, 0, 1],
      [1, 1, 2],
      [2, 0, 3],
    ],
  ],
  [
    'flatten of texts',
    `select f.value::string from table(flatten(input => parse_json('["p","q"]'))) f order by 1`,
    [['p'], ['q']],
  ],
  ['listagg within group', "select listagg(s, '|') within group (order by id) from t", [['abc|Bcd']]],
  ['ilike any', "select id from t where s ilike any ('B%', 'z%') order by id", [[2]]],
  ['object_construct', "select object_construct('a', id) as o from t where id = 1", [[{ a: 1 }]]],
  [
    'try_to_number',
    "select try_to_number('12'), try_to_number('x'), try_to_number('12.345', 10, 2)",
    [['12', null, '12.35']],
  ],
  [
    'timestamps without a zone',
    "select to_timestamp_ntz('2024-01-01 10:00:00'), '2024-01-02 00:00:00'::timestamp_ntz",
    [['2024-01-01T10:00:00', '2024-01-02T00:00:00']],
  ],
  [
    'formats of dates',
    "select to_char(ts, 'YYYYMMDD HH24:MI'), to_varchar(d, 'DD.MM.YYYY'), to_date('01/02/2024', 'DD/MM/YYYY') from t where id = 1",
    [['20240131 10:00', '31.01.2024', '2024-02-01']],
  ],
  [
    'regular expressions match whole texts',
    "select regexp_like('abc', 'b'), rlike('abc', 'a.*'), regexp_substr('a12', '[0-9]+')",
    [[false, true, '12']],
  ],
  [
    'split counts from 0',
    "select split('a|b|c', '|')[1]::varchar, split_part('a|b|c', '|', 3)",
    [['b', 'c']],
  ],
  [
    'startswith, contains, charindex',
    "select startswith(s, 'a'), contains(s, 'b'), charindex('c', s) from t where id = 1",
    [[true, true, 3]],
  ],
  ['sets and types', 'select a::number(10,1) from t minus select 20', [['10.0']]],
])('%s', async (_name, sql, expected) => {
  expect(await results(sql)).toEqual(expected);
});

test.each([
  ['conditional_true_event(a > 1) over (order by a)', 'CONDITIONAL_TRUE_EVENT'],
  ['ratio_to_report(a) over ()', 'RATIO_TO_REPORT'],
  ['system$typeof(a)', 'SYSTEM$TYPEOF'],
  ["to_char(ts, 'YYYY-Q')", "'YYYY-Q'"],
  ["try_to_number('1', '999')", 'TO_NUMBER with a format'],
])('%s is an error that names it', async (expression, name) => {
  const cause = await snowflakeToDuckDb(`select ${expression} from t`, warehouse).catch(
    (error: unknown) => error,
  );
  expect(cause).toBeInstanceOf(MillraceError);
  expect((cause as MillraceError).type).toBe('Unsupported');
  expect((cause as MillraceError).message).toContain(name);
});

test('what would be guessed is refused: time travel, numbered columns, the element of a column', async () => {
  for (const [sql, name] of [
    ['select * from t at(offset => -60)', 'time travel'],
    ['select $1 from t', '$1'],
    ['select s[0] from t', 's[0]'],
    ['select * from t start with id = 1 connect by prior id = a', 'CONNECT BY'],
  ] as const) {
    const cause = (await snowflakeToDuckDb(sql, warehouse).catch((error: unknown) => error)) as MillraceError;
    expect([cause.type, cause.message.includes(name)]).toEqual(['Unsupported', true]);
  }
});

test('a model that says it is written for Snowflake runs on DuckDB, and names what cannot', async () => {
  const dir = writeProject({
    'dbt_project.yml': 'name: shop\nmodels:\n  shop:\n    +sql_dialect: snowflake\n',
    'models/kinds.sql':
      "{{ config(materialized='table') }}\nselect id, iff(a > 15, 'big', 'small') as kind from t",
    'models/late.sql': 'select ratio_to_report(a) over () as part from t',
  });
  const transform = await loadTransform(context(dir, warehouse));
  await transform.run('model.shop.kinds');
  expect(await warehouse.query('select kind from main.kinds order by id')).toEqual([
    { kind: 'small' },
    { kind: 'big' },
  ]);
  const cause = await transform.run('model.shop.late').catch((error: unknown) => error);
  expect((cause as MillraceError).type).toBe('Unsupported');
  expect((cause as MillraceError).message).toMatch(/RATIO_TO_REPORT.*models\/late\.sql/);
});

test('what is no SQL is said to be none', async () => {
  const cause = (await snowflakeToDuckDb('selec from where', warehouse).catch(
    (error: unknown) => error,
  )) as MillraceError;
  expect(cause.type).toBe('SqlError');
});
