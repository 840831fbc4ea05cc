import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { resultOf } from '../../clients/runs.js';
import { readRegistry } from '../support/registry.js';
import { makeShop, WEEKS, type Shop } from '../support/shop.js';
import { approve, runWeek, startWeek, until, withFaults } from '../support/shop-run.js';

let shop: Shop;
afterEach(() => shop.remove());

test(
  'killed between the registration and the promotion: the old version serves until the one flip',
  { timeout: 110_000 },
  async () => {
    shop = makeShop();
    const file = join(shop.root, 'millrace.ts');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(
        'pipelines: {',
        "pipelines: { scores: { cadence: 'week', score: ['renewal'] },",
      ),
    );
    const kills = [
      { activity: 'promoteCandidate', when: 'before', do: 'kill', times: 2 },
      { activity: 'promoteCandidate', when: 'after', do: 'kill', times: 1 },
    ] as const;
    await withFaults(shop.root, [], ({ client }) => runWeek(client, shop.root, 'weekly'));
    expect((await readRegistry(shop.root)).aliases.champion).toBe(1);

    await withFaults(shop.root, [...kills], async ({ client, happened }) => {
      const run = await startWeek(client, shop.root, 'weekly', WEEKS[1]);
      await approve(client, run);
      await until(() => happened(0).length > 0, { what: 'the kill' });
      const between = await readRegistry(shop.root);
      expect(between.versions).toHaveLength(2);
      expect(between.aliases.champion).toBe(1);

      // the approval is given, but what serves is what the registry says
      const scores = await runWeek(client, shop.root, 'scores', WEEKS[1]);
      expect(scores.score[0]?.version).toBe(1);

      const result = await resultOf(client, run);
      expect([happened(0).length, happened(1).length]).toEqual([2, 1]);
      expect(result.train[0]).toMatchObject({ outcome: 'promoted', version: 2 });
      expect(result.score[0]?.version).toBe(2);
      const { aliases, history } = await readRegistry(shop.root);
      expect(aliases.champion).toBe(2);
      expect(history.filter(({ event, version }) => event === 'promoted' && version === 2)).toHaveLength(1);
    });
  },
);
