import { describe, expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import type { NodeRecord } from '../../../schemas/transform.js';
import { context, openMemory, writeProject } from './project.js';

const HOUR = { warn_after: { count: 1, period: 'hour' }, error_after: { count: 2, period: 'day' } };

/** @param table properties of the source's table; `raw.t` has a row of a minute ago and one of 2020 */
async function freshness(table: Record<string, unknown>): Promise<NodeRecord> {
  const warehouse = await openMemory();
  await warehouse.run(`create schema raw; create table raw.t as
    select 1 as id, now() - interval 1 minute as loaded, '2020-01-01' as day
    union all select 2, timestamptz '2020-01-01', '2020-01-01'`);
  const tables = [{ name: 't', config: { freshness: HOUR }, ...table }];
  const dir = writeProject({
    'models/s.yml': JSON.stringify({ sources: [{ name: 'raw', tables }] }),
  });
  const given = context(dir, warehouse, { ledger: false, audit: false, command: 'source freshness' });
  return (await loadTransform(given)).run('source.shop.raw.t');
}

describe('the freshness of a source', () => {
  test('is told by a column, and by the rows that a filter leaves', async () => {
    const { result, freshness: found } = await freshness({ loaded_at_field: 'loaded' });
    expect(result.status).toBe('pass');
    expect(found?.age).toBeGreaterThan(59);
    expect(found?.age).toBeLessThan(120);
    const criteria = { warn_after: HOUR.warn_after, error_after: HOUR.error_after, filter: null };
    expect(found?.criteria).toEqual(criteria);

    const old = await freshness({
      loaded_at_field: 'loaded',
      config: { freshness: { ...HOUR, filter: 'id = 2' } },
    });
    expect(old.result).toMatchObject({
      status: 'error',
      message: expect.stringMatching(
        /^last loaded at 2020-01-01T00:00:00.000Z, \d+ days ago; error after 2 days$/,
      ) as string,
    });
  });

  test('is told by an expression and by a query', async () => {
    const cast = await freshness({ loaded_at_field: 'day::timestamp + interval 1 day' });
    expect(cast.freshness?.maxLoadedAt).toBe('2020-01-02T00:00:00.000Z');
    const query = await freshness({
      loaded_at_query: "select min(loaded) - interval '{{ 1 + 1 }} days' from {{ this }}",
    });
    expect(query.freshness?.maxLoadedAt).toBe('2019-12-30T00:00:00.000Z');
  });

  test('of a table without rows is infinitely old', async () => {
    const { result, freshness: found } = await freshness({
      loaded_at_field: 'loaded',
      config: { freshness: { warn_after: HOUR.warn_after, filter: 'false' } },
    });
    expect(result).toMatchObject({ status: 'warn', message: 'never loaded; warn after 1 hours' });
    expect(found?.maxLoadedAt).toBe('0001-01-01T00:00:00.000Z');
  });

  test.each([
    [{ loaded_at_field: 'nope' }, 'Check that the source is there'],
    [{ identifier: 'gone', loaded_at_field: 'loaded' }, 'source.shop.raw.t'],
    [{ loaded_at_field: "'soon'" }, "'soon' is no time"],
    [{}, 'it has no loaded_at_field'],
  ])('that cannot be told is an error: %j', async (table, message) => {
    await expect(freshness(table)).rejects.toThrow(message);
  });
});
