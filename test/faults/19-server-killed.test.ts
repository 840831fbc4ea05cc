import { afterAll, expect, test } from 'vitest';
import { resultOf } from '../../clients/runs.js';
import { fingerprint, makeShop, type Shop } from '../support/shop.js';
import { runWeek, startWeek, until, withFaults } from '../support/shop-run.js';

const shops: Shop[] = [];
afterAll(() => shops.forEach((shop) => shop.remove()));
const shop = (): Shop => {
  const made = makeShop();
  shops.push(made);
  return made;
};

test('a run goes on after its server was killed in the middle, and every effect is there once', async () => {
  const quiet = shop();
  const undisturbed = await withFaults(quiet.root, [], ({ client }) => runWeek(client, quiet.root, 'weekly'));

  const { root } = shop();
  // the fault holds a node in mid-transform, so that the server dies while work is under way
  const hold = { activity: 'publishNode', when: 'before', do: 'hang', ms: 1_500 } as const;
  const result = await withFaults(root, [hold], async ({ client, happened, pids }) => {
    const run = await startWeek(client, root, 'weekly');
    await until(() => happened(0).length > 0, { what: 'the transform' });
    const before = pids()['temporal'];
    process.kill(before ?? 0, 'SIGKILL');
    await until(() => ![undefined, before].includes(pids()['temporal']), { what: 'a new server' });
    // the client waits through the restart as the workers do
    let ended: Awaited<ReturnType<typeof resultOf>> | undefined;
    await until(async () => {
      ended = await resultOf(client, run).catch((error: unknown) => {
        if (/unavailable|ECONNREFUSED|deadline/i.test(String(error))) return undefined;
        throw error;
      });
      return ended !== undefined;
    });
    return ended;
  });

  const counts = ({ extract, transform, score }: NonNullable<typeof result>) => ({
    loaded: extract.map(({ loaded }) => loaded),
    built: transform?.built,
    scored: score.map(({ scored }) => scored),
  });
  expect(result && counts(result)).toEqual(counts(undisturbed));
  expect(await fingerprint(root)).toEqual(await fingerprint(quiet.root));
});
