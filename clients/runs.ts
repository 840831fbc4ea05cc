import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { assertPast, lastComplete, parseInterval } from '../engines/project/interval.js';
import { loadProject, type LoadedProject } from '../engines/project/load.js';
import { nearest } from '../engines/nearest.js';
import { MillraceError } from '../schemas/errors.js';
import type { Interval } from '../schemas/interval.js';
import type { Pipeline } from '../schemas/pipeline.js';
import { QUEUES, SEARCH_ATTRIBUTES } from '../schemas/queues.js';
import type { PipelineInput, PipelineResult, Progress } from '../schemas/run.js';
import { attributes } from '../workflows/attributes.js';
import { ids } from '../workflows/ids.js';
import { progress } from '../workflows/messages.js';
import type { pipeline as pipelineWorkflow } from '../workflows/pipeline.js';

export interface RunOptions {
  pipeline: string;
  /** as typed; by default the last complete one */
  interval?: string | undefined;
  select?: string | undefined;
  reuse?: boolean | undefined;
}

export interface StartedRun {
  workflowId: string;
  runId: string;
  interval: Interval;
}

/** The pipeline of a project. @throws MillraceError ProjectInvalid naming those that exist */
export function pipelineOf({ spec, file }: LoadedProject, name: string): Pipeline {
  const found = spec.pipelines[name];
  if (found) return found;
  const names = Object.keys(spec.pipelines);
  const near = nearest(name, names);
  throw new MillraceError('ProjectInvalid', {
    what: `project ${spec.name} has no pipeline called '${name}'`,
    where: { file, path: 'pipelines' },
    fix: near ? `Did you mean '${near}'?` : `There are: ${names.join(', ') || 'none'}`,
  });
}

/**
 * What a run would be about. Needs no server, so that a slip of the pen does not start one.
 * @throws MillraceError ProjectInvalid, IntervalInvalid, IntervalInFuture
 */
export async function planRun(
  folder: string,
  options: Pick<RunOptions, 'pipeline' | 'interval'>,
): Promise<{ loaded: LoadedProject; interval: Interval }> {
  const loaded = await loadProject(folder);
  const pipeline = pipelineOf(loaded, options.pipeline);
  const interval = options.interval
    ? parseInterval(options.interval, pipeline)
    : lastComplete(new Date(), pipeline);
  assertPast(interval, new Date());
  return { loaded, interval };
}

/** Starts a run. Two runs of one pipeline over one interval never go at the same time. */
export async function startRun(client: Client, folder: string, options: RunOptions): Promise<StartedRun> {
  const { loaded, interval } = await planRun(folder, options);
  return startPipeline(client, loaded.spec.name, {
    root: loaded.root,
    pipeline: options.pipeline,
    interval,
    ...(options.select !== undefined && { select: options.select }),
    ...(options.reuse !== undefined && { reuse: options.reuse }),
  });
}

/** Starts a run again as it was: finished work is found in the ledger, so only what failed or changed is done. */
export async function resumeRun(
  client: Client,
  folder: string,
  pipeline: string,
  interval?: string,
): Promise<StartedRun> {
  const loaded = await loadProject(folder);
  const calendar = pipelineOf(loaded, pipeline);
  const wanted = interval
    ? ids.pipeline(loaded.spec.name, pipeline, parseInterval(interval, calendar))
    : undefined;
  const query = [
    `WorkflowType = 'pipeline'`,
    `${SEARCH_ATTRIBUTES.project} = '${loaded.spec.name}'`,
    `${SEARCH_ATTRIBUTES.pipeline} = '${pipeline}'`,
    ...(wanted ? [`WorkflowId = '${wanted}'`] : []),
  ].join(' AND ');
  for await (const run of client.workflow.list({ query })) {
    if (run.status.name === 'RUNNING') throw alreadyRunning(run.workflowId);
    if (run.status.name === 'COMPLETED') break;
    const input = await inputOf(client, run);
    const used = (await planOf(client, run)) ?? input.interval;
    if (!used) break;
    return startPipeline(client, loaded.spec.name, { ...input, root: loaded.root, interval: used });
  }
  throw new MillraceError('ProjectInvalid', {
    what: `the last run of ${pipeline}${wanted ? ` over that interval` : ''} did not fail`,
    fix: `Start a new one with: millrace run ${pipeline}`,
  });
}

async function startPipeline(
  client: Client,
  project: string,
  input: PipelineInput & { interval: Interval },
): Promise<StartedRun> {
  const workflowId = ids.pipeline(project, input.pipeline, input.interval);
  try {
    const handle = await client.workflow.start<typeof pipelineWorkflow>('pipeline', {
      workflowId,
      taskQueue: QUEUES.control,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: `${project} ${input.pipeline}, ${input.interval.start} to ${input.interval.end}`,
      staticDetails: `Project folder: ${input.root}`,
      typedSearchAttributes: pipelineAttributes(project, input.pipeline),
    });
    return { workflowId, runId: handle.firstExecutionRunId, interval: input.interval };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) throw alreadyRunning(workflowId);
    throw error;
  }
}

/** Search attributes of a pipeline run as it starts. */
export const pipelineAttributes = (project: string, pipeline: string) => [
  { key: attributes.project, value: project },
  { key: attributes.pipeline, value: pipeline },
  { key: attributes.stage, value: 'pipeline' },
  { key: attributes.status, value: 'running' },
];

function alreadyRunning(workflowId: string): MillraceError {
  return new MillraceError('CommitConflict', {
    what: `a run of this interval is under way: ${workflowId}`,
    fix: `Watch it with: millrace show ${workflowId}; end it with: millrace cancel ${workflowId}`,
  });
}

/** The argument that a run was started with. */
async function inputOf(client: Client, run: WorkflowExecutionInfo): Promise<PipelineInput> {
  const history = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
  const payload = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return JSON.parse(Buffer.from(payload?.data ?? '{}').toString()) as PipelineInput;
}

/** The interval a run without an explicit one worked out for itself: the result of its first activity. */
async function planOf(client: Client, run: WorkflowExecutionInfo): Promise<Interval | undefined> {
  const history = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
  const done = history.events?.find((event) => event.activityTaskCompletedEventAttributes);
  const payload = done?.activityTaskCompletedEventAttributes?.result?.payloads?.[0];
  return payload?.data
    ? (JSON.parse(Buffer.from(payload.data).toString()) as { interval?: Interval }).interval
    : undefined;
}

export interface RunState {
  workflowId: string;
  runId: string;
  status: string;
  progress: Progress | null;
  stages: Progress[];
}

/** A run and its running stages, as their `progress` queries tell it. */
export async function readRun(client: Client, workflowId: string): Promise<RunState> {
  const handle = client.workflow.getHandle(workflowId);
  const { status, runId } = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) throw runMissing(workflowId);
    throw error;
  });
  const own = await query(client, workflowId);
  const stages = status.name === 'RUNNING' ? await stagesOf(client, own) : [];
  return { workflowId, runId, status: status.name, progress: own, stages };
}

/** What runs below: of a backfill its runs with their stages, because one of those may wait for an answer. */
async function stagesOf(client: Client, own: Progress | null): Promise<Progress[]> {
  const nested = own?.stage.startsWith('backfill') ?? false;
  const found = await Promise.all(
    (own?.current ?? []).map(async (id) => {
      const stage = await query(client, id);
      if (!stage) return [];
      return nested ? [{ ...stage, stage: id }, ...(await stagesOf(client, stage))] : [stage];
    }),
  );
  return found.flat();
}

export const runMissing = (workflowId: string): MillraceError =>
  new MillraceError('ObjectMissing', {
    what: `there is no run called ${workflowId}`,
    fix: 'List them with: millrace runs',
  });

/** No worker, no answer: a query never waits longer than a look at the screen. */
async function query(client: Client, workflowId: string): Promise<Progress | null> {
  const asked = client.workflow.getHandle(workflowId).query(progress);
  return Promise.race([
    asked,
    new Promise<null>((resolve) => setTimeout(() => resolve(null), 2_000).unref()),
  ]).catch(() => null);
}

/** The result of a run; rejects with its failure. */
export const resultOf = (
  client: Client,
  { workflowId, runId }: { workflowId: string; runId?: string },
): Promise<PipelineResult> => client.workflow.getHandle<typeof pipelineWorkflow>(workflowId, runId).result();
