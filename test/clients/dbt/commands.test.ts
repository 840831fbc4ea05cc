import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { putFiles, writeProject, type Files } from '../../engines/dbt/project.js';
import { runDbt, type Said } from './command.js';

const PROJECT = 'name: shop\nprofile: shop\n';
const PROFILES = `shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: shop.duckdb, schema: main, threads: 2}
    prod: {type: duckdb, path: shop.duckdb, schema: live}
`;
const SHOP: Files = {
  'dbt_project.yml': PROJECT,
  'profiles.yml': PROFILES,
  'seeds/raw.csv': 'id,amount\n1,10\n2,20\n',
  'models/orders.sql': "{{ config(materialized='table') }}\nselect id, amount from {{ ref('raw') }}",
  'models/big.sql': 'select * from {{ ref("orders") }} where amount > 10',
  'models/schema.yml':
    'models:\n  - name: orders\n    columns:\n      - name: id\n        data_tests: [not_null, unique]\n',
};

interface Project {
  dir: string;
  run(...argv: string[]): Promise<Said>;
  artifact(name: string): unknown;
}

function project(files: Files = {}): Project {
  const dir = writeProject({ ...SHOP, ...files });
  return {
    dir,
    run: (...argv) => runDbt(...argv, '--project-dir', dir, '--local'),
    artifact: (name) => JSON.parse(readFileSync(join(dir, 'target', name), 'utf8')) as unknown,
  };
}

interface RunResults {
  metadata: Record<string, string>;
  args: Record<string, unknown>;
  results: { unique_id: string; status: string; compiled_code: string | null; message: string | null }[];
}
const statuses = (shop: Project): Record<string, string> => {
  const { results } = shop.artifact('run_results.json') as RunResults;
  return Object.fromEntries(results.map(({ unique_id: id, status }) => [id.split('.')[2] ?? id, status]));
};

describe('build', () => {
  test('tells each node and the sum, and writes what tools read', async () => {
    const shop = project();
    const { code, out } = await shop.run('build');
    expect(out).toMatch(/1 of 5 OK loaded seed file main\.raw \.+ \[INSERT 2 in \d\.\d\ds\]/);
    expect(out).toContain('OK created sql table model main.orders');
    expect(out).toContain('Done. PASS=5 WARN=0 ERROR=0 SKIP=0 NO-OP=0 TOTAL=5');
    expect(code).toBe(0);
    const { metadata, args, results } = shop.artifact('run_results.json') as RunResults;
    expect(metadata['dbt_schema_version']).toBe('https://schemas.getdbt.com/dbt/run-results/v6.json');
    expect(args).toMatchObject({ which: 'build' });
    expect(results.find(({ unique_id: id }) => id === 'model.shop.big')?.compiled_code).toContain(
      '"shop"."main"."orders"',
    );
    expect(shop.artifact('manifest.json')).toHaveProperty(['nodes', 'model.shop.orders']);
    expect(existsSync(join(shop.dir, 'target/compiled/shop/models/orders.sql'))).toBe(true);
    expect(readFileSync(join(shop.dir, 'logs/dbt.log'), 'utf8')).toContain('Done. PASS=5');
  });

  test('a failed test is exit code 1, skips what reads the model, and is explained', async () => {
    const shop = project({ 'seeds/raw.csv': 'id,amount\n1,10\n1,20\n' });
    const { code, out } = await shop.run('build');
    expect(code).toBe(1);
    expect(statuses(shop)).toMatchObject({ orders: 'success', big: 'skipped', unique_orders_id: 'fail' });
    expect(out).toMatch(/Failure in test unique_orders_id \(models\/schema.yml\)/);
    expect(out).toContain('Got 1 result, configured to fail if != 0');
    expect(out).toContain('compiled/shop/models/schema.yml/unique_orders_id.sql');
  });

  test('SQL that the warehouse refuses is told with the line of the model', async () => {
    const shop = project({ 'models/orders.sql': 'select id,\n  nothing\nfrom {{ ref("raw") }}' });
    const { code, out } = await shop.run('build');
    expect(code).toBe(1);
    expect(out).toContain('models/orders.sql:2');
    expect(out).toContain('SKIP relation main.big');
    expect(out).toContain('compiled code at');
  });

  test('retry runs what failed and what was skipped, and nothing else', async () => {
    const shop = project({ 'models/orders.sql': 'select nothing from {{ ref("raw") }}' });
    expect((await shop.run('run', '--select', 'orders+')).code).toBe(1);
    putFiles(shop.dir, { 'models/orders.sql': SHOP['models/orders.sql'] ?? '' });
    await runDbt('seed', '--project-dir', shop.dir, '--local', '--target-path', 'elsewhere');
    const { code } = await shop.run('retry');
    expect(code).toBe(0);
    expect(statuses(shop)).toEqual({ orders: 'success', big: 'success' });
    expect((await shop.run('retry')).out).toContain('Nothing to do');
  });

  test('fail-fast starts nothing after a failure', async () => {
    const shop = project({ 'models/a.sql': 'select nothing', 'models/b.sql': 'select 1 as x' });
    await shop.run('run', '--fail-fast', '--threads', '1', '--select', 'a', 'b');
    expect(statuses(shop)).toEqual({ a: 'error', b: 'skipped' });
  });

  test('a hook that fails leaves out the hooks after it, not the models', async () => {
    const shop = project({
      'dbt_project.yml': `${PROJECT}on-run-start: ["select * from nowhere", "select 2"]\n`,
      'models/only.sql': 'select 1 as x',
    });
    expect((await shop.run('run', '--select', 'only')).code).toBe(1);
    expect(statuses(shop)).toEqual({
      'shop-on-run-start-0': 'error',
      'shop-on-run-start-1': 'skipped',
      only: 'success',
    });
  });

  test('--quiet says nothing when all is well', async () => {
    const shop = project();
    expect(await shop.run('seed', '--quiet')).toEqual({ code: 0, out: '', err: '' });
  });

  test('--log-format json is a document a line', async () => {
    const { out } = await project().run('seed', '--log-format', 'json');
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { info: { name: string; level: string; msg: string } });
    expect(events.map(({ info }) => info.name)).toContain('LogSeedResult');
    expect(events.at(-1)?.info).toMatchObject({ name: 'StatsLine', level: 'info' });
  });

  test('a selection of nothing warns; --warn-error makes it exit code 2', async () => {
    const shop = project();
    const { code, out } = await shop.run('run', '--select', 'nothing_here');
    expect(code).toBe(0);
    expect(out).toContain("The selection criterion 'nothing_here' does not match any");
    expect((await shop.run('run', '--warn-error', '--select', 'nothing_here')).code).toBe(2);
  });

  test('the target of the profile decides the schema', async () => {
    const { out } = await project().run('seed', '--target', 'prod');
    expect(out).toContain('live.raw');
  });
});

describe('an environment', () => {
  const rows = async (shop: Project, sql: string): Promise<unknown> => {
    const { out } = await shop.run('show', '--quiet', '--inline-direct', sql, '--output', 'json');
    return (JSON.parse(out) as { show: unknown }).show;
  };

  test('builds what changed beside production, and takes its place when it is published', async () => {
    const shop = project();
    expect((await shop.run('build')).code).toBe(0);
    putFiles(shop.dir, { 'models/big.sql': 'select id from {{ ref("orders") }} where amount > 5' });
    expect((await shop.run('build', '--env', 'pr-12')).code).toBe(0);
    const results = JSON.parse(
      readFileSync(join(shop.dir, 'target/environments/pr-12/run_results.json'), 'utf8'),
    ) as RunResults;
    expect(results.results.map(({ unique_id: id }) => id)).toEqual(['model.shop.big']);
    expect(await rows(shop, 'select count(*) as n from main.big')).toEqual([{ n: 1 }]);
    expect((await shop.run('publish', '--env', 'pr-12')).code).toBe(0);
    expect(await rows(shop, 'select count(*) as n from main.big')).toEqual([{ n: 2 }]);
  });
});

describe('commands that run nothing', () => {
  test('ls lists, parse writes the manifest, neither opens the warehouse', async () => {
    const shop = project();
    expect(
      (await shop.run('ls', '--quiet', '--select', '+big', '--output', 'name', '--resource-type', 'model'))
        .out,
    ).toBe('big\norders\n');
    expect((await shop.run('parse')).code).toBe(0);
    expect(shop.artifact('manifest.json')).toMatchObject({ metadata: { project_name: 'shop' } });
    expect(existsSync(join(shop.dir, 'shop.duckdb'))).toBe(false);
  });

  test('compile prints a single node, and a query', async () => {
    const shop = project();
    await shop.run('seed');
    expect((await shop.run('compile', '--select', 'big')).out).toContain(
      'Compiled node \'big\' is:\nselect * from "shop"."main"."orders" where amount > 10',
    );
    expect((await shop.run('compile', '--inline', "select * from {{ ref('raw') }}")).out).toContain(
      'select * from "shop"."main"."raw"',
    );
    expect(existsSync(join(shop.dir, 'target/compiled/shop/models/orders.sql'))).toBe(false);
  });

  test('show gives rows as a table or as JSON', async () => {
    const shop = project();
    await shop.run('build');
    const { out } = await shop.run('show', '--select', 'orders', '--limit', '1');
    expect(out).toContain("Previewing node 'orders':\n| id | amount |\n| -- | ------ |\n|  1 |     10 |");
    const json = await shop.run(
      'show',
      '--quiet',
      '--inline',
      "select max(amount) as m from {{ ref('raw') }}",
      '--output',
      'json',
    );
    expect(JSON.parse(json.out)).toEqual({ show: [{ m: 20 }] });
    expect((await shop.run('show', '--quiet', '--inline-direct', 'select 7 as n limit 3')).out).toContain(
      '| 7 |',
    );
  });

  test('docs generate leaves manifest, catalog and a page', async () => {
    const shop = project();
    await shop.run('build');
    expect((await shop.run('docs', 'generate')).code).toBe(0);
    expect(readFileSync(join(shop.dir, 'target/index.html'), 'utf8')).toContain('orders');
    const { nodes } = shop.artifact('catalog.json') as {
      nodes: Record<string, { columns: object }>;
    };
    expect(Object.keys(nodes['model.shop.orders']?.columns ?? {})).toEqual(['id', 'amount']);
  });

  test('run-operation calls a macro; one that is not there is exit code 2', async () => {
    const shop = project({
      'macros/hello.sql': "{% macro hello(who) %}{% do log('hello ' ~ who, info=True) %}{% endmacro %}",
    });
    const { code, out } = await shop.run('run-operation', 'hello', '--args', '{who: you}');
    expect([code, out]).toEqual([0, expect.stringContaining('hello you')]);
    const wrong = await shop.run('run-operation', 'helo');
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain("Did you mean 'hello'");
  });

  test('debug says what is wrong with the connection', async () => {
    const shop = project();
    const { code, out } = await shop.run('debug');
    expect(out).toContain('Connection test: [OK connection ok]');
    expect(code).toBe(0);
    putFiles(shop.dir, { 'profiles.yml': PROFILES.replace('type: duckdb', 'type: oracle') });
    const wrong = await shop.run('debug');
    expect(wrong.code).toBe(1);
    expect(wrong.out).toContain('oracle');
  });

  test('clean deletes what can be made again, and refuses sources and other folders', async () => {
    const shop = project();
    await shop.run('parse');
    expect((await shop.run('clean')).code).toBe(0);
    expect(existsSync(join(shop.dir, 'target'))).toBe(false);
    for (const target of ['models', '../elsewhere', '.']) {
      putFiles(shop.dir, { 'dbt_project.yml': `${PROJECT}clean-targets: ["${target}"]\n` });
      const { code, err } = await shop.run('clean');
      expect([code, err]).toEqual([2, expect.stringContaining(`will not delete '${target}'`)]);
    }
    expect(existsSync(join(shop.dir, 'models/orders.sql'))).toBe(true);
  });

  test('help and version need no project', async () => {
    expect((await runDbt('--help')).out).toContain('source freshness');
    expect((await runDbt('build', '--help')).out).toContain('--full-refresh');
    expect((await runDbt('--version')).out).toContain('1.10');
  });
});

describe('bad input is one clear error', () => {
  test.each<[string, Files, RegExp]>([
    ['a ref to nothing', { 'models/bad.sql': "select * from {{ ref('ordres') }}" }, /ordres[^]*orders/],
    [
      'a source that is not declared',
      { 'models/bad.sql': "select * from {{ source('x', 'y') }}" },
      /models\/bad\.sql/,
    ],
    [
      'models that read each other',
      { 'models/a.sql': "select * from {{ ref('b') }}", 'models/b.sql': "select * from {{ ref('a') }}" },
      /CyclicGraph/,
    ],
    ['two models of one name', { 'models/more/orders.sql': 'select 1' }, /DuplicateNode[^]*orders/],
    ['YAML that is none', { 'models/bad.yml': 'models:\n  - name: "x\n' }, /models\/bad\.yml:\d/],
    [
      'a template that does not end',
      { 'models/bad.sql': 'select {% if true %} 1' },
      /JinjaError[^]*models\/bad\.sql/,
    ],
    ['a project file that is wrong', { 'dbt_project.yml': 'name: 1shop\n' }, /dbt_project\.yml/],
    [
      'a profile that is not there',
      { 'dbt_project.yml': 'name: shop\nprofile: other\n' },
      /no profile 'other'/,
    ],
  ])('%s', async (_, files, message) => {
    const { code, err } = await project(files).run('build');
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err.match(/Error:|Invalid:|NotFound:|Graph:|Node:/g)?.length ?? 0).toBeLessThanOrEqual(1);
  });

  test('a macro that is not there is an error of the model that calls it, as in dbt', async () => {
    const { code, out } = await project({ 'models/bad.sql': 'select {{ amuont(1) }}' }).run(
      'run',
      '-s',
      'bad',
    );
    expect(code).toBe(1);
    expect(out).toMatch(/JinjaError: [^]*amuont[^]*models\/bad\.sql:1/);
  });

  test('a folder without a project says so', async () => {
    const { dir } = project();
    rmSync(join(dir, 'dbt_project.yml'));
    const { code, err } = await runDbt('build', '--project-dir', dir, '--local');
    expect([code, err]).toEqual([2, expect.stringContaining('--project-dir')]);
  });

  test('the project is found from a folder inside it', async () => {
    const { dir } = project();
    vi.spyOn(process, 'cwd').mockReturnValue(join(dir, 'models'));
    try {
      expect((await runDbt('parse')).code).toBe(0);
    } finally {
      vi.restoreAllMocks();
    }
  });
});
