import { expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import { MillraceError } from '../../../schemas/errors.js';
import { context, openMemory, writeProject } from './project.js';

const FILES = {
  'models/staging/stg_a.sql': "{{ config(tags=['raw']) }}select * from {{ source('crm', 'a') }}",
  'models/staging/stg_b.sql': 'select 1 as id',
  'models/marts/mid.sql': "select * from {{ ref('stg_a') }}",
  'models/marts/top.sql':
    "{{ config(materialized='table', tags=['raw', 'daily']) }}select * from {{ ref('mid') }}, {{ ref('stg_b') }}",
  'models/marts/beside.sql': "select * from {{ ref('stg_a') }}",
  'models/s.yml':
    'sources:\n  - name: crm\n    tables: [{name: a}]\nmodels:\n  - name: mid\n    columns: [{name: id, tests: [unique]}]',
};

async function select(text: string | boolean, exclude?: string): Promise<string> {
  const transform = await loadTransform(
    context(writeProject(FILES), await openMemory(), { select: text, exclude }),
  );
  return transform
    .plan()
    .nodes.map(({ name }) => name)
    .sort()
    .join(' ');
}

test.each([
  ['mid', 'mid unique_mid_id'],
  ['+mid', 'mid stg_a unique_mid_id'],
  ['mid+', 'mid top unique_mid_id'],
  ['1+top', 'mid stg_b top unique_mid_id'],
  ['stg_a+1', 'beside mid stg_a unique_mid_id'],
  ['@beside', 'beside stg_a'],
  ['@mid', 'mid stg_a stg_b top unique_mid_id'],
  ['tag:raw', 'stg_a top'],
  ['tag:raw,tag:daily', 'top'],
  ['tag:daily stg_b', 'stg_b top'],
  ['path:models/staging', 'stg_a stg_b'],
  ['models/staging/stg_b.sql', 'stg_b'],
  ['staging', 'stg_a stg_b'],
  ['shop.marts.top', 'top'],
  ['staging.stg_*', 'stg_a stg_b'],
  ['source:crm+1', 'stg_a'],
  ['source:crm.a+', 'beside mid stg_a top unique_mid_id'],
  ['config.materialized:table', 'top'],
  ['test_name:unique', 'unique_mid_id'],
])('%s selects %s', async (text, expected) => {
  expect(await select(text)).toBe(expected);
});

test('everything, nothing, and all but', async () => {
  expect(await select(true)).toBe('beside mid stg_a stg_b top unique_mid_id');
  expect(await select(false)).toBe('');
  expect(await select(true, 'mid+')).toBe('beside stg_a stg_b');
});

test.each([
  ['topp', /nothing is selected.*Did you mean 'top'/],
  ['tagg:raw', /no method 'tagg'.*Did you mean 'tag'/],
  ['+', /names nothing/],
])('%s is refused', async (text, message) => {
  const error = await select(text).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(MillraceError);
  expect((error as MillraceError).type).toBe('SelectionInvalid');
  expect((error as MillraceError).message).toMatch(message);
});
