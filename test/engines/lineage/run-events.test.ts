import { expect, test } from 'vitest';
import { projectLineage } from '../../../engines/lineage/project-lineage.js';
import type { RunEvent } from '../../../engines/lineage/open-lineage.js';
import { endEvents, startEvent, type RunStory } from '../../../engines/lineage/run-events.js';
import { buildBakery } from './built-bakery.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** What the published schema of 2-0-2 asks of every event, and of every facet. */
function checkEvent(event: RunEvent): void {
  expect(event.schemaURL).toBe('https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent');
  expect(() => new URL(event.producer)).not.toThrow();
  expect(event.eventTime).toMatch(TIME);
  expect(event.run.runId).toMatch(UUID);
  const sets = [event.run.facets, event.job.facets];
  for (const dataset of [...event.inputs, ...event.outputs]) {
    expect([dataset.namespace, dataset.name].every((part) => part.length > 0)).toBe(true);
    sets.push(dataset.facets, dataset.inputFacets ?? {}, dataset.outputFacets ?? {});
  }
  for (const set of sets)
    for (const facet of Object.values(set)) {
      expect(facet['_producer']).toBe(event.producer);
      expect(facet['_schemaURL']).toMatch(
        /^https:\/\/openlineage\.io\/spec\/facets\/\d-\d-\d\/(\w+)\.json#\/\$defs\/\1$/,
      );
    }
}

test('a run is told as the standard asks, the same at every retry', async () => {
  const { manifest, catalog, records } = await buildBakery();
  const story: RunStory = {
    ...{ namespace: 'shop', warehouse: 'duckdb:///data/shop.duckdb', run: 'run-1', manifest },
    interval: { start: '2024-03-01T00:00:00Z', end: '2024-03-02T00:00:00Z' },
    startedAt: '2024-03-02T00:00:00Z',
    parent: { job: { namespace: 'shop', name: 'daily' }, run: 'run-0' },
    engine: { name: 'duckdb', version: '1.5' },
  };
  const ending = {
    ...{ outcome: 'COMPLETE' as const, endedAt: '2024-03-02T00:01:00Z' },
    ...{ records, catalog, lineage: await projectLineage(manifest, catalog) },
  };
  const events = [startEvent(story), ...endEvents(story, ending)];
  events.forEach(checkEvent);
  expect(endEvents(story, ending)).toEqual(events.slice(1));
  expect(new Set(events.map(({ run, eventType }) => run.runId + eventType)).size).toBe(events.length);

  const [own] = events;
  expect(own?.run.facets['nominalTime']).toMatchObject({ nominalStartTime: '2024-03-01T00:00:00Z' });
  expect(own?.run.facets['parent']).toMatchObject({ job: { name: 'daily' } });

  const done = events.find(
    ({ job, eventType }) => job.name.endsWith('model.bakery.orders') && eventType === 'COMPLETE',
  );
  expect(done?.run.facets['parent']).toMatchObject({
    run: { runId: own?.run.runId },
    job: { namespace: 'shop', name: 'bakery.transform' },
  });
  expect(done?.job.facets['sql']).toMatchObject({ query: expect.stringContaining('row_number()') as string });
  expect(done?.job.facets['ownership']).toMatchObject({ owners: [{ name: 'Mina', type: 'OWNER' }] });
  expect(done?.inputs.map(({ name }) => name).sort()).toEqual([
    'memory.main.stg_items',
    'memory.main.stg_orders',
    'memory.main.stg_products',
  ]);
  const [orders] = done?.outputs ?? [];
  expect(orders?.name).toBe('memory.main.orders');
  expect(orders?.facets['schema']?.['fields']).toContainEqual({ name: 'total', type: 'DOUBLE' });
  const { fields } = orders?.facets['columnLineage'] as {
    fields: Record<string, { inputFields: unknown[] }>;
  };
  expect(fields['order_id']?.inputFields).toEqual([
    {
      ...{ namespace: 'duckdb:///data/shop.duckdb', name: 'memory.main.stg_orders', field: 'order_id' },
      transformations: [{ type: 'DIRECT', subtype: 'IDENTITY', description: '', masking: false }],
    },
  ]);

  const tested = events.find(
    ({ job, eventType }) => job.name.includes('unique_orders') && eventType === 'COMPLETE',
  );
  expect(tested?.inputs[0]?.inputFacets?.['dataQualityAssertions']).toMatchObject({
    assertions: [{ assertion: 'unique', success: true, column: 'order_id' }],
  });
});

test('a failure is told with its message, and what was skipped is not told', async () => {
  const { manifest, records } = await buildBakery();
  const story: RunStory = {
    ...{ namespace: 'shop', warehouse: 'duckdb://x', run: 'run-2', manifest },
    interval: { start: '2024-03-01T00:00:00Z', end: '2024-03-02T00:00:00Z' },
    ...{ startedAt: '2024-03-02T00:00:00Z', engine: { name: 'duckdb', version: '1.5' } },
  };
  const [first, second] = records;
  if (!first || !second) throw new Error('two nodes were run');
  const events = endEvents(story, {
    ...{ outcome: 'FAIL', endedAt: '2024-03-02T00:01:00Z', message: 'one node failed' },
    ...{ catalog: null, lineage: new Map() },
    records: [
      { ...first, result: { ...first.result, status: 'error', message: 'no such table' } },
      { ...second, result: { ...second.result, status: 'skipped' } },
    ],
  });
  expect(events.map(({ eventType }) => eventType)).toEqual(['START', 'FAIL', 'FAIL']);
  expect(events[1]?.run.facets['errorMessage']).toMatchObject({ message: 'no such table' });
  expect(events[1]?.outputs).toEqual([]);
  expect(events[2]?.run.facets['errorMessage']).toMatchObject({ message: 'one node failed' });
});
