import { describe, expect, test } from 'vitest';
import type { Environment } from '../../../engines/dbt/context/environment.js';
import { BUILT_IN_MACROS } from '../../../engines/dbt/builtin/all.js';
import { toPlain } from '../../../engines/dbt/jinja/values.js';
import type { Manifest, Node } from '../../../engines/dbt/manifest.js';
import { loadProject } from '../../../engines/dbt/parse/load.js';
import { macroNames } from '../../../engines/dbt/parse/macros.js';
import { templateOf } from '../../../engines/dbt/parse/templates.js';
import { MillraceError } from '../../../schemas/errors.js';
import { putFiles, writeProject, type Files } from './project.js';

const interval = { start: '2024-03-01T00:00:00Z', end: '2024-03-02T00:00:00Z' };

const load = (dir: string, run = 'r'): Environment =>
  loadProject({
    dir,
    target: { name: 'dev', schema: 'main', database: 'memory', type: 'duckdb', threads: 1 },
    run: { run, interval, startedAt: interval.end },
    ...{ vars: {}, env: {}, sources: {}, invocation: { command: 'build', flags: {} } },
  });
const read = (files: Files): Manifest => load(writeProject(files)).manifest;

function failure(files: Files): MillraceError {
  try {
    read(files);
  } catch (cause) {
    if (cause instanceof MillraceError) return cause;
    throw cause;
  }
  throw new Error('it was read without an error');
}

const node = (manifest: Manifest, id: string): Node => {
  const found = manifest.nodes.get(id);
  if (!found) throw new Error(`${id} is not in ${[...manifest.nodes.keys()].join(', ')}`);
  return found;
};
const setting = (from: Node, name: string): unknown => toPlain(from.config.get(name) ?? null);

describe('versions of a model', () => {
  const files = {
    'models/pages.yml': `
models:
  - name: pages
    latest_version: 2
    columns: [{name: id, data_tests: [unique]}, {name: title}]
    versions:
      - v: 1
      - v: 2
        columns: [{include: all, exclude: [title]}, {name: slug}]
      - v: 3
        defined_in: pages_next
        config: {materialized: table}
`,
    'models/pages_v1.sql': 'select 1 as id',
    'models/pages.sql': 'select 2 as id',
    'models/pages_next.sql': 'select 3 as id',
    'models/reader.sql': "select * from {{ ref('pages') }}, {{ ref('pages', v=1) }} b",
  };
  test('have ids, folders, aliases and columns of their own', () => {
    const manifest = read(files);
    const second = node(manifest, 'model.shop.pages.v2');
    expect(second.fqn).toEqual(['shop', 'pages', 'v2']);
    expect(second.file).toBe('models/pages.sql');
    expect(second.relation).toEqual({ schema: 'main', name: 'pages_v2' });
    expect(second.columns.map(({ name }) => name)).toEqual(['id', 'slug']);
    expect(setting(node(manifest, 'model.shop.pages.v3'), 'materialized')).toBe('table');
  });

  test('are read by number, or the latest without one; each has the tests of its columns', () => {
    const manifest = read(files);
    expect(node(manifest, 'model.shop.reader').dependsOn).toEqual([
      'model.shop.pages.v2',
      'model.shop.pages.v1',
    ]);
    expect(
      [...manifest.nodes.values()].filter(({ kind }) => kind === 'test').map(({ name }) => name),
    ).toEqual(['unique_pages_v1_id', 'unique_pages_v2_id', 'unique_pages_v3_id']);
  });

  test('that do not exist are named with those that do', () => {
    const error = failure({ ...files, 'models/late.sql': "select * from {{ ref('pages', v=9) }}" });
    expect(error.type).toBe('RefNotFound');
    expect(error.message).toMatch(/ref\('pages', v=9\).*Its versions are: 1, 2, 3/s);
  });
});

describe('configuration', () => {
  test('of a package is overruled by the root project, and by its own files before that', () => {
    const manifest = read({
      'dbt_project.yml': `
name: shop
vars:
  farm: {crop: wheat}
models:
  farm:
    +schema: fields
    +tags: [root]
`,
      'packages.yml': 'packages:\n  - local: farm',
      'farm/dbt_project.yml':
        'name: farm\nvars: {crop: rye, soil: sand}\nmodels: {farm: {+materialized: table, +tags: [own]}}',
      'farm/models/crops.sql':
        "{{ config(schema='inner', tags=['file']) }}select '{{ var('crop') }} {{ var('soil') }}' as a",
    });
    const crops = node(manifest, 'model.farm.crops');
    expect(crops.relation).toEqual({ schema: 'main_fields', name: 'crops' });
    expect(setting(crops, 'materialized')).toBe('table');
    expect(setting(crops, 'tags')).toEqual(['own', 'file', 'root']);
  });

  test('merges each setting in its own way', () => {
    const model = node(
      read({
        'dbt_project.yml': `
name: shop
models:
  +meta: {a: 1, b: 1}
  +grants: {select: [ann], insert: [bob]}
  +docs: {node_color: red}
  shop:
    +post-hook: select 1
    persist_docs: {relation: true}
`,
        'models/a.sql': `{{ config(meta={'b': 2}, grants={'+select': 'cyd', 'insert': ['dee']}, docs={'show': false},
          post_hook=['select 2', {'sql': 'select 3', 'transaction': false}], persist_docs={'columns': true}) }}select 1 as a`,
      }),
      'model.shop.a',
    );
    expect(setting(model, 'meta')).toEqual({ a: 1, b: 2 });
    expect(setting(model, 'grants')).toEqual({ select: ['ann', 'cyd'], insert: ['dee'] });
    expect(setting(model, 'docs')).toEqual({ show: false, node_color: 'red' });
    expect(setting(model, 'persist_docs')).toEqual({ columns: true });
    expect(setting(model, 'post_hook')).toEqual([
      { sql: 'select 1', transaction: true, index: null },
      { sql: 'select 2', transaction: true, index: null },
      { sql: 'select 3', transaction: false, index: null },
    ]);
  });

  test('that reaches nothing, and descriptions of nothing, are warned about', () => {
    const { warnings } = read({
      'dbt_project.yml': 'name: shop\nmodels: {shop: {gone: {+enabled: false}}}',
      'models/a.sql': 'select 1 as a',
      'models/s.yml': 'models: [{name: b, columns: [{name: x, data_tests: [unique]}]}]',
    });
    expect(warnings).toEqual([
      "Did not find matching node for patch with name 'b' in the 'models' section of file 'models/s.yml'",
      expect.stringMatching(/unique_b_x.*depends on a node named 'b' which was not found/),
      expect.stringMatching(/1 unused configuration paths:\n- models\.shop\.gone/),
    ]);
  });
});

describe('names', () => {
  const twoPackages = {
    'packages.yml': 'packages: [{local: one}, {local: two}]',
    'one/dbt_project.yml': 'name: one',
    'two/dbt_project.yml': 'name: two\nmodels: {+schema: two}',
    'one/models/same.sql': 'select 1 as a',
    'two/models/same.sql': 'select 2 as a',
    'two/models/own.sql': "select * from {{ ref('same') }}",
  };

  test('are looked up in the package itself first, and a package can be named', () => {
    const manifest = read({ ...twoPackages, 'models/a.sql': "select * from {{ ref('one', 'same') }}" });
    expect(node(manifest, 'model.two.own').dependsOn).toEqual(['model.two.same']);
    expect(node(manifest, 'model.shop.a').dependsOn).toEqual(['model.one.same']);
  });

  test('that several packages have must be told apart', () => {
    const error = failure({ ...twoPackages, 'models/a.sql': "select * from {{ ref('same') }}" });
    expect(error.type).toBe('DuplicateNode');
    expect(error.message).toMatch(/Several packages have 'same'.*ref\('one', 'same'\)/s);
  });

  test('of relations come from macros: of the package for its own nodes, else of the project', () => {
    const macro = (text: string): string =>
      `{% macro generate_schema_name(custom_schema_name, node) %}${text}{% endmacro %}`;
    const manifest = read({
      ...twoPackages,
      'macros/names.sql': macro('root_{{ custom_schema_name or node.name }}'),
      'two/macros/names.sql': macro('pkg_{{ custom_schema_name }}'),
      'macros/db.sql':
        '{% macro generate_database_name(custom_database_name, node) %}{{ custom_database_name or target.database }}{% endmacro %}',
      'models/a.sql': "{{ config(database='other') }}select 1 as a",
    });
    expect(node(manifest, 'model.two.same').relation).toEqual({ schema: 'pkg_two', name: 'same' });
    expect(node(manifest, 'model.one.same').relation).toEqual({ schema: 'root_same', name: 'same' });
    expect(node(manifest, 'model.shop.a').relation).toEqual({
      ...{ database: 'other', schema: 'root_a', name: 'a' },
    });
  });

  test('a ref that the project has overridden is still followed', () => {
    const manifest = read({
      'macros/ref.sql': "{% macro ref(name) %}{{ return(builtins.ref(name ~ '_clean')) }}{% endmacro %}",
      'models/a_clean.sql': 'select 1 as a',
      'models/b.sql': "select * from {{ ref('a') }}",
    });
    expect(node(manifest, 'model.shop.b').dependsOn).toEqual(['model.shop.a_clean']);
  });
});

describe('what a project may not do', () => {
  test.each<[string, Files, string, RegExp]>([
    [
      'read a private model of another group',
      {
        'models/a.sql': "{{ config(access='private', group='g') }}select 1 as a",
        'models/b.sql': "select *\nfrom {{ ref('a') }}",
        'models/s.yml': 'groups: [{name: g, owner: {name: x}}]',
      },
      'RefForbidden',
      /private to the group 'g' \(models\/b\.sql:2:9\)/,
    ],
    [
      'read a protected model of a package that keeps them',
      {
        'packages.yml': 'packages: [{local: pkg}]',
        'pkg/dbt_project.yml': 'name: pkg\nrestrict-access: true',
        'pkg/models/a.sql': 'select 1 as a',
        'models/b.sql': "select * from {{ ref('a') }}",
      },
      'RefForbidden',
      /protected to package 'pkg'/,
    ],
    [
      'name a group that does not exist',
      { 'models/a.sql': "{{ config(group='g') }}select 1 as a" },
      'DbtProjectInvalid',
      /the group 'g', which does not exist/,
    ],
    [
      'have two nodes become one relation',
      { 'models/a.sql': 'select 1 as a', 'models/b.sql': "{{ config(alias='A') }}select 1 as a" },
      'DuplicateNode',
      /model\.shop\.a and model\.shop\.b would both be built as main\.a/,
    ],
    [
      'promise columns without naming them',
      { 'models/a.sql': "{{ config(contract={'enforced': true}) }}select 1 as a" },
      'DbtProjectInvalid',
      /enforced contract and no columns/,
    ],
    [
      'snapshot without a strategy',
      { 'snapshots/s.yml': "snapshots: [{name: s, relation: ref('a')}]", 'models/a.sql': 'select 1 as a' },
      'DbtProjectInvalid',
      /without a strategy/,
    ],
    [
      'want another dbt',
      { 'dbt_project.yml': "name: shop\nrequire-dbt-version: ['>=1.11.0', '<2.0.0']" },
      'DbtProjectInvalid',
      /wants dbt >=1\.11\.0,<2\.0\.0.*dbt_project\.yml:2/,
    ],
    [
      'call a docs block that does not exist',
      {
        'models/a.sql': 'select 1 as a',
        'models/d.md': '{% docs orders %}x{% enddocs %}',
        'models/s.yml': 'models: [{name: a, description: "{{ doc(\'order\') }}"}]',
      },
      'JinjaError',
      /no docs block 'order'.*Did you mean 'orders'/s,
    ],
    [
      'measure what no semantic model has',
      { 'models/m.yml': 'metrics: [{name: mm, label: M, type: simple, type_params: {measure: n}}]' },
      'RefNotFound',
      /metric\.shop\.mm uses the measure 'n'/,
    ],
    [
      'unit test an unknown model',
      {
        'models/a.sql': 'select 1 as a',
        'models/u.yml': 'unit_tests: [{name: u, model: aa, expect: {rows: []}}]',
      },
      'RefNotFound',
      /tests the model 'aa'.*models\/u\.yml:1.*Did you mean 'a'/s,
    ],
    [
      'name a fixture that is not there',
      {
        'models/a.sql': 'select 1 as a',
        'models/u.yml': 'unit_tests: [{name: u, model: a, expect: {format: csv, fixture: f}}]',
      },
      'DbtProjectInvalid',
      /no fixture 'f'.*Create tests\/fixtures\/f\.csv/s,
    ],
    [
      'define a macro twice',
      { 'macros/a.sql': '{% macro m() %}{% endmacro %}', 'macros/b.sql': '\n{% macro m() %}{% endmacro %}' },
      'DuplicateNode',
      /'m' is there twice in 'shop', also in macros\/a\.sql:1.*macros\/b\.sql:2/,
    ],
    [
      'use packages that are not installed',
      { 'packages.yml': 'packages: [{package: x/y, version: 1.0.0}]', 'models/a.sql': 'select 1 as a' },
      'DbtProjectInvalid',
      /lists 1 packages, and 0 are installed in dbt_packages.*millrace dbt deps/s,
    ],
    [
      'configure twice',
      {
        'models/a.sql': 'select 1 as a',
        'models/s.yml': 'models: [{name: a, meta: {x: 1}, config: {meta: {y: 1}}}]',
      },
      'DbtProjectInvalid',
      /'a' has meta twice/,
    ],
  ])('%s', (_what, files, type, message) => {
    const error = failure(files);
    expect(error.type).toBe(type);
    expect(error.message).toMatch(message);
  });
});

describe('sources', () => {
  const files = {
    'dbt_project.yml': 'name: shop',
    'packages.yml': 'packages: [{local: pkg}]',
    'pkg/dbt_project.yml': 'name: pkg',
    'pkg/models/s.yml': 'sources: [{name: pond, tables: [{name: fish}, {name: frogs}]}]',
    'models/s.yml': `
sources:
  - name: crm
    schema: "{{ var('raw', 'raw') }}"
    database: lake
    config: {loaded_at_field: ts, freshness: {warn_after: {count: 1, period: day}, filter: "a > 1"}}
    tables:
      - name: people
        identifier: PEOPLE_V1
        freshness: {error_after: {count: 2, period: hour}}
        external: {location: s3://x}
      - {name: silent, config: {freshness: null}}
  - name: pond
    overrides: pkg
    schema: lake_pond
    tables: [{name: fish, identifier: fishes}]
`,
  };

  test('lay the settings of a table over those of its source', () => {
    const { sources } = read(files);
    const people = sources.get('source.shop.crm.people');
    expect(people?.relation).toEqual({ database: 'lake', schema: 'raw', name: 'PEOPLE_V1' });
    expect(people?.freshness).toEqual({
      ...{ warnAfter: { count: 1, period: 'day' }, errorAfter: { count: 2, period: 'hour' } },
      filter: 'a > 1',
    });
    expect(people?.loadedAtField).toBe('ts');
    expect(people?.external).toEqual({ location: 's3://x' });
    expect(sources.get('source.shop.crm.silent')?.freshness).toBeNull();
  });

  test('of a package can be pointed elsewhere', () => {
    const { sources } = read(files);
    expect(sources.get('source.pkg.pond.fish')?.relation).toEqual({ schema: 'lake_pond', name: 'fishes' });
    expect(sources.get('source.pkg.pond.frogs')?.relation).toEqual({ schema: 'lake_pond', name: 'frogs' });
  });
});

test('exposures, metrics and saved queries depend on what they name', () => {
  const manifest = read({
    'models/a.sql': 'select 1 as id',
    'models/m.yml': `
semantic_models:
  - name: things
    model: ref('a')
    measures: [{name: thing_count, agg: count, expr: id, create_metric: true}]
metrics:
  - {name: share, label: s, type: ratio, type_params: {numerator: thing_count, denominator: thing_count}}
saved_queries: [{name: weekly, query_params: {metrics: [share]}}]
exposures:
  - {name: board, type: dashboard, owner: {name: x}, depends_on: ["ref('a')", "metric('share')"]}
`,
  });
  const depends = (id: string) => (manifest.semantics.get(id) ?? manifest.exposures.get(id))?.dependsOn;
  expect(depends('semantic_model.shop.things')).toEqual(['model.shop.a']);
  expect(depends('metric.shop.thing_count')).toEqual(['semantic_model.shop.things']);
  expect(depends('metric.shop.share')).toEqual(['metric.shop.thing_count']);
  expect(depends('saved_query.shop.weekly')).toEqual(['metric.shop.share']);
  expect(depends('exposure.shop.board')).toEqual(['model.shop.a', 'metric.shop.share']);
});

test('files that .dbtignore names are left out', () => {
  const { nodes } = read({
    '.dbtignore': '# comment\nmodels/old/\n*.draft.sql\n!models/keep.draft.sql\n/models/root.sql\n',
    'models/a.sql': 'select 1 as a',
    'models/old/b.sql': 'select 1 as a',
    'models/deep/c.draft.sql': 'select 1 as a',
    'models/keep.draft.sql': 'select 1 as a',
    'models/root.sql': 'select 1 as a',
    'models/deep/root.sql': 'select 1 as a',
  });
  expect([...nodes.keys()]).toEqual(['model.shop.a', 'model.shop.keep.draft', 'model.shop.root']);
});

test('hooks of a run, analyses and YAML snapshots are nodes', () => {
  const manifest = read({
    'dbt_project.yml': 'name: shop\non-run-start: select 1\non-run-end: ["select 2", "select 3"]',
    'models/a.sql': 'select 1 as a',
    'analyses/deep/look.sql': "select * from {{ ref('a') }}",
    'snapshots/s.yml':
      "snapshots: [{name: s, relation: ref('a'), config: {strategy: check, check_cols: all, unique_key: a}}]",
  });
  expect([...manifest.nodes.keys()]).toEqual([
    'model.shop.a',
    'analysis.shop.look',
    'operation.shop.shop-on-run-start-0',
    'operation.shop.shop-on-run-end-0',
    'operation.shop.shop-on-run-end-1',
    'snapshot.shop.s',
  ]);
  expect(node(manifest, 'analysis.shop.look').fqn).toEqual(['shop', 'analysis', 'deep', 'look']);
  expect(node(manifest, 'snapshot.shop.s').raw).toBe("select * from {{ ref('a') }}");
  expect(node(manifest, 'operation.shop.shop-on-run-end-1').hook).toEqual({ on: 'end', index: 1 });
});

test('a Python model is known by what it calls', () => {
  const manifest = read({
    'models/a.sql': 'select 1 as a',
    'models/p.py':
      'def model(dbt, session):\n    dbt.config(tags=["x (y)"])\n    return dbt.ref("a").filter("b")\n',
  });
  const model = node(manifest, 'model.shop.p');
  expect(model.dependsOn).toEqual(['model.shop.a']);
  expect(setting(model, 'tags')).toEqual(['x (y)']);
  expect(setting(model, 'materialized')).toBe('table');
});

test('names of built-in macros are found without parsing them', () => {
  for (const [file, text] of Object.entries(BUILT_IN_MACROS)) {
    const parsed = templateOf(text, file).body.flatMap((each) =>
      each.kind === 'macro' ? [each.macro.name] : [],
    );
    expect([...new Set(macroNames(text))]).toEqual([...new Set(parsed)]);
  }
});

describe('a project that was read', () => {
  test('is not read again by the next run, until a file of it changes', () => {
    const dir = writeProject({ 'models/a.sql': 'select 1 as a', 'models/b.sql': 'select 1 as b' });
    const first = load(dir, 'one');
    const second = load(dir, 'two');
    expect(second.run.run).toBe('two');
    expect(second.manifest.nodes).toBe(first.manifest.nodes);
    putFiles(dir, { 'models/b.sql': "select * from {{ ref('a') }}" });
    expect(node(load(dir, 'two').manifest, 'model.shop.b').dependsOn).toEqual(['model.shop.a']);
  });

  test('is read again when something in it depends on the run', () => {
    const dir = writeProject({ 'models/a.sql': "{{ config(alias='a_' ~ invocation_id) }}select 1 as a" });
    expect(['one', 'two'].map((run) => node(load(dir, run).manifest, 'model.shop.a').relation?.name)).toEqual(
      [...['a_one', 'a_two']],
    );
  });
});
