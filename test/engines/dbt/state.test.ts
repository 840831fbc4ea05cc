import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeManifest } from '../../../engines/dbt/artifacts/manifest.js';
import { select } from '../../../engines/dbt/select/selection.js';
import { loadTransform, readTransform } from '../../../engines/dbt/transform.js';
import type { DbtFlags } from '../../../schemas/dbt.js';
import { context, openMemory, putFiles, runAll, runPlan, writeProject, type Files } from './project.js';

const FILES: Files = {
  'models/a.sql': "{{ config(tags=['t']) }}select 1 as id",
  'models/b.sql': "{{ config(materialized='table') }}select {{ plus('id') }} as id from {{ ref('a') }}",
  'models/c.sql': "select * from {{ ref('b') }}",
  'models/e.sql': "{{ config(materialized='ephemeral') }}select 1 as one",
  'macros/plus.sql': '{% macro plus(c) %}{{ inner(c) }}{% endmacro %}',
  'macros/inner.sql': '{% macro inner(c) %}{{ c }} + 1{% endmacro %}',
  'seeds/s.csv': 'id\n1\n',
  'models/m.yml':
    'models:\n  - name: a\n    description: first\n    columns: [{name: id, tests: [unique]}]\n  - name: b\n    config: {meta: {owner: x}}\n',
};

const EMPTY_WAREHOUSE = { dialect: 'duckdb', database: 'memory' } as const;
const read = (dir: string, flags: DbtFlags = {}) =>
  readTransform({ ...context(dir, EMPTY_WAREHOUSE as never), flags, select: false }).environment;

/** The state of a project as it is now, in a folder of its own. */
function stateOf(dir: string): string {
  const state = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  writeManifest(read(dir), state);
  return state;
}

function changed(dir: string, state: string, method: string): string {
  const { ids } = select(read(dir, { select: [method], state }), { command: 'ls' });
  return [...ids].map((id) => id.split('.')[2]).join(' ');
}

test('nothing is modified while nothing has changed', () => {
  const dir = writeProject(FILES);
  const state = stateOf(dir);
  expect(changed(dir, state, 'state:modified')).toBe('');
  expect(changed(dir, state, 'state:new')).toBe('');
  expect(changed(dir, state, 'state:unmodified')).toBe('a b c e s unique_a_id');
  expect(changed(dir, state, 'state:old')).toBe('a b c e s unique_a_id');
});

const INNER = { 'macros/inner.sql': '{% macro inner(c) %}{{ c }} + 2{% endmacro %}' };
const BODY = { 'models/c.sql': "select id from {{ ref('b') }}" };
const ALIAS = { 'models/c.sql': "{{ config(alias='cc') }}select * from {{ ref('b') }}" };
const SETTING = { 'dbt_project.yml': 'name: shop\nmodels: {shop: {+persist_docs: {relation: false}}}' };

test.each<[string, string, string, Files]>([
  ['SQL', 'modified', 'c', BODY],
  ['SQL', 'modified.body', 'c', BODY],
  ['SQL', 'modified.configs', '', BODY],
  ['rows of a seed', 'modified', 's', { 'seeds/s.csv': 'id\n2\n' }],
  ['a setting', 'modified.configs', 'a b c e unique_a_id', SETTING],
  ['a tag', 'modified.configs', '', { 'models/a.sql': 'select 1 as id' }],
  ['a macro that a macro calls', 'modified', 'b', INNER],
  ['a macro that a macro calls', 'modified.macros', 'b', INNER],
  ['a new model', 'new', 'd', { 'models/d.sql': 'select 1' }],
  ['a new model', 'modified', 'd', { 'models/d.sql': 'select 1' }],
  ['an alias', 'modified.relation', 'c', ALIAS],
])("after a change of %s, state:%s selects '%s'", (_, method, expected, files) => {
  const dir = writeProject(FILES);
  const state = stateOf(dir);
  putFiles(dir, files);
  expect(changed(dir, state, `state:${method}`)).toBe(expected);
});

const contract = (columns: string, more = ''): Files => ({
  'models/m.yml': `models:\n  - name: a\n    config: {contract: {enforced: true}}\n    columns: [${columns}]\n${more}`,
});

test('a contract that is broken is a warning, of a version an error', () => {
  const dir = writeProject({
    ...FILES,
    ...contract('{name: id, data_type: int}, {name: x, data_type: int}'),
  });
  const state = stateOf(dir);
  putFiles(dir, contract('{name: id, data_type: varchar}'));
  const { ids, warnings } = select(read(dir, { select: ['state:modified.contract'], state }), {
    command: 'ls',
  });
  expect([...ids]).toEqual(['model.shop.a']);
  expect(warnings[0]).toMatchObject({ event: 'UnversionedBreakingChange' });
  expect(warnings[0]?.message).toMatch(/id changes its type from int to varchar; column x is removed/);

  const versions = (type: string): Files =>
    contract(
      `{name: id, data_type: ${type}}`,
      '    latest_version: 1\n    versions: [{v: 1, defined_in: a}]\n',
    );
  putFiles(dir, versions('int'));
  const versioned = stateOf(dir);
  putFiles(dir, versions('varchar'));
  expect(() => changed(dir, versioned, 'state:modified')).toThrow(/contract of model\.shop\.a\.v1 is broken/);
});

test('results and fresher sources select what an earlier run told of', () => {
  const dir = writeProject({
    ...FILES,
    'models/s.yml': 'sources: [{name: crm, tables: [{name: x}, {name: y}]}]',
  });
  const state = stateOf(dir);
  const metadata = (name: string, version: number): object => ({
    dbt_schema_version: `https://schemas.getdbt.com/dbt/${name}/v${version}.json`,
  });
  const put = (folder: string, file: string, content: object): void =>
    writeFileSync(join(folder, file), JSON.stringify(content));
  put(state, 'run_results.json', {
    metadata: metadata('run-results', 6),
    results: [
      { unique_id: 'model.shop.b', status: 'error' },
      { unique_id: 'model.shop.a', status: 'success' },
    ],
  });
  expect(changed(dir, state, 'result:error')).toBe('b');
  expect(changed(dir, state, 'result:error+')).toBe('b c');
  const sources = (x: string): object => ({
    metadata: metadata('sources', 3),
    results: [
      { unique_id: 'source.shop.crm.x', max_loaded_at: x },
      { unique_id: 'source.shop.crm.y', max_loaded_at: '2024-01-01T00:00:00Z' },
    ],
  });
  put(state, 'sources.json', sources('2024-01-01T00:00:00Z'));
  putFiles(dir, { 'target/sources.json': JSON.stringify(sources('2024-01-02T00:00:00Z')) });
  const { ids } = select(read(dir, { select: ['source_status:fresher'], state }), { command: 'ls' });
  expect([...ids]).toEqual(['source.shop.crm.x']);
});

test.each<[string, string, RegExp]>([
  ['no folder', 'state:modified', /folder of --state is not there/],
  ['no state', 'state:other', /there is no state 'other'.*modified\.body/],
  ['no results', 'result:error', /no run_results\.json/],
])('%s is a clear error', (kind, method, message) => {
  const dir = writeProject(FILES);
  const state = kind === 'no folder' ? '/nowhere' : stateOf(dir);
  expect(() => changed(dir, state, method)).toThrow(message);
});

test('a state that is no manifest, or of another age, is refused', () => {
  const dir = writeProject(FILES);
  const state = stateOf(dir);
  writeFileSync(join(state, 'manifest.json'), '{"metadata"');
  expect(() => changed(dir, state, 'state:new')).toThrow(/not valid JSON/);
  writeFileSync(join(state, 'manifest.json'), '{"metadata": {"dbt_schema_version": "x/v3.json"}}');
  expect(() => changed(dir, state, 'state:new')).toThrow(/v7 to v12 can be read/);
});

const DBT = { audit: false, ledger: false, reuse: false } as const;

test('refs to what is not built here read the relations of the other run, unless there are own ones', async () => {
  const dir = writeProject(FILES);
  const warehouse = await openMemory();
  await runAll(context(dir, warehouse, { ...DBT, schema: 'prod' }));
  const state = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const prod = readTransform({ ...context(dir, warehouse, { schema: 'prod' }), select: false }).environment;
  writeManifest(prod, state);
  const flags: DbtFlags = { select: ['c'], state, defer: true };
  const dev = { ...DBT, schema: 'dev', flags, command: 'run' as const };
  const transform = await loadTransform(context(dir, warehouse, dev));
  await runPlan(transform);
  expect(await transform.compile('model.shop.c')).toContain('"prod"."b"');
  expect(await warehouse.query('select id from dev.c')).toEqual([{ id: 2 }]);

  await warehouse.run('create table dev.b as select 9 as id');
  const again = await loadTransform(context(dir, warehouse, { ...dev, run: 'run-2' }));
  expect(await again.compile('model.shop.c')).toContain('"dev"."b"');
  const favor = { ...dev, run: 'run-3', flags: { ...flags, favorState: true } };
  expect(await (await loadTransform(context(dir, warehouse, favor))).compile('model.shop.c')).toContain(
    '"prod"."b"',
  );
});

test('clone makes views over the other target, and leaves alone what is there', async () => {
  const dir = writeProject(FILES);
  const warehouse = await openMemory();
  await runAll(context(dir, warehouse, { ...DBT, schema: 'prod' }));
  const state = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  writeManifest(
    readTransform({ ...context(dir, warehouse, { schema: 'prod' }), select: false }).environment,
    state,
  );
  await warehouse.run('create schema dev; create table dev.a as select 7 as id');
  const clone = { ...DBT, schema: 'dev', flags: { state }, command: 'clone' as const };
  expect(await runAll(context(dir, warehouse, clone))).toEqual({
    a: 'success',
    b: 'success',
    c: 'success',
    s: 'success',
  });
  const types = (await warehouse.relations({ schema: 'dev' }))
    .map(({ name, type }) => `${name} ${type}`)
    .sort();
  expect(types).toEqual(['a table', 'b view', 'c view', 's view']);
  expect(await warehouse.query('select id from dev.b')).toEqual([{ id: 2 }]);
});
