import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';
import type { Row } from '../../engines/warehouse/port.js';
import { runDbt, type Said } from '../clients/dbt/command.js';

const DROP = 'drop table main.canary';
const UP = '../../../../../../evil';
/** Names that somebody else's project or data may bring. */
const EVIL = `x"; ${DROP}; --`;
const QUOTED = `x'; ${DROP}; --`;
const LONG = 'long_'.repeat(1_000);
const HEADER = [
  'id',
  EVIL,
  QUOTED,
  `") as t; ${DROP}; select ("`,
  '{{ var("x") }}',
  'two\nlines',
  'select',
  UP,
];

let folder: string;
let dir: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-dbt-names-'));
  dir = join(folder, 'a', 'b', `it's a "shop"; *`);
  file = join(folder, 'a', `w'";.duckdb`);
  put('dbt_project.yml', 'name: shop\n');
  put('models/canary.sql', `{{ config(materialized='table') }}\nselect 1 as alive`);
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}
const dbt = (command: string, ...more: string[]): Promise<Said> =>
  runDbt(...command.split(' '), '--project-dir', dir, '--database', file, '--local', ...more);
const yaml = (document: unknown): string => JSON.stringify(document);

async function read<T extends Row>(sql: string): Promise<T[]> {
  const warehouse = await openDuckDb({ path: file, memoryLimit: '256MB' });
  try {
    return await warehouse.query<T>(sql);
  } finally {
    await warehouse.close();
  }
}
const canary = (): Promise<Row[]> => read('select alive from main.canary');

/** Everything outside of the project, its database, and the database's folder for what does not fit into memory. */
const outside = (): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((path) => !path.startsWith(join('a', 'b', 'it')))
    .sort();

test('models, seeds, snapshots, schemas, aliases and columns of any name are quoted, and their files stay in the project', async () => {
  const line = (cells: string[]): string =>
    `${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')}\n`;
  put(`seeds/${EVIL}.csv`, line(HEADER) + line(HEADER.map((_, at) => String(at))));
  put(`models/${EVIL} m.sql`, `{{ config(materialized='table') }} select * from {{ ref(${yaml(EVIL)}) }}`);
  put('models/other.sql', `{{ config(schema=${yaml(EVIL)}, alias=${yaml(UP)}) }} select 1 as id`);
  put(
    'models/grown.sql',
    `{{ config(materialized='incremental', unique_key='id', alias=${yaml(QUOTED)}) }} select 1 as id`,
  );
  put('models/two.sql', `{{ config(materialized='table', alias='two\\nlines') }} select 1 as id`);
  put(
    'models/src.sql',
    `-- depends_on: {{ ref('canary') }}\nselect * from {{ source(${yaml(UP)}, 'orders') }}`,
  );
  put(
    'models/schema.yml',
    yaml({
      sources: [
        { name: UP, schema: 'main', tables: [{ name: 'orders', identifier: 'canary', description: EVIL }] },
      ],
      models: [
        {
          name: 'other',
          description: `</script><script>alert(1)</script>{{ '${EVIL.replaceAll("'", '')}' }}`,
          columns: [
            { name: 'id', data_tests: [{ not_null: { name: `${UP}/test` } }, { unique: { name: EVIL } }] },
          ],
        },
        { name: 'two', columns: [{ name: 'id', data_tests: [{ unique: { name: LONG } }] }] },
        {
          name: `${EVIL} m`,
          data_tests: [],
          columns: [
            { name: EVIL, quote: true, data_tests: ['not_null', { accepted_values: { values: ['1'] } }] },
          ],
        },
      ],
      exposures: [
        {
          name: 'report',
          label: EVIL,
          type: 'dashboard',
          url: 'javascript:alert(1)',
          owner: { name: EVIL, email: 'a@b.c' },
          depends_on: ["ref('other')"],
        },
      ],
      snapshots: [
        {
          name: `${UP}/snap`,
          relation: "ref('other')",
          config: { strategy: 'check', unique_key: 'id', check_cols: 'all', schema: 'kept' },
        },
      ],
      unit_tests: [{ name: `${UP}/unit`, model: 'other', given: [], expect: { rows: [{ id: 1 }] } }],
    }),
  );
  const before = outside();
  for (let n = 0; n < 2; n++) {
    const { code, out } = await dbt('build');
    expect(out).toMatch(/ERROR=0 SKIP=0/);
    expect(code, out).toBe(0);
  }
  expect((await dbt('docs generate')).code).toBe(0);
  expect(await canary()).toEqual([{ alive: 1 }]);
  const columns = await read(
    `select column_name as name from information_schema.columns where table_name = '${EVIL} m' order by ordinal_position`,
  );
  expect(columns.map(({ name }) => name)).toEqual(HEADER);
  expect(outside().filter((path) => !before.includes(path) && !path.includes('.duckdb'))).toEqual([]);
  expect(existsSync(join(folder, 'evil'))).toBe(false);
});

test.each([
  ['--select', ['--select', EVIL]],
  ['--select', ['--select', 'path:../../../*']],
  ['--select', ['--select', `tag:${'('.repeat(500)}`]],
  ['--select', ['--select', `${'+'.repeat(100)}canary`]],
  ['--select', ['--select', LONG]],
  ['--exclude', ['--exclude', `config.${UP}:${EVIL}`]],
  ['--vars', ['--vars', JSON.stringify({ [EVIL]: EVIL, __proto__: { polluted: 1 }, constructor: LONG })]],
  ['--vars', ['--vars', `{"__proto__": {"polluted": "yes"}}`]],
])('%s of a hostile text does nothing but select or not: %#', async (_option, args) => {
  put('models/with_var.sql', `select '{{ var(${yaml(EVIL)}, "none") | replace("'", "") }}' as v`);
  const { code } = await dbt('build', ...args);
  expect([0, 1, 2]).toContain(code);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect((await dbt('build', '--select', 'canary')).code).toBe(0);
  expect(await canary()).toEqual([{ alive: 1 }]);
});

test.each([
  ['a project', { 'dbt_project.yml': yaml({ name: UP }) }],
  ['a project', { 'dbt_project.yml': yaml({ name: EVIL }) }],
  ['a model by its text', { 'models/bad.sql': `select 1 as id); ${DROP}; select (1` }],
])('%s that leaves its place is refused, and nothing of it is executed', async (_what, files) => {
  expect((await dbt('build')).code).toBe(0);
  for (const [path, text] of Object.entries(files)) put(path, text);
  const before = outside();
  const { code, out, err } = await dbt('build');
  expect(code, out).not.toBe(0);
  expect(out + err).not.toMatch(/\n\s+at .*\.(ts|js):\d/); // a message, no stack
  expect(await canary()).toEqual([{ alive: 1 }]);
  expect(outside()).toEqual(before);
});

test('an environment of any name keeps to its own folder, or is refused', async () => {
  expect((await dbt('build')).code).toBe(0);
  const before = outside();
  for (const name of [UP, EVIL, '..', LONG]) {
    expect([0, 2]).toContain((await dbt('build', '--env', name)).code);
    expect(outside()).toEqual(before);
  }
  expect(await canary()).toEqual([{ alive: 1 }]);
});

test('what is written about a project into its page cannot act in a reader’s browser', async () => {
  put('models/shown.sql', 'select 1 as id');
  const text = '</script><script>alert(1)</script><img src=x onerror=alert(2)>';
  put(
    'models/schema.yml',
    yaml({ models: [{ name: 'shown', description: text, columns: [{ name: 'id', description: text }] }] }),
  );
  expect((await dbt('build')).code).toBe(0);
  expect((await dbt('docs generate')).code).toBe(0);
  const page = readFileSync(join(dir, 'target', 'index.html'), 'utf8');
  expect(page).not.toContain('<script>alert(1)');
});
