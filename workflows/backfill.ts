import {
  condition,
  continueAsNew,
  executeChild,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { PlanActivities } from '../activities/plan.js';
import type { BackfillLedgerActivities } from '../activities/backfill.js';
import type { Interval } from '../schemas/interval.js';
import type { BackfillInput, BackfillResult } from '../schemas/run.js';
import { attributes } from './attributes.js';
import { failureText } from './failures.js';
import { ids } from './ids.js';
import { pause, progress, resume } from './messages.js';
import { pipeline } from './pipeline.js';
import { policies } from './policies.js';
import { slidingWindow } from './window.js';

const { planBackfill } = proxyActivities<PlanActivities>(policies.control);
const { readBackfill, recordBackfill } = proxyActivities<BackfillLedgerActivities>(policies.control);

/** Well below the server's limit of events, so that a range of years stays quick to replay. */
const MAX_EVENTS = 4_000;

interface Continued {
  /** what failed before the history was begun anew: told at the end, and not tried again */
  carried?: BackfillResult['failed'];
}

/**
 * A range of intervals, each a run of the pipeline. Its ledger outlives it: asked again for the same range, it does
 * only what has not succeeded yet, and with `failedOnly` only what has failed.
 */
export async function backfill(input: BackfillInput & Continued): Promise<BackfillResult> {
  let paused = false;
  setHandler(pause, () => void (paused = true));
  setHandler(resume, () => void (paused = false));
  const current = new Set<string>();
  const result: BackfillResult = { intervals: 0, succeeded: 0, failed: [...(input.carried ?? [])] };
  setHandler(progress, () => ({
    ...{ stage: `backfill ${input.pipeline}${paused ? ' (paused)' : ''}`, rows: 0, total: result.intervals },
    done: result.succeeded + result.failed.length,
    current: [...current],
  }));

  const { project, intervals } = await planBackfill(input);
  const ledger = await readBackfill(input);
  result.intervals = intervals.length;
  result.succeeded = intervals.filter((interval) => ledger[interval.start] === 'succeeded').length;
  const tried = new Set(result.failed.map(({ interval }) => interval.start));
  const todo = intervals.filter(
    ({ start }) =>
      !tried.has(start) && (input.failedOnly ? ledger[start] === 'failed' : ledger[start] !== 'succeeded'),
  );
  if (input.order === 'newest') todo.reverse();

  const { next } = await slidingWindow(
    todo.length,
    input.window,
    async (index) => {
      const interval = todo[index] as Interval;
      await condition(() => !paused);
      const workflowId = ids.pipeline(project, input.pipeline, interval);
      current.add(workflowId);
      const { root, pipeline: name, select, reuse } = input;
      const options = { ...(select !== undefined && { select }), ...(reuse !== undefined && { reuse }) };
      try {
        await executeChild(pipeline, {
          workflowId,
          args: [{ root, pipeline: name, interval, ...options }],
          staticSummary: `${project} ${name}, ${interval.start} to ${interval.end} (backfill)`,
          typedSearchAttributes: [
            { key: attributes.project, value: project },
            { key: attributes.pipeline, value: name },
            { key: attributes.stage, value: 'pipeline' },
            { key: attributes.status, value: 'running' },
          ],
        });
        result.succeeded++;
        await recordBackfill({ ...input, interval, status: 'succeeded' });
      } catch (error) {
        if (isCancellation(error)) throw error;
        result.failed.push({ interval, message: failureText(error) });
        await recordBackfill({ ...input, interval, status: 'failed' });
      } finally {
        current.delete(workflowId);
        setCurrentDetails(
          `${result.succeeded} of ${result.intervals} succeeded, ${result.failed.length} failed`,
        );
      }
    },
    0,
    () => workflowInfo().historyLength < MAX_EVENTS,
  );
  if (next < todo.length) await continueAsNew<typeof backfill>({ ...input, carried: result.failed });
  return result;
}
