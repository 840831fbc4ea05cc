import {
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
  type ChildWorkflowOptions,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { PlanActivities } from '../activities/plan.js';
import type { Stage } from '../schemas/queues.js';
import type { PipelineInput, PipelinePlan, PipelineResult } from '../schemas/run.js';
import { attributes } from './attributes.js';
import { extract } from './extract.js';
import { fromChild } from './failures.js';
import { ids } from './ids.js';
import { progress } from './messages.js';
import { limited } from './limited.js';
import { policies } from './policies.js';
import { replicate } from './replicate.js';
import { score } from './score.js';
import { train } from './train.js';
import { transform } from './transform.js';

const { planRun } = proxyActivities<PlanActivities>(policies.control);

/** One run of a project over an interval: extract → transform → train → score, each a child workflow of its own. */
export async function pipeline(input: PipelineInput): Promise<PipelineResult> {
  const running = new Set<string>();
  let finished = 0;
  let stages = 0;
  let rows = 0;
  setHandler(progress, () => ({
    stage: `pipeline ${input.pipeline}`,
    done: finished,
    total: stages,
    current: [...running],
    rows,
  }));

  const info = workflowInfo();
  const plan = await planRun({ ...input, due: dueTime() });
  const { project, interval } = plan;
  stages = plan.streams.length + (plan.transform ? 1 : 0) + plan.train.length + plan.score.length;
  upsertSearchAttributes([
    { key: attributes.project, value: project.name },
    { key: attributes.intervalStart, value: new Date(interval.start) },
  ]);
  setCurrentDetails(details(plan, [], 'running'));

  // the end of the server's id is random; its beginning is a clock, the same for a minute
  const base = { project, interval, run: `${info.workflowId}@${info.firstExecutionRunId.slice(-12)}` };
  const lines: string[] = [];
  const child = async <T>(
    stage: Stage,
    workflowId: string,
    run: (options: Omit<ChildWorkflowOptions, 'typeInfo'>) => Promise<T>,
  ): Promise<T> => {
    running.add(workflowId);
    try {
      const result = await run({
        workflowId,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `${workflowId.slice(info.workflowId.length + 1).replace('.', ' ')}, ${interval.start} to ${interval.end}`,
        typedSearchAttributes: [
          { key: attributes.project, value: project.name },
          { key: attributes.pipeline, value: input.pipeline },
          { key: attributes.stage, value: stage },
          { key: attributes.status, value: 'running' },
        ],
      });
      lines.push(`- ${workflowId.slice(info.workflowId.length + 1)}: done`);
      return result;
    } catch (error) {
      if (isCancellation(error)) throw error;
      throw fromChild(workflowId.slice(info.workflowId.length + 1), error);
    } finally {
      running.delete(workflowId);
      finished++;
      setCurrentDetails(details(plan, lines, 'running'));
    }
  };

  const result: PipelineResult = {
    ...{ project: project.name, pipeline: input.pipeline, interval },
    ...{ extract: [], transform: null, train: [], score: [] },
  };
  try {
    const extractedAt = info.startTime.toISOString();
    const gates = new Map(Object.entries(plan.concurrency).map(([source, most]) => [source, limited(most)]));
    const replicated = plan.streams.filter((one) => one.replicated).map(({ source }) => source);
    const failures = new Map<string, Promise<never>[]>();
    for (const source of new Set(replicated))
      failures.set(source, await keepReplicating(source, input.root, project.name));
    result.extract = await all(plan.streams, ({ source, stream, replicated }) =>
      (gates.get(source) ?? limited(1))(() =>
        child('extract', ids.extract(info.workflowId, source, stream), (options) =>
          Promise.race([
            executeChild(extract, {
              ...options,
              args: [{ ...base, source, stream, extractedAt, ...(replicated && { replicated }) }],
            }),
            ...((replicated && failures.get(source)) || []),
          ]),
        ),
      ),
    );
    rows = result.extract.reduce((sum, { loaded }) => sum + loaded, 0);
    const { warehouseQueue } = plan;
    if (plan.transform) {
      const args = {
        ...base,
        warehouseQueue,
        ...plan.transform,
        pipeline: input.pipeline,
        reuse: input.reuse ?? true,
        wanted: plan.gold,
      };
      result.transform = await child('transform', ids.transform(info.workflowId), (options) =>
        executeChild(transform, { ...options, args: [args] }),
      );
    }
    const source = { warehouseQueue, gold: result.transform?.gold ?? {} };
    result.train = await all(plan.train, (spec) =>
      child('train', ids.train(info.workflowId, spec.predictor), (options) =>
        executeChild(train, { ...options, args: [{ ...base, ...spec, ...source }] }),
      ),
    );
    result.score = await all(plan.score, ({ predictor, policy }) =>
      child('score', ids.score(info.workflowId, predictor), (options) =>
        executeChild(score, { ...options, args: [{ ...base, predictor, policy, ...source }] }),
      ),
    );
  } catch (error) {
    upsertSearchAttributes([
      { key: attributes.status, value: isCancellation(error) ? 'cancelled' : 'failed' },
    ]);
    throw error;
  }
  upsertSearchAttributes([{ key: attributes.status, value: 'succeeded' }]);
  setCurrentDetails(details(plan, lines, 'succeeded'));
  return result;
}

/**
 * Starts to follow a source, unless that goes on already. It outlives the run.
 * @returns what fails when it does: a run need not wait for changes that will not come
 */
async function keepReplicating(source: string, root: string, project: string): Promise<Promise<never>[]> {
  try {
    const following = await startChild(replicate, {
      workflowId: ids.replicate(project, source),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ root, source, resnapshot: [], paused: false, changes: 0 }],
      staticSummary: `${project}: changes of ${source}, as they happen`,
      staticDetails: `Project folder: ${root}`,
      typedSearchAttributes: [
        { key: attributes.project, value: project },
        { key: attributes.stage, value: 'replicate' },
        { key: attributes.status, value: 'running' },
      ],
    });
    const failure = following.result().then(() => new Promise<never>(() => undefined));
    failure.catch(() => undefined); // the run may not wait for it
    return [failure];
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return [];
  }
}

/** A scheduled run is about the time it was due, not about when a server that was down got to it. */
function dueTime(): string {
  const { searchAttributes, startTime } = workflowInfo();
  const scheduled = searchAttributes['TemporalScheduledStartTime']?.[0];
  return (scheduled instanceof Date ? scheduled : startTime).toISOString();
}

/** Runs one stage for each item; all get to their end before the first failure is reported. */
async function all<T, R>(items: T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled(items.map(run));
  return settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

function details(plan: PipelinePlan, lines: string[], status: string): string {
  const { interval, project } = plan;
  return [
    `**${status}** · interval ${interval.start} to ${interval.end} · project ${project.hash.slice(0, 12)}`,
    '```mermaid',
    plan.mermaid,
    '```',
    ...lines,
  ].join('\n');
}
