import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readManifest } from '../../engines/lake/bronze.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { openRegistry } from '../../engines/ml/registry.js';
import { TrainParams } from '../../schemas/predictor.js';

const ENTRY = fileURLToPath(new URL('../support/committer.mjs', import.meta.url));
const ROUNDS = 15;
let root: string;
let workers: ChildProcess[];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-race-'));
  workers = [1, 2, 3].map((who) => {
    mkdirSync(join(root, `work-${who}`));
    return fork(ENTRY);
  });
});
afterAll(async () => {
  const running = workers.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  const ends = running.map((worker) => once(worker, 'exit'));
  for (const worker of running) worker.kill('SIGKILL');
  await Promise.all(ends);
  rmSync(root, { recursive: true });
});

/** All processes prepare their work, and commit it at the same moment. */
async function atOnce<T>(messages: object[]): Promise<T[]> {
  const answers = () =>
    Promise.all(messages.map(async (_, index) => ((await once(workers[index]!, 'message')) as [T])[0]));
  const ready = answers();
  messages.forEach((message, index) => workers[index]?.send({ lake: join(root, 'lake'), ...message }));
  await ready;
  const outcomes = answers();
  messages.forEach((_, index) => workers[index]?.send('go'));
  return outcomes;
}

interface Loaded {
  won: boolean;
  run: string;
  parts: { uri: string }[];
}

test('of three processes that load the same file at once one commits, the others return what it committed', async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const file = join(root, `orders-${round}.csv`);
    writeFileSync(
      file,
      `id,amount\n${Array.from({ length: 50 }, (_, n) => `${n},${n * round}`).join('\n')}\n`,
    );
    const outcomes = await atOnce<Loaded>(
      [1, 2, 3].map((who) => ({ work: 'load', file, who, workDir: join(root, `work-${who}`) })),
    );
    expect(outcomes.filter(({ won }) => won)).toHaveLength(1);
    const [{ run, parts } = { run: '', parts: [] }] = outcomes.filter(({ won }) => won);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ run, parts });

    const lake = await openLocalStore(join(root, 'lake'));
    const { version, batches } = await readManifest(lake, 'crm', 'orders');
    expect([version, batches.length, batches.at(-1)?.run]).toEqual([round, round, run]);
    const named = batches.flatMap((batch) => batch.parts.map(({ uri }) => uri)).sort();
    expect(await lake.list('bronze/crm/orders/batch=')).toEqual(named);
  }
});

const candidate = (registry: ReturnType<typeof openRegistry>, hash: string) =>
  registry.register({
    ...{ hash, run: `run-${hash}`, project: 'p', metrics: { auc: 0.8 }, params: TrainParams.parse({}) },
    dataset: { files: [{ uri: 'd', sha256: 'd', bytes: 1 }], rows: 1, sha256: 'd' },
    interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' },
  });

test('of three processes that promote at once one flips the alias, whether they promote the same candidate or others', async () => {
  const registry = openRegistry(await openLocalStore(join(root, 'lake')), 'renewal');
  let champion: number | null = null;
  for (let round = 1; round <= ROUNDS; round++) {
    const entries = (await registry.read()).history.length;
    const hash = `same-${round}`;
    const version = await candidate(registry, hash);
    const same = { work: 'promote', version, hash, run: `run-${hash}`, expectedChampion: champion };
    expect(await atOnce([same, same, same])).toEqual([1, 2, 3].map(() => ({ serving: version })));
    expect((await registry.read()).history).toHaveLength(entries + 2);

    const others: object[] = [];
    for (const who of ['a', 'b', 'c']) {
      const other = `${who}-${round}`;
      const made = await candidate(registry, other);
      others.push({ ...same, version: made, hash: other, run: `run-${other}`, expectedChampion: version });
    }
    const outcomes = await atOnce<{ serving?: number; refused?: string }>(others);
    expect(outcomes.filter(({ refused }) => refused === 'ApprovalRejected')).toHaveLength(2);
    const { aliases, history } = await registry.read();
    expect(outcomes.find(({ serving }) => serving !== undefined)?.serving).toBe(aliases.champion);
    expect(history.filter((entry) => entry.event === 'promoted')).toHaveLength(2 * round);
    champion = aliases.champion;
  }
});
