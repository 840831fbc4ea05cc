import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withDuckDb } from '../../../engines/lake/duckdb.js';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import { profileParts, readProfile, stageProfile } from '../../../engines/lake/profile.js';
import type { BronzeSchema } from '../../../schemas/lake.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-profile-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const SCHEMA: BronzeSchema = [
  { name: 'id', type: 'int64' },
  { name: 'net "price"', type: 'decimal(12,2)' },
  { name: 'name', type: 'text' },
  { name: 'born', type: 'date' },
  { name: 'seen', type: 'timestamptz' },
  { name: 'vip', type: 'boolean' },
  { name: 'tags', type: 'VARCHAR[]' },
  { name: 'empty', type: 'int32' },
];

/** Rows `from` to `to - 1`; every tenth has no price. */
const rows = (from: number, to: number): string => `
  SELECT i AS id, CASE WHEN i % 10 = 0 THEN NULL ELSE (i / 100)::DECIMAL(12,2) END AS "net ""price""",
    repeat('x', (3 + i % 5)::INT) AS name, DATE '1990-01-01' + (i % 300)::INT AS born,
    TIMESTAMPTZ '2026-01-01 00:00:00+00' + i * INTERVAL 1 SECOND AS seen, i % 2 = 0 AS vip, ['a', 'b'] AS tags,
    NULL::INTEGER AS empty, 'f.csv' AS _source_file, i AS _source_position
  FROM range(${from}, ${to}) r(i)`;

/** Runs `work` on a session with the given rows as Parquet parts. */
const withParts = <T>(
  parts: string[],
  work: (session: DuckDBConnection, paths: string[]) => Promise<T>,
): Promise<T> =>
  withDuckDb({ workDir: root }, async ([session]) => {
    if (!session) throw new Error('no session');
    const paths = parts.map((_, index) => join(root, `part-${index}.parquet`));
    for (const [index, sql] of parts.entries())
      await session.run(`COPY (${sql}) TO '${paths[index]}' (FORMAT parquet, ROW_GROUP_SIZE 20480)`);
    return work(session, paths);
  });

test('a small batch is counted whole', async () => {
  const profile = await withParts([rows(1, 601), rows(601, 1001)], (session, paths) =>
    profileParts(session, paths, SCHEMA),
  );
  expect([profile.rows, profile.sampled]).toEqual([1000, 1000]);
  const column = Object.fromEntries(profile.columns.map((one) => [one.name, one]));
  expect(column['id']).toMatchObject({ nulls: 0, min: '1', max: '1000', mean: 500.5, exact: true });
  expect(column['net "price"']).toMatchObject({ nulls: 100, min: '0.01', max: '9.99' });
  expect(column['name']).toMatchObject({ nulls: 0, shortest: 3, longest: 7, distinct: 5 });
  expect(column['born']).toMatchObject({ min: '1990-01-01', max: '1990-10-27' });
  expect(column['seen']).toMatchObject({ min: '2026-01-01 00:00:01+00' });
  expect(column['vip']).toMatchObject({ nulls: 0, distinct: 2 });
  expect(column['tags']).toEqual({ name: 'tags', type: 'VARCHAR[]', nulls: 0, exact: true });
  expect(column['empty']).toEqual({ name: 'empty', type: 'int32', nulls: 1000, distinct: 0, exact: true });
});

describe('of a large batch', () => {
  const parts = [rows(1, 200_001), rows(200_001, 400_001)];

  test('nulls and ranges are exact and the rest is of a sample from all of it', async () => {
    const profile = await withParts(parts, (session, paths) => profileParts(session, paths, SCHEMA));
    expect(profile.rows).toBe(400_000);
    expect(profile.sampled).toBeLessThan(40_000);
    const column = Object.fromEntries(profile.columns.map((one) => [one.name, one]));
    expect(column['id']).toMatchObject({ nulls: 0, min: '1', max: '400000', exact: true });
    expect(column['id']?.mean).toBeGreaterThan(100_000);
    expect(column['net "price"']).toMatchObject({ nulls: 40_000, min: '0.01', max: '3999.99', exact: true });
    expect(column['seen']).toMatchObject({ max: '2026-01-05 15:06:40+00', exact: true });
    expect(column['name']).toMatchObject({ nulls: 0, shortest: 3, longest: 7, exact: true });
    expect(column['empty']).toMatchObject({ nulls: 400_000, exact: true });
    expect(column['tags']?.exact).toBe(false);
  });

  test('the same rows give the same bytes, under a name that says so', async () => {
    const stage = (): Promise<{ ref: { uri: string; sha256: string } }> =>
      withParts(parts, (session, paths) =>
        stageProfile({
          ...{ session, folder: root, paths, schema: SCHEMA },
          ...{ source: 'crm', stream: 'customers', key: 'k1' },
        }),
      );
    const first = await stage();
    expect(await stage()).toEqual(first);
    expect(first.ref.uri).toBe(`bronze/crm/customers/_profile/k1-${first.ref.sha256.slice(0, 12)}.json`);
  });
});

test('no value of a text column is kept, and what was written is read back', async () => {
  const secret = `SELECT 'ana@example.com' AS name, 1 AS _source_position`;
  const staged = await withParts([secret], (session, paths) =>
    stageProfile({
      ...{ session, folder: root, paths, schema: [{ name: 'name', type: 'text' }] },
      ...{ source: 'crm', stream: 'customers', key: 'k2' },
    }),
  );
  const store = await openLocalStore(join(root, 'lake'));
  await store.putFile(staged.ref.uri, staged.path);
  expect((await store.get(staged.ref.uri)).toString()).not.toContain('ana@');
  const profile = await readProfile(store, staged.ref);
  expect(profile.columns[0]).toMatchObject({ shortest: 15, longest: 15, distinct: 1 });
});
