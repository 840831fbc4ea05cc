import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { batchFolders, readManifest } from '../../engines/lake/bronze.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { resultOf } from '../../clients/runs.js';
import { makeShop, WEEKS, type Shop } from '../support/shop.js';
import { runWeek, startWeek, until, withFaults } from '../support/shop-run.js';

let shop: Shop;
beforeEach(() => {
  shop = makeShop({ customers: 1_000 });
});
afterEach(() => shop.remove());

const lake = () => openLocalStore(join(shop.root, '.millrace', 'lake'));

/** Where the stream stands, and every file that lies in bronze and in quarantine. */
async function cursor(): Promise<{ version: number; batches: string[]; files: string[] }> {
  const store = await lake();
  const { version, batches } = await readManifest(store, 'crm', 'customers');
  const files = [
    ...(await store.list('bronze/crm/customers/batch=')),
    ...(await store.list('quarantine/crm/customers/')),
  ];
  return { version, batches: batches.map(({ key }) => key), files };
}

test('a file beyond the tolerance fails the run and leaves the cursor where it was', async () => {
  const path = join(shop.root, 'data', `customers-${WEEKS[1]}.csv`);
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, good.replaceAll(/^(\d+),2025/gm, '$1,not a date'));

  await withFaults(shop.root, [], async ({ client }) => {
    await runWeek(client, shop.root, 'load');
    const before = await cursor();
    expect(before.version).toBe(1);

    const failed = runWeek(client, shop.root, 'load', WEEKS[1]);
    await expect(failed).rejects.toMatchObject({ cause: { type: 'ToleranceExceeded' } });
    expect(await cursor()).toEqual(before);

    writeFileSync(path, good);
    const [loaded] = (await runWeek(client, shop.root, 'load', WEEKS[1])).extract;
    expect(loaded).toMatchObject({ batches: 1, read: 1_005, loaded: 1_000, quarantined: 5 });
    expect((await cursor()).version).toBe(2);
  });
});

test('a worker killed when all but the commit was done leaves the cursor, and its files are not left over', async () => {
  const before = {
    lake: 'putIfAbsent',
    key: 'crm/customers/_manifest/',
    when: 'before',
    do: 'kill',
  } as const;
  await withFaults(shop.root, [before], async ({ client, happened }) => {
    const run = await startWeek(client, shop.root, 'load');
    await until(() => happened(0).length === 1, { what: 'the kill' });
    expect(await cursor()).toMatchObject({ version: 0, batches: [] });

    const result = await resultOf(client, run);
    expect(result.extract).toMatchObject([{ batches: 1, read: 1_005, loaded: 1_000, quarantined: 5 }]);
    const { version, batches, files } = await cursor();
    expect([version, batches.length]).toEqual([1, 1]);
    const { rows, quarantine } = batchFolders('crm', 'customers', batches[0] ?? '');
    expect(files.map((file) => file.slice(0, file.lastIndexOf('/')))).toEqual([rows, quarantine]);
  });
});
