import { expect, test } from 'vitest';
import { connectTo } from '../../clients/connect.js';
import { resultOf, startRun } from '../../clients/runs.js';
import { workerEntry } from '../../clients/worker-entry.js';
import { makeShop, WEEKS } from '../support/shop.js';
import { startTestStack } from '../support/stack.js';

test('a run over the same interval reuses everything, or nothing when told so', async () => {
  const shop = makeShop({ customers: 200, broken: 0 });
  const stack = await startTestStack({ projects: [shop.root], workerEntry: workerEntry() });
  const { client, close } = await connectTo({ ...stack, uiUrl: undefined });
  try {
    const load = async (reuse?: boolean) => {
      const run = await startRun(client, shop.root, { pipeline: 'load', interval: WEEKS[0], reuse });
      return (await resultOf(client, run)).transform;
    };
    expect(await load()).toMatchObject({ built: 3, passed: 5, reused: 0 });
    expect(await load()).toMatchObject({ built: 0, passed: 0, reused: 8 });
    expect(await load(false)).toMatchObject({ built: 3, passed: 5, reused: 0 });
  } finally {
    await close();
    await stack.stop();
    shop.remove();
  }
});
