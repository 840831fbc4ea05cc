import {
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { ReplicateActivities } from '../activities/replicate.js';
import type { ReplicateInput, ReplicationPlan, StreamedChanges } from '../schemas/replicate.js';
import { attributes } from './attributes.js';
import { pause, progress, reload, resnapshot, resume } from './messages.js';
import { policies } from './policies.js';

const { prepareReplication, copyTables, streamChanges } = proxyActivities<ReplicateActivities>(
  policies.replicate,
);

/** A turn of streaming takes a minute, so such a history spans hours and is replayed in a blink. */
const MAX_EVENTS = 1_000;

/**
 * Change data capture of one source, for as long as it lives: copies tables that are not in bronze yet, then follows
 * their changes. Every turn begins from what bronze holds, so it may be stopped anywhere.
 */
export async function replicate(input: ReplicateInput): Promise<void> {
  try {
    await follow(input);
  } catch (error) {
    if (!(error instanceof ContinueAsNew)) {
      const status = isCancellation(error) ? 'cancelled' : 'failed';
      upsertSearchAttributes([{ key: attributes.status, value: status }]);
    }
    throw error;
  }
}

async function follow({ anew: asked, ...input }: ReplicateInput): Promise<void> {
  let { paused, changes } = input;
  let anew = asked;
  const again = new Map(input.resnapshot.map(({ stream, request }) => [stream, request]));
  let reloaded = false;
  let doing = 'preparing';
  let plan: ReplicationPlan | undefined;
  let last: StreamedChanges | undefined;
  setHandler(pause, () => void (paused = true));
  setHandler(resume, () => void (paused = false));
  setHandler(reload, () => void (reloaded = true));
  setHandler(resnapshot, (stream) => void again.set(stream, uuid4()));
  setHandler(progress, () => ({
    stage: `replicate ${input.source}`,
    done: plan ? plan.streams.length - plan.copy.length : 0,
    total: plan?.streams.length ?? 0,
    current: [doing],
    rows: changes,
  }));
  const tell = (now: string): void => {
    doing = now;
    setCurrentDetails(details(now, changes, last));
  };
  const roomLeft = (): boolean =>
    workflowInfo().historyLength < MAX_EVENTS && !workflowInfo().continueAsNewSuggested;
  const interrupted = (): boolean => paused || reloaded || again.size > 0;

  const { workflowId, firstExecutionRunId, startTime } = workflowInfo();
  const stamp = {
    run: `${workflowId}@${firstExecutionRunId.slice(-12)}`,
    extractedAt: startTime.toISOString(),
  };
  while (roomLeft()) {
    if (paused) tell('paused');
    await condition(() => !paused);
    tell('preparing');
    reloaded = false;
    const requests = [...again].map(([stream, request]) => ({ stream, request }));
    plan = await prepareReplication({ ...input, anew, run: stamp.run, resnapshot: requests });
    anew = undefined; // from here on, bronze knows which tables have to be copied
    upsertSearchAttributes([{ key: attributes.project, value: plan.project.name }]);
    if (plan.copy.length > 0) {
      const work = { ...input, plan, ...stamp };
      tell(`copying ${plan.copy.map(({ stream }) => stream).join(', ')}`);
      const copied = await unless(
        () => paused,
        () => copyTables(work),
      );
      if (!copied) continue;
      changes += copied.rows;
      plan = { ...plan, copy: [] };
    }
    // a name that the project does not have is dropped here, too; a request that came meanwhile stays
    for (const { stream, request } of requests) if (again.get(stream) === request) again.delete(stream);
    while (!interrupted() && roomLeft()) {
      const work = { ...input, plan, ...stamp };
      tell(`following ${plan.streams.length} ${plan.streams.length === 1 ? 'table' : 'tables'}`);
      const streamed = await unless(interrupted, () => streamChanges(work));
      if (!streamed) break;
      changes += streamed.changes;
      last = streamed;
      if (streamed.recopy) break;
    }
  }
  const resnapshots = [...again].map(([stream, request]) => ({ stream, request }));
  await continueAsNew<typeof replicate>({ ...input, resnapshot: resnapshots, paused, changes });
}

function details(now: string, changes: number, last: StreamedChanges | undefined): string {
  const at = last?.lsn ? `, bronze holds every change up to ${last.lsn}` : '';
  const lag = last ? `, ${(last.lagBytes / 1e6).toFixed(1)} MB behind` : '';
  const alert = last?.alert ? `\n\n**Alert:** ${last.alert}` : '';
  return `**${now}** · ${changes.toLocaleString('en')} rows${at}${lag}${alert}`;
}

/** @returns undefined when the condition came first: the work was stopped, and has ended */
async function unless<T>(when: () => boolean, work: () => Promise<T>): Promise<T | undefined> {
  const scope = new CancellationScope();
  let ended = false;
  const running = scope.run(work).finally(() => (ended = true));
  // a guard that a cancelled workflow ended before the work has would be a rejection that nobody handles
  const guard = CancellationScope.nonCancellable(() => condition(() => ended || when())).then(() => {
    if (!ended) scope.cancel();
  });
  try {
    return await running;
  } catch (error) {
    // stopped from here, not from outside
    if (isCancellation(error) && when()) return undefined;
    throw error;
  } finally {
    await guard;
  }
}
