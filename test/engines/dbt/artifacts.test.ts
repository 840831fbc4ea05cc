import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { catalogArtifact } from '../../../engines/dbt/artifacts/catalog.js';
import { graphDict, manifestArtifact, writeManifest } from '../../../engines/dbt/artifacts/manifest.js';
import { modelDict, nodeDict } from '../../../engines/dbt/artifacts/node-dict.js';
import { loadTransform, type Transform } from '../../../engines/dbt/transform.js';
import { context, openMemory, writeProject } from './project.js';
import type { Node } from '../../../engines/dbt/manifest.js';

const FILES = {
  'macros/money.sql':
    '{% macro money(column) %}\n  {{ return(rounded(column)) }}\n{% endmacro %}\n\n{% macro rounded(c) -%} round({{ c }}, 2) {%- endmacro %}\n',
  'seeds/raw.csv': 'id,cents\n1,250\n',
  'models/orders.sql': "select id, {{ money('cents') }} as euros from {{ ref('raw') }}",
  'models/daily.sql': "{{ config(materialized='table', tags='late') }}\nselect id from {{ ref('orders') }}",
  'models/schema.yml': `
groups: [{name: money, owner: {email: a@b.c}}]
macros: [{name: money, description: In euros, arguments: [{name: column, type: string}]}]
models:
  - name: orders
    config: {group: money, contract: {enforced: true}}
    columns:
      - {name: id, data_type: integer, constraints: [{type: not_null}], data_tests: [unique, not_null]}
      - {name: euros, data_type: double}
exposures: [{name: board, type: dashboard, owner: {name: A}, depends_on: ["ref('daily')"]}]
`,
};

async function load(): Promise<Transform> {
  return loadTransform(context(writeProject(FILES), await openMemory(), { audit: false, ledger: false }));
}

test('the manifest says what reads what, in groups too, and which macros call which', async () => {
  const { environment } = await load();
  const manifest = manifestArtifact(environment);
  expect(manifest.metadata).toMatchObject({
    dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json',
    ...{ project_name: 'shop', adapter_type: 'duckdb' },
  });
  expect(manifest.parent_map['model.shop.daily']).toEqual(['model.shop.orders']);
  expect(manifest.child_map['model.shop.daily']).toEqual(['exposure.shop.board']);
  expect(manifest.group_map['money']).toContain('model.shop.orders');
  expect(manifest.macros['macro.shop.money']).toMatchObject({
    ...{ description: 'In euros', path: 'macros/money.sql' },
    depends_on: { macros: ['macro.shop.rounded'] },
    macro_sql: expect.stringMatching(/^\{% macro money\(column\) %\}[\s\S]*\{% endmacro %\}$/) as string,
  });
  expect(manifest.nodes['model.shop.orders']).toMatchObject({
    primary_key: ['id'],
    relation_name: '"memory"."main"."orders"',
    contract: { enforced: true, checksum: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    depends_on: { nodes: ['seed.shop.raw'] },
  });
});

test('a manifest is written whole, with the SQL that a run has compiled', async () => {
  const transform = await load();
  const folder = mkdtempSync(join(tmpdir(), 'millrace-target-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const compiled = await transform.compile('model.shop.daily');
  const file = writeManifest(transform.environment, folder, new Map([['model.shop.daily', { compiled }]]));
  const { nodes } = JSON.parse(readFileSync(file, 'utf8')) as { nodes: Record<string, unknown> };
  expect(nodes['model.shop.daily']).toMatchObject({
    ...{ compiled: true, compiled_code: compiled },
    compiled_path: 'target/compiled/shop/models/daily.sql',
  });
  expect(nodes['model.shop.orders']).not.toHaveProperty('compiled');
});

test('templates see the same dicts: all of it in graph, without what is None in model', async () => {
  const { environment } = await load();
  const node = environment.manifest.nodes.get('model.shop.daily') as Node;
  const whole = nodeDict(node, environment);
  expect(whole.get('version')).toBeNull();
  expect(whole.get('tags')).toEqual(['late']);
  expect(modelDict(node, environment).has('version')).toBe(false);
  expect(graphDict(environment)).toBe(graphDict(environment));
  const nodes = graphDict(environment).get('nodes');
  expect(nodes instanceof Map && [...nodes.keys()]).toContain('model.shop.daily');
});

test('the catalog has what the warehouse has, and leaves out what is not there', async () => {
  const warehouse = await openMemory();
  await warehouse.run('create table orders (id integer, euros double)');
  const { environment } = await loadTransform(
    context(writeProject(FILES), warehouse, { audit: false, ledger: false }),
  );
  const catalog = await catalogArtifact(environment, warehouse);
  expect(catalog.errors).toBeNull();
  expect(Object.keys(catalog.nodes)).toEqual(['model.shop.orders']);
  expect(catalog.nodes['model.shop.orders']).toMatchObject({
    metadata: { type: 'BASE TABLE', schema: 'main', name: 'orders', database: 'memory' },
    columns: { euros: { type: 'DOUBLE', index: 2, name: 'euros', comment: null } },
  });
});
