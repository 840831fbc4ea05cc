import {
  backfillResult,
  cancelBackfill,
  pauseBackfill,
  planBackfill,
  resumeBackfill,
  startBackfill,
  type BackfillPlan,
} from '../../backfills.js';
import { runUrl, withClient, type Connected } from '../../connect.js';
import { runFailure } from '../../failure.js';
import { withStack } from '../../with-stack.js';
import { follow } from '../live.js';
import { answer, EXIT, say, style, table, type GlobalOptions } from '../output.js';

interface BackfillStart extends GlobalOptions {
  window: string;
  order: string;
  failedOnly?: boolean;
  dryRun?: boolean;
  select?: string;
  detach?: boolean;
}

/** `millrace backfill start` */
export async function start(options: BackfillStart, pipeline: string, range: string): Promise<number> {
  const { order, failedOnly, select } = options;
  const plan = await planBackfill(options.project, {
    pipeline,
    range,
    window: Number(options.window),
    order,
    failedOnly,
    select,
  });
  if (options.dryRun) {
    answer(options, plan, () => describePlan(plan));
    return EXIT.ok;
  }
  return withStack(options, (connected) => run(options, connected, plan));
}

async function run(options: BackfillStart, connected: Connected, plan: BackfillPlan): Promise<number> {
  const { client } = connected;
  const started = await startBackfill(client, plan);
  const url = runUrl(connected, started.workflowId, started.runId);
  if (options.detach) {
    answer(options, { ...started, url }, () => [
      `started ${started.workflowId}`,
      ...(url ? [`  ${url}`] : []),
    ]);
    return EXIT.ok;
  }
  if (!options.json) {
    say(`${style.bold(started.workflowId)}  ${describeCounts(plan)}`);
    if (url) say(`  ${style.cyan(url)}`);
    await follow(client, started.workflowId);
  }
  const outcome = await backfillResult(client, started).then(
    (result) => ({ ...started, url, status: result.failed.length > 0 ? 'FAILED' : 'COMPLETED', result }),
    (error: unknown) => ({ ...started, url, status: 'FAILED', error: runFailure(error) }),
  );
  answer(options, outcome, () => {
    const { pipeline, range } = plan.input;
    const again = style.dim(
      `  after mending it: millrace backfill start ${pipeline} ${range.start}..${range.end} --failed-only`,
    );
    if (!('result' in outcome))
      return [`${style.red('failed')} ${style.red(outcome.error.type)}: ${outcome.error.message}`];
    const { succeeded, intervals, failed } = outcome.result;
    return [
      `${failed.length > 0 ? style.red('failed') : style.green('succeeded')} ${succeeded} of ${intervals} intervals`,
      ...failed.map(({ interval, message }) => `  ${interval.start}: ${message}`),
      ...(failed.length > 0 ? [again] : []),
    ];
  });
  return outcome.status === 'COMPLETED' ? EXIT.ok : EXIT.failed;
}

function describePlan(plan: BackfillPlan): string[] {
  const rows = plan.intervals.map(({ interval, status, due }) => [
    ...[interval.start, interval.end],
    status === 'succeeded' ? style.green(status) : status === 'failed' ? style.red(status) : 'new',
    due ? 'run' : 'skip',
  ]);
  return [...table(['start', 'end', 'so far', 'would'], rows), describeCounts(plan)];
}

function describeCounts({ intervals, input }: BackfillPlan): string {
  const due = intervals.filter((one) => one.due).length;
  return `${due} of ${intervals.length} intervals to run, ${input.order} first, ${input.window} at once`;
}

type Control = (options: GlobalOptions, workflowId: string) => Promise<void>;

/** `millrace backfill pause` */
export const pause: Control = (options, workflowId) =>
  withClient(async ({ client }) => {
    await pauseBackfill(client, workflowId);
    answer(options, { workflowId, paused: true }, () => `paused ${workflowId}; runs under way go on`);
  });

/** `millrace backfill resume` */
export const resume: Control = (options, workflowId) =>
  withClient(async ({ client }) => {
    await resumeBackfill(client, workflowId);
    answer(options, { workflowId, paused: false }, () => `resumed ${workflowId}`);
  });

/** `millrace backfill cancel` */
export const cancel: Control = (options, workflowId) =>
  withClient(async ({ client }) => {
    await cancelBackfill(client, workflowId);
    answer(
      options,
      { workflowId, cancelled: true },
      () => `cancel sent to ${workflowId}; what has succeeded stays`,
    );
  });
