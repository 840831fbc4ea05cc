import { afterAll, beforeAll, expect, test } from 'vitest';
import { fingerprint, makeShop, type Shop } from '../support/shop.js';
import { runWeek, withFaults, type Fault } from '../support/shop-run.js';

const shops: Shop[] = [];
afterAll(() => shops.forEach((shop) => shop.remove()));

/** Runs the whole pipeline once. @returns what every published relation holds */
async function publish(faults: Fault[]): Promise<Record<string, string>> {
  const shop = makeShop();
  shops.push(shop);
  await withFaults(shop.root, faults, async ({ client, happened }) => {
    await runWeek(client, shop.root, 'weekly');
    for (const index of faults.keys()) expect(happened(index)).toHaveLength(1);
  });
  return fingerprint(shop.root);
}

let undisturbed: Record<string, string>;
beforeAll(async () => {
  undisturbed = await publish([]);
});

test(
  'a worker killed after each kind of commit, before it is acknowledged, leaves every row once',
  { timeout: 110_000 },
  async () => {
    const kill = { when: 'after', do: 'kill' } as const;
    const published = await publish([
      { activity: 'loadUnit', ...kill },
      { activity: 'publishNode', ...kill },
      { activity: 'publishScores', ...kill },
    ]);
    expect(Object.keys(published).length).toBeGreaterThan(5);
    expect(published).toEqual(undisturbed);
  },
);
