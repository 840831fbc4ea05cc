import { describe, expect, test } from 'vitest';
import { listPredictors, openRegistry } from '../../../engines/ml/registry.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import { TrainParams } from '../../../schemas/predictor.js';
import { temporaryStore } from './support.js';

const registration = (hash: string, run = 'run-1') => ({
  ...{ hash, run, project: 'p', metrics: { auc: 0.8 }, params: TrainParams.parse({}) },
  dataset: { files: [{ uri: 'x', sha256: 's', bytes: 1 }], rows: 1, sha256: 's' },
  interval: { start: '2026-11-02T00:00:00.000Z', end: '2026-11-09T00:00:00.000Z' },
});
const answer = (version: number, hash: string, expectedChampion: number | null, run = `run-${version}`) => ({
  ...{ version, hash, expectedChampion, run, by: 'ana', why: 'better' },
});

async function withVersions(store: ObjectStore, ...hashes: string[]) {
  const registry = openRegistry(store, 'engagement');
  for (const [at, hash] of hashes.entries()) await registry.register(registration(hash, `run-${at + 1}`));
  return registry;
}

describe('a registry', () => {
  test('gives the same hash of the same run one version', async () => {
    const store = await temporaryStore();
    const registry = await withVersions(store, 'aaa');
    expect(await registry.register(registration('aaa', 'run-1'))).toBe(1);
    expect(await registry.register(registration('bbb', 'run-2'))).toBe(2);
    expect((await registry.read()).versions.map(({ hash, status }) => [hash, status])).toEqual([
      ['aaa', 'candidate'],
      ['bbb', 'candidate'],
    ]);
    expect(await listPredictors(store)).toEqual(['engagement']);
  });

  test('numbers registrations that come at once without a gap', async () => {
    const store = await temporaryStore();
    const versions = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        openRegistry(store, 'engagement').register(registration(`h${i}`, `run-${i}`)),
      ),
    );
    expect(versions.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('promotes once, however often and late it is told to', async () => {
    const registry = await withVersions(await temporaryStore(), 'aaa', 'bbb');
    await registry.promote(answer(1, 'aaa', null));
    await Promise.all([registry.promote(answer(2, 'bbb', 1)), registry.promote(answer(2, 'bbb', 1))]);
    const { champion, aliases, history, versions } = await registry.read();
    expect([champion?.version, aliases.champion]).toEqual([2, 2]);
    expect(versions.map(({ status }) => status)).toEqual(['retired', 'champion']);
    expect(history.map(({ event }) => event)).toEqual(['registered', 'registered', 'promoted', 'promoted']);
    await registry.rollback({ by: 'ben', why: 'complaints', run: 'cli-1' });
    await registry.promote(answer(2, 'bbb', 1)); // a retry that comes late
    expect((await registry.read()).aliases.champion).toBe(1);
  });

  test('lets one of two candidates replace the same champion, and refuses the other as stale', async () => {
    const store = await temporaryStore();
    const registry = await withVersions(store, 'aaa', 'bbb', 'ccc');
    await registry.promote(answer(1, 'aaa', null));
    const outcomes = await Promise.allSettled([
      registry.promote(answer(2, 'bbb', 1)),
      openRegistry(store, 'engagement').promote(answer(3, 'ccc', 1)),
    ]);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toMatchObject({
      type: 'ApprovalRejected',
      what: expect.stringMatching(/compared with version 1, but version [23] serves now/),
    });
  });

  test('refuses another hash, a rejected version and one that is not there', async () => {
    const registry = await withVersions(await temporaryStore(), 'aaa', 'bbb');
    await expect(registry.promote(answer(1, 'bbb', null))).rejects.toMatchObject({
      type: 'ApprovalRejected',
    });
    await expect(registry.promote(answer(9, 'aaa', null))).rejects.toMatchObject({
      type: 'PredictorNotFound',
    });
    await registry.reject(answer(2, 'bbb', null));
    await registry.reject(answer(2, 'bbb', null));
    await expect(registry.promote(answer(2, 'bbb', null))).rejects.toThrow(
      'version 2 of engagement was rejected',
    );
    await registry.promote(answer(1, 'aaa', null));
    await expect(registry.reject(answer(1, 'aaa', null))).rejects.toThrow('serves already');
    expect((await registry.read()).history).toHaveLength(4);
  });

  test('goes back step by step, or to a named version', async () => {
    const registry = await withVersions(await temporaryStore(), 'aaa', 'bbb', 'ccc');
    const back = (run: string, version?: number) =>
      registry.rollback({ by: 'ben', why: 'bad', run, version });
    await expect(back('r0')).rejects.toMatchObject({ type: 'NoChampion' });
    await registry.promote(answer(1, 'aaa', null));
    await expect(back('r1')).rejects.toThrow('no earlier champion');
    await registry.promote(answer(2, 'bbb', 1));
    await registry.promote(answer(3, 'ccc', 2));
    expect(await back('r2')).toBe(2);
    expect(await back('r2')).toBe(2); // told twice, done once
    expect(await back('r3')).toBe(1);
    expect(await back('r4', 3)).toBe(3);
    expect((await registry.read()).champion).toMatchObject({ version: 3, hash: 'ccc', status: 'champion' });
  });
});
