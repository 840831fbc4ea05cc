import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Approval } from '../../schemas/approval.js';
import type { TrainInput, TrainResult } from '../../schemas/run.js';
import { QUEUES } from '../../schemas/queues.js';
import { approvePromotion, progress, rejectPromotion } from '../../workflows/messages.js';
import { workflowEnv } from '../support/workflow-env.js';

const env = workflowEnv();
const HASH = 'cafe0123456789ab';

const input = (change: Partial<TrainInput['approval']> = {}): TrainInput => ({
  project: { name: 'shop', root: '/nowhere', lake: '/nowhere', hash: 'x' },
  interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' },
  run: 'shop.weekly.test',
  predictor: 'churn',
  gate: {},
  approval: { required: 'replace', approvers: ['ana@example.com'], timeout: '1h', ...change },
  warehouseQueue: 'warehouse-test',
  gold: {},
});

/** Activities that record what was decided; what they decide on is the test's. */
function recorder(champion: { version: number; hash: string } | null, passed = true) {
  const decisions: { kind: 'promoted' | 'rejected'; by: string; why: string; version: number }[] = [];
  const decision =
    (kind: 'promoted' | 'rejected') => async (given: { by: string; why: string; version: number }) =>
      void decisions.push({ kind, by: given.by, why: given.why, version: given.version });
  const activities = {
    freezeTraining: async () => ({ files: [], rows: 1000, sha256: 'd' }),
    fitCandidate: async () => ({ hash: HASH, metrics: { auc: 0.8 } }),
    readChampion: async () => champion,
    evaluateChampion: async () => ({ auc: 0.7 }),
    judgeCandidate: async () => ({ version: 2, passed, reasons: ['auc 0.8 (limit 0.75)'] }),
    promoteCandidate: decision('promoted'),
    rejectCandidate: decision('rejected'),
  };
  return { decisions, activities };
}

type Champion = Parameters<typeof recorder>[0];
const OLD: Champion = { version: 1, hash: 'beef' };

async function train(
  given: TrainInput,
  champion: Champion,
  answers: (
    send: (kind: 'approve' | 'reject', approval: Partial<Approval>) => Promise<void>,
  ) => Promise<void>,
  passed = true,
): Promise<{ result: TrainResult; decisions: ReturnType<typeof recorder>['decisions'] }> {
  const { decisions, activities } = recorder(champion, passed);
  return env.withWorker([QUEUES.control, QUEUES.compute, given.warehouseQueue], activities, async () => {
    const handle = await env.client.workflow.start('train', {
      workflowId: randomUUID(),
      taskQueue: QUEUES.control,
      args: [given],
    });
    const awaited = async (): Promise<boolean> => (await handle.query(progress)).awaiting !== undefined;
    const send = async (kind: 'approve' | 'reject', approval: Partial<Approval>): Promise<void> => {
      while (!(await awaited())) await new Promise((resolve) => setTimeout(resolve, 25));
      const full = { who: 'ana@example.com', why: 'better', hash: HASH, ...approval };
      await handle.signal(kind === 'approve' ? approvePromotion : rejectPromotion, full);
    };
    await answers(send);
    return { result: (await handle.result()) as TrainResult, decisions };
  });
}

describe('promotion', () => {
  test('the first version that passes the gate needs no approval', async () => {
    const { result, decisions } = await train(input(), null, async () => {});
    expect(result).toMatchObject({ outcome: 'promoted', version: 2, championVersion: null });
    expect(decisions).toEqual([{ kind: 'promoted', by: 'gate', version: 2, why: expect.any(String) }]);
  });

  test('a project may require an approval for the first one, too', async () => {
    const { result } = await train(input({ required: 'always' }), null, (send) => send('approve', {}));
    expect(result).toMatchObject({ outcome: 'promoted', approval: { who: 'ana@example.com' } });
  });

  test('replacing a champion waits for an answer that names the candidate', async () => {
    const { result, decisions } = await train(input(), OLD, (send) => send('approve', { why: 'AUC is up' }));
    expect(result).toMatchObject({ outcome: 'promoted', championMetrics: { auc: 0.7 } });
    expect(decisions).toEqual([{ kind: 'promoted', by: 'ana@example.com', why: 'AUC is up', version: 2 }]);
  });

  test('answers for another hash, from somebody else, or without a reason change nothing', async () => {
    const { result, decisions } = await train(input(), OLD, async (send) => {
      await send('approve', { hash: 'beef56789abcdef0' });
      await send('approve', { who: 'mallory@example.com' });
      await send('approve', { why: ' ' });
      await send('approve', { why: 'x'.repeat(1_900_000) });
      await send('approve', { who: 7 as never });
      await send('reject', {});
    });
    expect(result.outcome).toBe('rejected');
    expect(decisions.map(({ kind }) => kind)).toEqual(['rejected']);
  });

  test('of many answers the first that counts decides, once', async () => {
    const { result, decisions } = await train(input(), OLD, async (send) => {
      await send('approve', {});
      await Promise.allSettled(
        [send('approve', {}), send('reject', {}), send('approve', {})].map((sent) =>
          Promise.race([sent, new Promise((r) => setTimeout(r, 200))]),
        ),
      );
    });
    expect(result.outcome).toBe('promoted');
    expect(decisions).toHaveLength(1);
  });

  test('without an answer in time the candidate is rejected', async () => {
    const { result, decisions } = await train(input({ timeout: '1s' }), OLD, async () => {});
    expect(result).toMatchObject({ outcome: 'timed out', approval: null });
    expect(decisions).toEqual([
      { kind: 'rejected', by: 'timeout', version: 2, why: expect.stringContaining('1s') },
    ]);
  });

  test('a candidate that fails its gate is not put before anybody', async () => {
    const { result, decisions } = await train(input(), OLD, async () => {}, false);
    expect(result.outcome).toBe('gate rejected');
    expect(decisions).toMatchObject([{ kind: 'rejected', by: 'gate' }]);
  });

  test('the same candidate again is the champion already', async () => {
    const { result, decisions } = await train(input(), { version: 2, hash: HASH }, async () => {});
    expect(result.outcome).toBe('unchanged');
    expect(decisions).toEqual([]);
  });
});
