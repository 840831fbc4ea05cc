import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readManifest } from '../../engines/lake/bronze.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { loadProject } from '../../engines/project/load.js';
import { readShop } from '../support/shop.js';
import { runWeek, withFaults } from '../support/shop-run.js';

const DROP = 'drop table main.canary';
/** Names that a CSV's header may bring, whoever wrote it. */
const COLUMNS = [
  'id',
  `a"; ${DROP}; --`,
  `'; ${DROP}; --`,
  `") as t; ${DROP}; select ("`,
  '{{ var("interval_end") }}',
  'select',
  'with space',
  'größe 日本語',
  'two\nlines',
  '$1',
  '../../up',
];
const csvField = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const csvLine = (fields: string[]): string => `${fields.map(csvField).join(',')}\n`;

let folder: string;
let root: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-names-'));
  root = join(folder, `it's [a] "shop"; *`);
  put('millrace.ts', declaration());
  put('dbt/dbt_project.yml', 'name: shop\n');
  put('dbt/models/canary.sql', `{{ config(materialized='table') }}\nselect 1 as alive`);
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const declaration = (source = 'crm', stream = 'orders'): string => `
import { project } from 'millrace';
export default project({
  name: 'shop',
  sources: { ${JSON.stringify(source)}: { kind: 'files', root: 'data', streams: { ${JSON.stringify(stream)}: { path: '*.csv' } } } },
  transform: { dir: 'dbt' },
  pipelines: { load: { cadence: 'week', extract: ['crm.*'] } },
});
`;

const run = () => withFaults(root, [], ({ client }) => runWeek(client, root, 'load'));
const canary = () => readShop(root, 'select alive from main.canary');

describe('names in data', () => {
  test('files, columns, seeds and models of any name are quoted all the way, and nothing of them is executed', async () => {
    const files = [`o'hare "1".csv`, `x'); ${DROP}; --\n.csv`, '[a]*?.csv'];
    for (const [n, file] of files.entries()) {
      const row = COLUMNS.map((_, column) => (column === 0 ? String(n) : `v${column}`));
      put(join('data', file), csvLine(COLUMNS) + csvLine(row));
    }
    const seed = `s'"; ${DROP}; --`;
    put(`dbt/seeds/${seed}.csv`, csvLine(COLUMNS) + csvLine(COLUMNS.map((_, column) => `${column}`)));
    const model = `m"; ${DROP}; --`;
    put(
      `dbt/models/${model}.sql`,
      `{{ config(materialized='table') }}\nselect * from {{ source('crm', 'orders') }}`,
    );
    put(
      'dbt/models/schema.yml',
      `version: 2
sources: [{ name: crm, tables: [{ name: orders }] }]
models:
  - name: ${JSON.stringify(model)}
    columns: [{ name: id, data_tests: [unique, not_null] }]
`,
    );

    const { extract, transform } = await run();
    expect(extract).toMatchObject([{ batches: 3, read: 3, loaded: 3, quarantined: 0 }]);
    expect(transform).toMatchObject({ failed: [], skipped: 0 });

    const { batches } = await readManifest(
      await openLocalStore(join(root, '.millrace', 'lake')),
      'crm',
      'orders',
    );
    expect(batches.map(({ source }) => source.file).sort()).toEqual([...files].sort());
    for (const batch of batches) expect(batch.schema.map(({ name }) => name)).toEqual(COLUMNS);

    const relations = await readShop(
      root,
      `select table_name as name, list(column_name order by ordinal_position) as columns from information_schema.columns
       where table_schema = 'main' group by all order by all`,
    );
    const lineage = ['_source_file', '_source_position', '_batch', '_extracted_at'];
    expect(relations).toEqual([
      { name: 'canary', columns: ['alive'] },
      { name: model, columns: [...COLUMNS, ...lineage] },
      { name: seed, columns: COLUMNS },
    ]);
    const published = `main."${model.replaceAll('"', '""')}"`;
    expect(
      await readShop(root, `select id::int as id, _source_file as file from ${published} order by id`),
    ).toEqual(files.map((file, id) => ({ id, file })));
    expect(await canary()).toEqual([{ alive: 1 }]);
  });
});

describe('names in the project', () => {
  test.each([
    ['a column of a test', 'columns', `1 from main.canary) t; ${DROP}; select count(*) from (select 1 --`],
    ['a column with a quote', 'columns', `a"; ${DROP}; --`],
  ])(
    '%s that carries a statement fails the run, and the statement is not executed',
    async (_what, key, name) => {
      put('data/a.csv', 'id\n1\n');
      put(
        'dbt/models/other.sql',
        `{{ config(materialized='table') }}\nselect 1 as id from {{ ref('canary') }}`,
      );
      const tested = `[{ name: ${JSON.stringify(name)}, data_tests: [not_null] }]`;
      put('dbt/models/schema.yml', `models: [{ name: other, ${key}: ${tested} }]\n`);
      await expect(run()).rejects.toMatchObject({ cause: { type: 'SqlError' } });
      expect(await canary()).toEqual([{ alive: 1 }]);
    },
  );

  test('a model whose text leaves its query fails the run, and what follows is not executed', async () => {
    put('data/a.csv', 'id\n1\n');
    put('dbt/models/other.sql', `select 1 as id from {{ ref('canary') }}); ${DROP}; select (1`);
    await expect(run()).rejects.toMatchObject({ cause: { type: 'SqlError' } });
    expect(await canary()).toEqual([{ alive: 1 }]);
  });

  test.each([
    ['source', `crm"; ${DROP}; --`, 'orders'],
    ['source', '../crm', 'orders'],
    ['stream', 'crm', `orders'; ${DROP}; --`],
    ['stream', 'crm', 'or/ders'],
    ['stream', 'crm', 'Größe'],
    ['stream', 'crm', 'batch=1'],
  ])('a %s called %s.%s is refused when the project is read', async (_what, source, stream) => {
    put('millrace.ts', declaration(source, stream));
    const refused = loadProject(root);
    await expect(refused).rejects.toMatchObject({ type: 'ProjectInvalid' });
    await expect(refused).rejects.toThrow('must be lower case letters, digits and _');
  });
});
