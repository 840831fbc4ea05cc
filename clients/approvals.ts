import type { Client } from '@temporalio/client';
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

/** Sends an answer. Whether it counts is decided by the run: see `millrace show`. */
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
  await client.workflow.getHandle(target.workflowId).signal(signal, { who, why, hash: target.hash });
  return target;
}
