import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterEach, expect, test } from 'vitest';
import { answerApproval, listAwaiting } from '../../clients/approvals.js';
import { connectTo } from '../../clients/connect.js';
import { resultOf } from '../../clients/runs.js';
import type { PipelineResult } from '../../schemas/run.js';
import { approvePromotion, rejectPromotion } from '../../workflows/messages.js';
import { readRegistry } from '../support/registry.js';
import { makeShop, WEEKS, type Shop } from '../support/shop.js';
import { runWeek, startWeek, until, withFaults } from '../support/shop-run.js';

const ANA = 'ana@example.com';
let shop: Shop;
afterEach(() => shop.remove());

/** The one train and score result of a run. */
const outcome = ({ train, score }: PipelineResult) => ({ ...train[0], scoredWith: score[0]?.version });
const handleOf = (client: Client, run: string) => client.workflow.getHandle(`${run}/train.renewal`);

test('of many answers from several senders one promotes, once; one for another candidate is refused', async () => {
  shop = makeShop();
  await withFaults(shop.root, [], async ({ client, address, namespace }) => {
    await runWeek(client, shop.root, 'weekly');
    const [first] = (await readRegistry(shop.root)).versions;
    const run = await startWeek(client, shop.root, 'weekly', WEEKS[1]);
    const ended = resultOf(client, run);
    const train = handleOf(client, run.workflowId);
    await until(async () => (await listAwaiting(client, run.workflowId)).length > 0, { what: 'a candidate' });

    // read about one, answered for another
    const wrong = { run: run.workflowId, who: ANA, why: 'better', hash: first?.hash };
    await expect(answerApproval(client, 'approve', wrong)).rejects.toMatchObject({
      type: 'ApprovalRejected',
    });
    await train.signal(approvePromotion, { who: ANA, why: 'by hand', hash: first?.hash ?? '' });
    expect((await readRegistry(shop.root)).aliases.champion).toBe(1);

    const other = await connectTo({ address, namespace, uiUrl: undefined });
    const [{ hash } = { hash: '' }] = await listAwaiting(client, run.workflowId);
    const senders = [client, other.client].flatMap((sender) => Array.from({ length: 5 }, () => sender));
    const answers = senders.map((sender, i) =>
      handleOf(sender, run.workflowId).signal(i % 3 === 2 ? rejectPromotion : approvePromotion, {
        ...{ who: ANA, why: `answer ${i}`, hash },
      }),
    );
    // one that comes when all is decided has nobody to go to, and changes nothing either
    await Promise.allSettled(answers);
    const result = outcome(await ended);
    await other.close();

    const { aliases, history } = await readRegistry(shop.root);
    const decisions = history.filter(({ event }) => event !== 'registered').slice(1);
    expect(decisions).toHaveLength(1);
    const promoted = result.outcome === 'promoted';
    expect(decisions[0]).toMatchObject({ version: 2, event: promoted ? 'promoted' : 'rejected', by: ANA });
    expect(aliases.champion).toBe(promoted ? 2 : 1);
    expect(result.scoredWith).toBe(aliases.champion);
    expect(result.approval?.hash).toBe(hash);
  });
});

test('an answer after the time is up changes nothing: the old version serves', async () => {
  shop = makeShop();
  const file = join(shop.root, 'millrace.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replace("timeout: '10m'", "timeout: '1s'"));
  // the rejection is under way when the answer comes
  const slow = { activity: 'rejectCandidate', when: 'before', do: 'hang', ms: 2_000 } as const;
  await withFaults(shop.root, [slow], async ({ client, happened }) => {
    await runWeek(client, shop.root, 'weekly');
    const run = await startWeek(client, shop.root, 'weekly', WEEKS[1]);
    await until(() => happened(0).length > 0, { what: 'the time-out' });
    const [, candidate] = (await readRegistry(shop.root)).versions;
    const late = { who: ANA, why: 'sorry, I was at lunch', hash: candidate?.hash ?? '' };
    await expect(answerApproval(client, 'approve', { ...late, run: run.workflowId })).rejects.toMatchObject({
      type: 'ApprovalRejected',
    });
    await handleOf(client, run.workflowId).signal(approvePromotion, late);

    const result = outcome(await resultOf(client, run));
    expect(result).toMatchObject({ outcome: 'timed out', version: 2, approval: null, scoredWith: 1 });
    await expect(handleOf(client, run.workflowId).signal(approvePromotion, late)).rejects.toThrow();
    const { aliases, versions } = await readRegistry(shop.root);
    expect(aliases.champion).toBe(1);
    expect(versions.map(({ status }) => status)).toEqual(['champion', 'rejected']);
  });
});
