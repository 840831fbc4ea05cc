import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readManifest } from '../../engines/lake/bronze.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { openRegistry } from '../../engines/ml/registry.js';
import { resultOf } from '../../clients/runs.js';
import { fingerprint, makeShop, readShop, WEEKS, type Shop } from '../support/shop.js';
import { approve, runWeek, startWeek, withFaults, type Fault } from '../support/shop-run.js';

const shops: Shop[] = [];
afterAll(() => shops.forEach((shop) => shop.remove()));

/** Two weeks, the second of which replaces the champion. @returns every effect there is, counted */
async function effects(faults: Fault[]): Promise<Record<string, unknown>> {
  const shop = makeShop();
  shops.push(shop);
  const { root } = shop;
  await withFaults(root, faults, async ({ client, happened }) => {
    await runWeek(client, root, 'weekly');
    const second = await startWeek(client, root, 'weekly', WEEKS[1]);
    await approve(client, second);
    await resultOf(client, second);
    for (const [index, { times }] of faults.entries()) expect(happened(index)).toHaveLength(times ?? 1);
  });
  const lake = await openLocalStore(join(root, '.millrace', 'lake'));
  const { version, batches } = await readManifest(lake, 'crm', 'customers');
  const registry = await openRegistry(lake, 'renewal').read();
  const count = async (relation: string): Promise<unknown> =>
    (await readShop(root, `select count(*)::int as n from ${relation}`))[0]?.['n'];
  return {
    manifest: version,
    files: batches.map(({ source, loaded }) => [source.file, loaded]),
    parts: (await lake.list('bronze/crm/customers/batch=')).length,
    registry: registry.history.map(({ event, version: of }) => `${event} ${of}`),
    ledger: await readShop(
      root,
      `select columns(c -> c not in ('published_at', 'run')) from millrace.relations order by all`,
    ),
    waiting: await count('millrace.audits'),
    scores: await count('millrace.published_scores'),
    qa: await count('main.renewal_scores_qa'),
    relations: await fingerprint(root),
  };
}

test(
  'an answer that is lost after the operation has committed is asked for again, without a second effect',
  { timeout: 110_000 },
  async () => {
    const lost = { when: 'after', do: 'loseAnswer' } as const;
    const undisturbed = await effects([]);
    const disturbed = await effects([
      { lake: 'putIfAbsent', key: 'crm/customers/_manifest/', ...lost },
      { lake: 'putIfAbsent', key: 'renewal/registry/', ...lost },
      { activity: 'loadUnit', ...lost },
      { activity: 'buildNode', ...lost },
      { activity: 'publishNode', ...lost },
      { activity: 'judgeCandidate', ...lost },
      { activity: 'promoteCandidate', ...lost },
      { activity: 'publishScores', ...lost },
    ]);
    expect(disturbed).toEqual(undisturbed);
    expect(disturbed).toMatchObject({ manifest: 2, parts: 2, waiting: 0, scores: 2, qa: 2 });
    expect(disturbed['registry']).toEqual(['registered 1', 'promoted 1', 'registered 2', 'promoted 2']);
  },
);
