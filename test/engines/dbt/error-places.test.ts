import { expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import { MillraceError } from '../../../schemas/errors.js';
import { context, openMemory, putFiles, writeProject, type Files } from './project.js';

async function failureOf(files: Files, id: string): Promise<MillraceError> {
  const transform = await loadTransform(context(writeProject(files), await openMemory()));
  const cause = await transform.run(id).catch((error: unknown) => error);
  if (!(cause instanceof MillraceError)) throw new Error(`no MillraceError but ${String(cause)}`);
  return cause;
}

test.each(['table', 'incremental'])(
  'a broken contract of a model built as %s is told as a table of columns, at the model',
  async (materialized) => {
    const error = await failureOf(
      {
        'models/orders.sql': `{{ config(materialized='${materialized}', on_schema_change='fail') }}\nselect 1 as id, 'x' as note`,
        'models/orders.yml': `models:
  - name: orders
    config: { contract: { enforced: true } }
    columns:
      - { name: id, data_type: varchar }
      - { name: amount, data_type: integer }
`,
      },
      'model.shop.orders',
    );
    expect(error.type).toBe('SchemaMismatch');
    expect(error.where.file).toBe('models/orders.sql');
    expect(error.what.split('\n').slice(2).join('\n')).toBe(`\
| column_name | definition_type | contract_type | mismatch_reason       |
| ----------- | --------------- | ------------- | --------------------- |
| amount      |                 | INTEGER       | missing in definition |
| id          | INTEGER         | VARCHAR       | data type mismatch    |
| note        | VARCHAR         |               | missing in contract   |
`);
  },
);

test('what a built-in macro raises is told at the model, without the macros that nobody can open', async () => {
  const model = (columns: string): Files => ({
    'models/m.sql': `{{ config(materialized='incremental', on_schema_change='fail') }}\nselect ${columns}`,
  });
  const dir = writeProject(model('1 as a'));
  const warehouse = await openMemory();
  await (await loadTransform(context(dir, warehouse))).run('model.shop.m');
  putFiles(dir, model('1 as a, 2 as b'));
  const changed = await loadTransform(context(dir, warehouse, { run: 'run-2' }));
  const error = (await changed.run('model.shop.m').catch((cause: unknown) => cause)) as MillraceError;
  expect(error.where.file).toBe('models/m.sql');
  expect(error.what).toMatch(/lacks: b; columns it has that the query lacks: none; other types: none/);
  expect(error.what).not.toMatch(/through macro|DuckDBColumn/);
});

test('an SQL error of the model under a unit test is told at the model, and the test is named', async () => {
  const error = await failureOf(
    {
      'models/given.sql': "{{ config(materialized='table') }} select 1 as amount",
      'models/sums.sql': "select sum(amonut) as total\nfrom {{ ref('given') }}",
      'models/sums.yml': `unit_tests:
  - name: adds
    model: sums
    given: [{ input: ref('given'), rows: [{ amount: 1 }] }]
    expect: { rows: [{ total: 1 }] }
`,
    },
    'unit_test.shop.sums.adds',
  );
  expect(error.type).toBe('SqlError');
  expect(error.where.file).toBe('models/sums.sql');
  expect(error.what).toMatch(/unit test 'adds'.*amonut/s);
  expect(error.fix).toMatch(/models\/sums\.yml:2/);
});
