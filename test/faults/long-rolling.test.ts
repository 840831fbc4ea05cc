import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { resultOf, startRun } from '../../clients/runs.js';
import { fingerprint, makeShop, WEEKS, type Shop } from '../support/shop.js';
import { until, withFaults, type TestRun } from '../support/shop-run.js';

const RESTARTS = 2 * Number(process.env['MILLRACE_FAULT_ROUNDS'] ?? 10);
const shops: Shop[] = [];
afterAll(() => shops.forEach((shop) => shop.remove()));

/** Pairs of runs, one over each week and every node built anew, until it is enough. @returns how many runs there were */
async function load(root: string, { client }: TestRun, enough: () => boolean): Promise<number> {
  let runs = 0;
  do {
    for (const interval of WEEKS) {
      await resultOf(client, await startRun(client, root, { pipeline: 'load', interval, reuse: false }));
      runs++;
    }
  } while (!enough());
  return runs;
}

test(`${RESTARTS} rolling restarts under load fail no run`, async () => {
  const shop = (): Shop => {
    const made = makeShop();
    shops.push(made);
    return made;
  };
  const quiet = shop();
  await withFaults(quiet.root, [], (run) => load(quiet.root, run, () => true));

  const { root } = shop();
  await withFaults(root, [], async (run) => {
    let restarts = 0;
    const running = load(root, run, () => restarts >= RESTARTS);
    const ended = running.catch(() => undefined);
    while (restarts < RESTARTS) {
      await sleep(500 + (restarts % 5) * 400);
      const pid = run.pids()['worker-1'];
      if (pid === undefined) continue;
      process.kill(pid, 'SIGTERM');
      restarts++;
      await until(() => ![undefined, pid].includes(run.pids()['worker-1']), { what: 'a new worker' });
      await sleep(1_500);
    }
    await ended;
    expect(await running).toBeGreaterThan(1);
  });
  expect(await fingerprint(root)).toEqual(await fingerprint(quiet.root));
});
