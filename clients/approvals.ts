import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { ApprovalRecord } from '../schemas/approval.js';
import { MillraceError } from '../schemas/errors.js';
import { SEARCH_ATTRIBUTES } from '../schemas/queues.js';
import type { Progress } from '../schemas/run.js';
import { approvePromotion, progress, rejectPromotion } from '../workflows/messages.js';

export type Awaiting = NonNullable<Progress['awaiting']>;

/** Candidates of a run (or, without one, of all running trainings) that wait for an answer now. */
export async function listAwaiting(client: Client, run?: string): Promise<Awaiting[]> {
  const query = [
    `WorkflowType = 'train'`,
    `ExecutionStatus = 'Running'`,
    `${SEARCH_ATTRIBUTES.status} = 'awaiting approval'`,
  ];
  const found: Awaiting[] = [];
  for await (const { workflowId } of client.workflow.list({ query: query.join(' AND ') })) {
    if (run !== undefined && workflowId !== run && !workflowId.startsWith(`${run}/`)) continue;
    const state = await client.workflow.getHandle(workflowId).query(progress);
    if (state.awaiting) found.push(state.awaiting);
  }
  return found;
}

export interface Answer {
  run: string;
  who: string;
  why: string;
  /** needed when several candidates wait; otherwise a check that it is the one that was read about */
  hash?: string | undefined;
}

/**
 * Sends an answer and waits for what the run makes of it.
 * @throws MillraceError ApprovalRejected when the answer did not count, with the reason
 */
export async function answerApproval(
  client: Client,
  kind: 'approve' | 'reject',
  { run, who, why, hash }: Answer,
): Promise<Awaiting> {
  const awaiting = await listAwaiting(client, run);
  const chosen = hash ? awaiting.filter((one) => one.hash.startsWith(hash)) : awaiting;
  const [target] = chosen;
  if (!target || chosen.length > 1) {
    const waiting = awaiting.map((one) => `${one.predictor} ${one.hash}`).join(', ');
    throw new MillraceError('ApprovalRejected', {
      what:
        awaiting.length === 0
          ? `no candidate of ${run} waits for an answer`
          : `which candidate? waiting: ${waiting}`,
      fix: awaiting.length === 0 ? 'See what the run does with: millrace show' : 'Name one with --hash',
    });
  }
  const signal = kind === 'approve' ? approvePromotion : rejectPromotion;
  const handle = client.workflow.getHandle(target.workflowId);
  const before = (await handle.query(progress)).answers?.length ?? 0;
  await handle.signal(signal, { who, why, hash: target.hash });
  const record = await recorded(handle, before, who);
  if (record?.accepted === false) {
    throw new MillraceError('ApprovalRejected', {
      what: `the answer of ${who} does not count: ${record.note ?? 'refused'}`,
      fix: 'Answer as one of the approvers that the predictor declares',
    });
  }
  return target;
}

/** The run's record of an answer; a run without a worker has none yet, and takes the signal up later. */
async function recorded(
  handle: WorkflowHandle,
  before: number,
  who: string,
): Promise<ApprovalRecord | undefined> {
  for (let tries = 0; tries < 20; tries++) {
    const { answers = [] } = await handle.query(progress);
    const found = answers.slice(before).find((record) => record.who === who);
    if (found) return found;
    await sleep(100);
  }
  return undefined;
}
