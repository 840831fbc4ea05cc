import { expect, test } from 'vitest';
import { ultimateSources, type GraphLineage } from '../../../engines/lineage/graph-lineage.js';
import { projectLineage } from '../../../engines/lineage/project-lineage.js';
import { BAKERY_MARTS } from './bakery.js';
import { buildBakery } from './built-bakery.js';

const MARKS = { identity: '', transformation: '~', aggregation: '+', condition: '?' };

function sources(graph: GraphLineage, id: string, column: string): string[] {
  const found = ultimateSources(graph, id, column);
  expect(found.unknown).toBeNull();
  return found.sources
    .map(({ relation, column: name, use }) => `${MARKS[use]}${relation.split('.').at(-1) ?? ''}.${name}`)
    .sort();
}

test('every column of the marts of a shop comes from where it should, with a catalog and without', async () => {
  const { manifest, catalog } = await buildBakery();
  for (const known of [catalog, null]) {
    const graph = await projectLineage(manifest, known);
    const found = Object.keys(BAKERY_MARTS).map((mart) => {
      const id = `model.bakery.${mart}`;
      const columns = graph.get(id)?.columns ?? [];
      return [mart, Object.fromEntries(columns.map(({ name }) => [name, sources(graph, id, name)]))];
    });
    expect(Object.fromEntries(found)).toEqual(BAKERY_MARTS);
  }
});

test('an ephemeral model is a step of its own, and the columns that a snapshot adds have sources', async () => {
  const { manifest, catalog } = await buildBakery();
  const graph = await projectLineage(manifest, catalog);
  const items = graph.get('model.bakery.orders')?.columns.find(({ name }) => name === 'items');
  expect(items?.sources).toEqual([
    { relation: 'model.bakery.priced_items', column: 'item_id', use: 'aggregation' },
  ]);
  expect(sources(graph, 'snapshot.bakery.customers_then', 'dbt_scd_id')).toEqual(['~raw_customers.id']);
});
