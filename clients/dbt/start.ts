import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { queueOf } from '../../activities/resources.js';
import { readPlan } from '../../activities/transform-plan.js';
import { readRecords } from '../../activities/transform-records.js';
import { homeDir } from '../../deploy/local/home.js';
import { startStack, type Stack } from '../../deploy/local/stack.js';
import { readStack } from '../../deploy/local/stack-file.js';
import { loadProject } from '../../engines/project/load.js';
import { takeSnapshot } from '../../engines/project/snapshot.js';
import type { ObjectRef } from '../../schemas/common.js';
import { QUEUES } from '../../schemas/queues.js';
import type { DbtRun, Progress, TransformInput } from '../../schemas/run.js';
import type { NodeRecord, TransformPlan } from '../../schemas/transform.js';
import { attributes } from '../../workflows/attributes.js';
import { progress } from '../../workflows/messages.js';
import type { transform } from '../../workflows/transform.js';
import { connect, connectTo, runUrl, type Connected } from '../connect.js';
import { runFailure } from '../failure.js';
import { openProjectLake } from '../project-lake.js';
import { workerEntry } from '../worker-entry.js';

export interface DbtWorkflow {
  /** folder with a millrace.ts: the project's own, or one that {@link adHocProject} made */
  root: string;
  run: DbtRun;
  reuse: boolean;
  /** told when it has begun, and as it gets on */
  onStart?: (workflowId: string, url: string | undefined) => void;
  onProgress?: (progress: Progress) => void;
  onEnd?: () => void;
}

export interface DbtWorkflowResult {
  workflowId: string;
  url: string | undefined;
  plan: TransformPlan;
  /** of every node that ran, also of those that failed */
  records: Map<string, NodeRecord>;
  /** what ended the run beside its nodes' failures: a project that cannot be read, a cancellation */
  failure: { type: string; message: string } | null;
}

const POLL_MS = 150;

/**
 * Runs dbt's command as a `transform` workflow: every node an activity that is retried, resumed and seen in the
 * Temporal UI. Workers are those that run already, or one that lives as long as the command.
 */
export async function runAsWorkflow(asked: DbtWorkflow): Promise<DbtWorkflowResult> {
  const loaded = await loadProject(asked.root);
  const lake = await openProjectLake(loaded);
  const queue = queueOf(loaded.spec, loaded.root);
  return withWorkers(loaded.root, async (connected) => {
    const { client } = connected;
    const { startedAt } = asked.run;
    const workflowId = `${loaded.spec.name}.dbt.${asked.run.command.replace(' ', '-')}.${randomUUID().slice(0, 8)}`;
    const input: TransformInput = {
      project: await takeSnapshot(lake, loaded),
      interval: { start: startedAt, end: startedAt },
      ...{ run: workflowId, warehouseQueue: queue, select: true, wanted: [] },
      ...{ concurrency: asked.run.target.threads, reuse: asked.reuse, dbt: asked.run },
    };
    const handle = await client.workflow.start<typeof transform>('transform', {
      workflowId,
      taskQueue: QUEUES.control,
      args: [input],
      staticSummary: `dbt ${asked.run.command} of ${loaded.spec.name}`,
      typedSearchAttributes: [
        { key: attributes.project, value: loaded.spec.name },
        { key: attributes.stage, value: 'transform' },
        { key: attributes.status, value: 'running' },
      ],
    });
    const url = runUrl(connected, workflowId, handle.firstExecutionRunId);
    asked.onStart?.(workflowId, url);
    const watching = new AbortController();
    const watched = watch(client, workflowId, asked.onProgress, watching.signal);
    const failure = await handle.result().then(() => null, failureOf);
    asked.onEnd?.();
    watching.abort();
    await watched;
    const ref = await planOf(client, workflowId, handle.firstExecutionRunId);
    if (!ref) return { workflowId, url, plan: NO_PLAN, records: new Map(), failure };
    const [{ plan }, records] = await Promise.all([readPlan(lake, ref), readRecords(lake, ref)]);
    return { workflowId, url, plan, records, failure };
  });
}

const NO_PLAN: TransformPlan = { nodes: [], start: [], end: [], mermaid: '', warnings: [] };

async function watch(
  client: Client,
  workflowId: string,
  tell: DbtWorkflow['onProgress'],
  signal: AbortSignal,
): Promise<void> {
  while (tell && !signal.aborted) {
    const state = await client.workflow
      .getHandle(workflowId)
      .query(progress)
      .catch(() => null);
    if (state) tell(state);
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

function failureOf(error: unknown): { type: string; message: string } {
  if (error instanceof WorkflowFailedError) return runFailure(error);
  throw error;
}

/** Where the run's plan is: the first activity's result, in the run's history. */
async function planOf(client: Client, workflowId: string, runId: string): Promise<ObjectRef | undefined> {
  const { events = [] } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  for (const event of events ?? []) {
    const payload = event.activityTaskCompletedEventAttributes?.result?.payloads?.[0];
    if (payload?.data) return (JSON.parse(Buffer.from(payload.data).toString()) as { ref?: ObjectRef }).ref;
  }
  return undefined;
}

/** With the server at hand, and a worker for this project's warehouse where none serves it. */
async function withWorkers<T>(root: string, work: (connected: Connected) => Promise<T>): Promise<T> {
  const named =
    process.env['TEMPORAL_ADDRESS'] !== undefined || process.env['TEMPORAL_PROFILE'] !== undefined;
  const running = named ? null : await readStack(homeDir());
  if (named || running?.projects.includes(root)) return closing(await connect(), work);
  // a stack that serves other projects lends its server; the worker for this one is ours
  const own = running
    ? {
        home: root,
        address: running.address,
        namespace: running.namespace,
        env: { MILLRACE_QUEUES: 'warehouse' },
      }
    : { home: homeDir() };
  await mkdir(own.home, { recursive: true });
  const stack: Stack = await startStack({ ...own, projects: [root], workerEntry: workerEntry() });
  const stop = (): void => void stack.stop().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const { address, namespace } = stack;
    return await closing(await connectTo({ address, namespace, uiUrl: stack.uiUrl ?? running?.uiUrl }), work);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await stack.stop();
  }
}

async function closing<T>(connected: Connected, work: (connected: Connected) => Promise<T>): Promise<T> {
  try {
    return await work(connected);
  } finally {
    await connected.close();
  }
}
