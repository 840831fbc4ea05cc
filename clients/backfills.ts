import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { backfillLedger, backfillStatus } from '../engines/project/backfill-ledger.js';
import { assertPast, cut, parseInterval } from '../engines/project/interval.js';
import { loadProject } from '../engines/project/load.js';
import { MillraceError } from '../schemas/errors.js';
import type { Interval } from '../schemas/interval.js';
import { QUEUES } from '../schemas/queues.js';
import { BackfillInput, type BackfillResult } from '../schemas/run.js';
import { attributes } from '../workflows/attributes.js';
import type { backfill as backfillWorkflow } from '../workflows/backfill.js';
import { ids } from '../workflows/ids.js';
import { pause, resume } from '../workflows/messages.js';
import { openProjectLake } from './project-lake.js';
import { pipelineAttributes, pipelineOf } from './runs.js';

export interface BackfillOptions {
  pipeline: string;
  /** as typed: `2026-01-05..2026-03-02` */
  range: string;
  window?: number | undefined;
  order?: string | undefined;
  failedOnly?: boolean | undefined;
  select?: string | undefined;
}

export interface PlannedInterval {
  interval: Interval;
  /** what a former backfill made of it; null when none has tried */
  status: 'succeeded' | 'failed' | null;
  /** whether this backfill would run it */
  due: boolean;
}

export interface BackfillPlan {
  workflowId: string;
  project: string;
  input: BackfillInput;
  /** in the order in which they would run */
  intervals: PlannedInterval[];
}

/**
 * What a backfill would do: the range cut by the pipeline's cadence, with the ledger's word on each. Needs no server.
 * @throws MillraceError IntervalInvalid, IntervalInFuture, ProjectInvalid
 */
export async function planBackfill(folder: string, options: BackfillOptions): Promise<BackfillPlan> {
  const loaded = await loadProject(folder);
  const { spec, root } = loaded;
  const pipeline = pipelineOf(loaded, options.pipeline);
  const typed = parseInterval(options.range, pipeline);
  assertPast(typed, new Date());
  const units = cut(typed, pipeline);
  // whole units, so that two ways to write one range are one backfill
  const range = { start: units[0]?.start ?? '', end: units.at(-1)?.end ?? '' };
  assertPast(range, new Date());
  const input = parseInput({
    ...{ root, pipeline: options.pipeline, range },
    ...{
      window: options.window,
      order: options.order,
      failedOnly: options.failedOnly,
      select: options.select,
    },
  });
  const status = await backfillStatus(
    backfillLedger(await openProjectLake(loaded), spec.name, options.pipeline),
  );
  const intervals = units.map((interval) => {
    const known = status[interval.start] ?? null;
    return { interval, status: known, due: input.failedOnly ? known === 'failed' : known !== 'succeeded' };
  });
  if (input.order === 'newest') intervals.reverse();
  return {
    workflowId: ids.backfill(spec.name, options.pipeline, range),
    project: spec.name,
    input,
    intervals,
  };
}

function parseInput(input: unknown): BackfillInput {
  const parsed = BackfillInput.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MillraceError('ProjectInvalid', {
    what: `--${String(issue?.path[0] ?? 'range')}: ${issue?.message ?? 'is not valid'}`,
    fix: 'See: millrace backfill start --help',
  });
}

/** Starts it, or goes on where a former one of this range ended. @throws MillraceError CommitConflict while it is under way */
export async function startBackfill(
  client: Client,
  { workflowId, project, input }: BackfillPlan,
): Promise<{ workflowId: string; runId: string }> {
  try {
    const handle = await client.workflow.start<typeof backfillWorkflow>('backfill', {
      workflowId,
      taskQueue: QUEUES.control,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: `${project} ${input.pipeline}, backfill of ${input.range.start} to ${input.range.end}`,
      typedSearchAttributes: [
        ...pipelineAttributes(project, input.pipeline).filter(({ key }) => key !== attributes.stage),
        { key: attributes.stage, value: 'backfill' },
      ],
    });
    return { workflowId, runId: handle.firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new MillraceError('CommitConflict', {
      what: `a backfill of this range is under way: ${workflowId}`,
      fix: `Watch it with: millrace show ${workflowId} --follow; end it with: millrace backfill cancel ${workflowId}`,
      cause: error,
    });
  }
}

/** The result of a backfill, once it has ended. */
export const backfillResult = (
  client: Client,
  { workflowId, runId }: { workflowId: string; runId?: string },
): Promise<BackfillResult> => client.workflow.getHandle<typeof backfillWorkflow>(workflowId, runId).result();

/** Starts no further runs until it is resumed; those under way go on. */
export const pauseBackfill = (client: Client, workflowId: string): Promise<void> =>
  known(workflowId, () => client.workflow.getHandle(workflowId).signal(pause));

export const resumeBackfill = (client: Client, workflowId: string): Promise<void> =>
  known(workflowId, () => client.workflow.getHandle(workflowId).signal(resume));

/** Ends it together with the runs under way; what has succeeded stays and is not repeated. */
export const cancelBackfill = (client: Client, workflowId: string): Promise<void> =>
  known(workflowId, async () => void (await client.workflow.getHandle(workflowId).cancel()));

async function known(workflowId: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!(cause instanceof WorkflowNotFoundError)) throw cause;
    throw new MillraceError('ObjectMissing', {
      what: `no backfill called ${workflowId} is running`,
      fix: 'Its name was printed when it was started; a range is started or gone on with by: millrace backfill start',
      cause,
    });
  }
}
