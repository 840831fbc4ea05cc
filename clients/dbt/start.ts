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
import { sha256 } from '../../engines/lake/content.js';
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
  /** told when it has begun, and as it gets on; `former` when it had begun before, and its command died */
  onStart?: (workflowId: string, url: string | undefined, former: boolean) => void;
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
  /** Ctrl-C cancelled it */
  interrupted: boolean;
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
  const { run, reuse } = asked;
  const project = await takeSnapshot(lake, loaded);
  const { startedAt, ...same } = run;
  const likeness = sha256(JSON.stringify([project.hash, reuse, same]));
  let cancel: (() => Promise<unknown>) | undefined;
  let interrupted = false;
  const work = async (connected: Connected, alone: boolean): Promise<DbtWorkflowResult> => {
    const { client } = connected;
    const unfinished = await unfinishedRun(client, loaded.spec.name, likeness, alone);
    const workflowId =
      unfinished ?? `${loaded.spec.name}.dbt.${run.command.replace(' ', '-')}.${randomUUID().slice(0, 8)}`;
    const input: TransformInput = {
      ...{ project, interval: { start: startedAt, end: startedAt } },
      ...{ run: workflowId, warehouseQueue: queue, select: true, wanted: [] },
      ...{ concurrency: run.target.threads, reuse, dbt: run },
    };
    const handle = await client.workflow.start<typeof transform>('transform', {
      workflowId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: QUEUES.control,
      args: [input],
      memo: { [LIKENESS]: likeness },
      staticSummary: `dbt ${run.command} of ${loaded.spec.name}`,
      typedSearchAttributes: [
        { key: attributes.project, value: loaded.spec.name },
        { key: attributes.stage, value: 'transform' },
        { key: attributes.status, value: 'running' },
      ],
    });
    cancel = () => handle.cancel();
    const url = runUrl(connected, workflowId, handle.firstExecutionRunId);
    asked.onStart?.(workflowId, url, unfinished !== undefined);
    const watching = new AbortController();
    const watched = watch(client, workflowId, asked.onProgress, watching.signal);
    const failure = await handle.result().then(() => null, failureOf);
    asked.onEnd?.();
    watching.abort();
    await watched;
    const ref = await planOf(client, workflowId, handle.firstExecutionRunId);
    const told = { workflowId, url, failure, interrupted };
    if (!ref) return { ...told, plan: NO_PLAN, records: new Map() };
    const [{ plan }, records] = await Promise.all([readPlan(lake, ref), readRecords(lake, ref)]);
    return { ...told, plan, records };
  };
  return withWorkers(loaded.root, work, (end) => {
    interrupted = true;
    if (cancel) cancel().catch(end);
    else end();
  });
}

/** of what was asked, and of the project: the same command on the same files is the same run */
const LIKENESS = 'dbtLikeness';

/**
 * The run of the same command on the same project that nobody has seen to its end: its command was killed.
 *
 * @param alone nobody else uses this server, so whatever else was cut off has lost its command: it is cancelled
 */
async function unfinishedRun(
  client: Client,
  project: string,
  likeness: string,
  alone: boolean,
): Promise<string | undefined> {
  const query = [
    `${attributes.project.name} = '${project}'`,
    `${attributes.stage.name} = 'transform'`,
    "ExecutionStatus = 'Running'",
    `WorkflowId STARTS_WITH '${project}.dbt.'`,
  ];
  let found: string | undefined;
  for await (const { workflowId, memo } of client.workflow.list({ query: query.join(' AND ') })) {
    if (memo?.[LIKENESS] === likeness) found ??= workflowId;
    else if (alone) {
      const handle = client.workflow.getHandle(workflowId);
      await handle.cancel();
      await handle.result().catch(() => undefined);
    }
  }
  return found;
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

/**
 * With the server at hand, and a worker for this project's warehouse where none serves it.
 *
 * @param onInterrupt told of the first Ctrl-C, with what ends the command; a second one ends it in any case
 */
async function withWorkers<T>(
  root: string,
  work: (connected: Connected, alone: boolean) => Promise<T>,
  onInterrupt: (end: () => void) => void,
): Promise<T> {
  const named =
    process.env['TEMPORAL_ADDRESS'] !== undefined || process.env['TEMPORAL_PROFILE'] !== undefined;
  const running = named ? null : await readStack(homeDir());
  let stack: Stack | undefined;
  let asked = false;
  const end = (): void => void Promise.resolve(stack?.stop()).finally(() => process.exit(130));
  const interrupt = (): void => {
    if (asked) return end();
    asked = true;
    onInterrupt(end);
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    if (named || running?.projects.includes(root))
      return await closing(await connect(), (connected) => work(connected, false));
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
    stack = await startStack({ ...own, projects: [root], workerEntry: workerEntry() });
    const { address, namespace } = stack;
    const connected = await connectTo({ address, namespace, uiUrl: stack.uiUrl ?? running?.uiUrl });
    return await closing(connected, () => work(connected, running === null));
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await stack?.stop();
  }
}

async function closing<T>(connected: Connected, work: (connected: Connected) => Promise<T>): Promise<T> {
  try {
    return await work(connected);
  } finally {
    await connected.close();
  }
}
