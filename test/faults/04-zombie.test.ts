import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readManifest } from '../../engines/lake/bronze.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { resultOf } from '../../clients/runs.js';
import { signal } from '../../deploy/local/processes.js';
import { workerEntry } from '../../clients/worker-entry.js';
import { makeShop, readShop, type Shop } from '../support/shop.js';
import { startWeek, until, withFaults, type TestRun } from '../support/shop-run.js';

let shop: Shop;
afterAll(() => shop.remove());

/** A worker process beside those of the stack. @returns what ends it */
function spawnWorker({ address }: TestRun, queues: string): () => Promise<void> {
  const child = spawn(process.execPath, [workerEntry()], {
    env: { ...process.env, TEMPORAL_ADDRESS: address, MILLRACE_QUEUES: queues, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
}

const manifest = async () =>
  readManifest(await openLocalStore(join(shop.root, '.millrace', 'lake')), 'crm', 'customers');

test(
  'a worker that was paused until others had done its work finds the batch taken when it wakes up',
  { timeout: 110_000 },
  async () => {
    shop = makeShop({ customers: 1_000 });
    // with all its files in the lake, one step before the commit
    const stop = {
      lake: 'putIfAbsent',
      key: 'crm/customers/_manifest/',
      when: 'before',
      do: 'stop',
    } as const;
    // one slot, so that nothing else waits for the paused process
    const env = { MILLRACE_QUEUES: 'io,warehouse', MILLRACE_IO_SLOTS: '1' };
    const work = async (stack: TestRun): Promise<void> => {
      const { client, happened } = stack;
      const ends = [spawnWorker(stack, 'control,compute')];
      let paused: number | undefined;
      try {
        const run = await startWeek(client, shop.root, 'load');
        await until(() => happened(0).length === 1, { what: 'the pause' });
        paused = Number(happened(0)[0]?.split(' ').at(-1));
        expect(paused).toBe(stack.pids()['worker-1']);
        expect((await manifest()).version).toBe(0);

        ends.push(spawnWorker(stack, 'io'));
        await until(async () => (await manifest()).version === 1, { what: 'the takeover' });
        const taken = await manifest();

        signal(paused, 'SIGCONT');
        // the transform runs on the worker that was paused: it is alive again and sees what the other one has committed
        const result = await resultOf(client, run);
        expect(result.extract).toMatchObject([{ batches: 1, read: 1_005, loaded: 1_000, quarantined: 5 }]);
        expect(stack.pids()['worker-1']).toBe(paused);
        expect(await manifest()).toEqual(taken);
        await stack.stop(); // ends the former zombie in order: whatever it still had to do, it has done
        expect(await manifest()).toEqual(taken);
      } finally {
        if (paused !== undefined) signal(paused, 'SIGCONT');
        await Promise.all(ends.map((end) => end()));
      }
    };
    await withFaults(shop.root, [stop], work, env);

    const lake = await openLocalStore(join(shop.root, '.millrace', 'lake'));
    const { batches } = await manifest();
    const named = batches.flatMap(({ parts }) => parts.map(({ uri }) => uri));
    expect(await lake.list('bronze/crm/customers/batch=')).toEqual(named);
    const [counted] = await readShop(
      shop.root,
      'select count(*)::int as rows, count(distinct customer_id)::int as ids from crm.customers',
    );
    expect(counted).toEqual({ rows: 1_000, ids: 1_000 });
  },
);
