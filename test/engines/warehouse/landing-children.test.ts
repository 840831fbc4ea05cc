import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commitBatches } from '../../../engines/lake/bronze.js';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import { bindSource } from '../../../engines/warehouse/bind-source.js';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import { Source } from '../../../schemas/source.js';
import { Bronze } from './bronze-of.js';

let folder: string;
let lake: ObjectStore;
let bronze: Bronze;
let warehouse: Warehouse;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-children-'));
  lake = await openLocalStore(join(folder, 'lake'));
  bronze = await Bronze.open(lake, folder);
  warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '512MB' });
});
afterEach(async () => {
  bronze.close();
  await warehouse.close();
  await rm(folder, { recursive: true, force: true });
});

const PARENT = [
  { name: 'id', type: 'int64' },
  { name: 'name', type: 'text' },
];
const CHILD = [
  { name: '_parent_id', type: 'int32' },
  { name: 'text', type: 'text' },
];
const minutes = (n: number): string => `2025-01-01T00:0${n}:00Z`;

async function load(n: number, parents: string, children: string | null): Promise<void> {
  const more = { run: `r${n}`, extractedAt: minutes(n) };
  const staged = [await bronze.stage('s', 't', PARENT, parents, more)];
  if (children !== null)
    staged.push(await bronze.stage('s', 't__notes', CHILD, children, { ...more, stream: 't__notes' }));
  await commitBatches(lake, 's', 't', staged);
}

const bind = (disposition: unknown) =>
  bindSource({
    ...{ warehouse, lake, source: 's' },
    spec: Source.parse({
      ...{ kind: 'rest', baseUrl: 'https://example.com' },
      streams: {
        t: {
          ...{ path: 't', params: { since: '{cursor}' }, cursor: { field: 'id', from: 0 }, disposition },
          children: { notes: { path: 'notes', parentKey: ['id'] } },
        },
      },
    }),
  });
const notes = () => warehouse.query('select _parent_id as id, text from s.t__notes order by all');

describe.each([
  ['merge', { merge: ['id'], deleteWhen: "name = 'gone'" }],
  ['scd2', { scd2: ['id'], deleteWhen: "name = 'gone'" }],
])('under %s', (_, disposition) => {
  test('a parent that comes again brings its children anew, and takes them with it', async () => {
    await load(1, "values (1, 'a'), (2, 'b'), (3, 'c')", "values (1, 'x'), (1, 'y'), (2, 'z'), (3, 'w')");
    await bind(disposition);
    expect(await notes()).toHaveLength(4);
    await load(2, "values (1, 'a'), (2, 'b2')", "values (1, 'x')");
    await bind(disposition);
    expect(await notes()).toEqual([
      { id: 1, text: 'x' },
      { id: 3, text: 'w' },
    ]);
    await load(3, "values (3, 'gone')", null);
    await bind(disposition);
    expect(await notes()).toEqual([{ id: 1, text: 'x' }]);
  });
});

test('under replace the children are those of the last load', async () => {
  await load(1, "values (1, 'a')", "values (1, 'x')");
  await load(2, "values (2, 'b')", "values (2, 'y')");
  await bind('replace');
  expect(await notes()).toEqual([{ id: 2, text: 'y' }]);
  await load(3, "values (3, 'c')", null);
  await bind('replace');
  expect(await notes()).toEqual([]);
});

test('under append every child stays', async () => {
  await load(1, "values (1, 'a')", "values (1, 'x')");
  await load(2, "values (1, 'a')", "values (1, 'x')");
  await bind('append');
  expect(await notes()).toHaveLength(2);
});
