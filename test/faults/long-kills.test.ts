import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { afterAll, expect, test } from 'vitest';
import { answerApproval, listAwaiting } from '../../clients/approvals.js';
import { resultOf, startRun } from '../../clients/runs.js';
import { ENGAGEMENT_WEEKS, makeEngagement } from '../support/engagement.js';
import { fingerprint, type Shop } from '../support/shop.js';
import { until, withFaults, type TestRun } from '../support/shop-run.js';

const KILLS = Number(process.env['MILLRACE_FAULT_ROUNDS'] ?? 10);
const CUSTOMERS = 20_000;
const shops: Shop[] = [];
afterAll(() => shops.forEach((shop) => shop.remove()));

/** The same sequence every time; numbers from 0 to 1. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Both weeks, with an approval for the second. @returns what every published relation holds */
async function play(
  disturb: (run: TestRun, ended: () => boolean) => Promise<void>,
): Promise<Record<string, string>> {
  const shop = await makeEngagement(CUSTOMERS);
  shops.push(shop);
  await withFaults(shop.root, [], async (run) => {
    let ended = false;
    const disturbing = disturb(run, () => ended);
    try {
      for (const interval of ENGAGEMENT_WEEKS) {
        const started = await patiently(() =>
          startRun(run.client, shop.root, { pipeline: 'weekly', interval }),
        );
        if (interval === ENGAGEMENT_WEEKS[1]) await approve(run.client, started.workflowId);
        await patiently(() => resultOf(run.client, started));
      }
    } finally {
      ended = true;
      await disturbing;
    }
  });
  return fingerprint(shop.root);
}

async function approve(client: Client, run: string): Promise<void> {
  await until(
    () =>
      patiently(async () => {
        if ((await listAwaiting(client, run)).length === 0) return false;
        await answerApproval(client, 'approve', { run, who: 'ana@example.com', why: 'better' });
        return true;
      }),
    { seconds: 400, what: 'the candidate' },
  );
}

/** A server that is being restarted is asked again, as the command line's user would. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const text = String(error instanceof Error ? (error.cause ?? error) : error);
      if (tries > 200 || !/UNAVAILABLE|DEADLINE|CANCELLED|ECONNREFUSED|No connection|Query/i.test(text))
        throw error;
      await sleep(250);
    }
  }
}

test(`published relations are the same after ${KILLS} kills of the worker and one of the server`, async () => {
  const undisturbed = await play(async () => {});
  expect(Object.keys(undisturbed).length).toBeGreaterThan(8);

  const next = random(20_261_120);
  let kills = 0;
  const killed = async ({ pids }: TestRun, ended: () => boolean): Promise<void> => {
    const serverAt = Math.floor(KILLS / 2);
    while (kills < KILLS && !ended()) {
      await sleep(300 + next() * 2_500);
      const pid = pids()['worker-1'];
      if (pid === undefined || ended()) continue;
      process.kill(pid, 'SIGKILL');
      kills++;
      const server = pids()['temporal'];
      if (kills === serverAt && server !== undefined) {
        await sleep(next() * 1_000);
        process.kill(server, 'SIGKILL');
      }
      // another random moment needs a worker that works; the supervisor brings it within seconds
      await until(() => pids()['worker-1'] !== undefined, { what: 'a new worker' });
      await sleep(1_500);
    }
  };
  expect(await play(killed)).toEqual(undisturbed);
  expect(kills).toBe(KILLS);
});
