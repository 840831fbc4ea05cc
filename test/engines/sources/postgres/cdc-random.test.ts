import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../../support/postgres-server.js';
import { Replica } from './replica.js';
import { temporaryLake, type Lake } from './support.js';
import { random, TABLES, writeUntil } from './workload.js';

let server: PostgresServer;
let lake: Lake;
beforeAll(async () => {
  [server, lake] = await Promise.all([startPostgres(), temporaryLake()]);
});
afterAll(async () => {
  await server.stop();
  await lake.remove();
});

const STREAMS = {
  items: { contract: 'evolve' },
  pairs: {},
  whole: {},
} as const;

const expectSame = async (replica: Replica, server: PostgresServer): Promise<void> => {
  const tables = [
    { name: 'items', key: ['id'], columns: ['name', 'big', 'n', 'state', 'tags', 'extra'] },
    { name: 'pairs', key: ['a', 'b'], columns: ['v'] },
    { name: 'whole', key: ['k'], columns: ['big', 'v'] },
  ];
  for (const { name, key, columns } of tables) {
    const list = [...key, ...columns].map((one) => (one === 'n' || one === 'extra' ? `${one}::text` : one));
    const source = await server.sql(`SELECT ${list.join(', ')} FROM ${name}`);
    const text = (rows: Record<string, unknown>[]): string[] =>
      rows
        .map(({ big, ...row }) =>
          JSON.stringify({ ...row, big: typeof big === 'string' && `${big.slice(0, 8)} ${big.length}` }),
        )
        .sort();
    const state = await replica.state(name, key, columns);
    expect(text(state), name).toEqual(text(source));
  }
};

/** Stops at a random point: by an abort at a random time, or around a commit. */
async function streamAndDie(replica: Replica, next: (below: number) => number): Promise<void> {
  const controller = new AbortController();
  const step = (['staged', 'committed', 'confirmed'] as const)[next(3)];
  const flush = next(3);
  const timer = setTimeout(() => controller.abort(new Error('killed')), 20 + next(400));
  try {
    await replica.stream({
      signal: controller.signal,
      onStep: (at, n) => {
        if (at === step && n === flush) throw new Error('killed');
      },
    });
  } catch (error) {
    expect((error as Error).message).toMatch(/^killed$|replication slot .* is active/);
  } finally {
    clearTimeout(timer);
  }
}

test('written to all along, copied, handed over, killed at random points and changed in shape, each change is there once', async () => {
  const next = random(20_251_103);
  await server.sql(TABLES);
  let stopped = false;
  const writers = [1, 2, 3].map((seed) => writeUntil(server.url, seed, () => stopped));
  onTestFinished(async () => {
    stopped = true;
    await Promise.allSettled(writers);
  });
  await sleep(500);
  const replica = new Replica(lake, server, server.url, 'random', STREAMS, {
    chunkRows: 20,
    flushChanges: 200,
  });
  const { pending } = await replica.prepare();
  expect(pending.toSorted()).toEqual(['items', 'pairs', 'whole']);
  await sleep(100);
  // the first attempt dies in the middle: tables that are not complete are copied anew
  await replica.copy(pending, 'initial', { stopAfter: 3 }).catch(() => 0);
  await sleep(100);
  await replica.copyAgain(pending);
  expect((await replica.prepare()).pending).toEqual([]);
  for (let round = 0; round < 8; round++) {
    if (round === 2)
      await server.sql(
        'ALTER TABLE items ADD COLUMN extra int8 DEFAULT 7; UPDATE items SET extra = 8 WHERE id < 100',
      );
    if (round === 4) await server.sql('ALTER TABLE items ALTER extra TYPE numeric(20, 2)');
    if (round === 6) await replica.copyAgain(['pairs'], 'again');
    await streamAndDie(replica, next);
    const { pending: changed } = await replica.prepare();
    if (changed.length > 0) await replica.copyAgain(changed);
  }
  stopped = true;
  const transactions = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
  expect(transactions).toBeGreaterThan(200);
  await expect
    .poll(
      () =>
        replica.catchUp().then(
          () => 'done',
          (error: Error) => error.message,
        ),
      { timeout: 20_000 },
    )
    .toBe('done');
  await replica.copyAgain((await replica.prepare()).pending);
  await replica.catchUp();
  await expectSame(replica, server);
}, 120_000);
