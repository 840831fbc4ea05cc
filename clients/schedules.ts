import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleHandle,
  type ScheduleOptionsStartWorkflowAction,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { loadProject, type LoadedProject } from '../engines/project/load.js';
import { MillraceError } from '../schemas/errors.js';
import { SEARCH_ATTRIBUTES } from '../schemas/queues.js';
import { ids } from '../workflows/ids.js';
import {
  declaredSchedules,
  readDescription,
  type DeclaredSchedule,
  type ServerSchedule,
} from './schedule-facts.js';
import { hasChanges, nextState, planSchedules, type ScheduleChange } from './schedule-plan.js';

/** Requests to the server at once: thousands of schedules are read in seconds, and it stays responsive. */
const AT_ONCE = 16;

/** What {@link applySchedules} would do now. Changes nothing. */
export async function diffSchedules(client: Client, folder: string): Promise<ScheduleChange[]> {
  return readPlan(client, await loadProject(folder));
}

/**
 * Makes the server's schedules those of the project. Doing it twice changes nothing, and two at once end the same.
 * @param confirm called with the plan when there is something to do; false leaves everything as it is
 * @returns the plan, and whether it was carried out
 */
export async function applySchedules(
  client: Client,
  folder: string,
  confirm: (plan: ScheduleChange[]) => Promise<boolean> | boolean = () => true,
): Promise<{ plan: ScheduleChange[]; applied: boolean }> {
  const loaded = await loadProject(folder);
  const plan = await readPlan(client, loaded);
  if (!hasChanges(plan) || !(await confirm(plan))) return { plan, applied: false };
  const declared = new Map(declaredSchedules(loaded).map((schedule) => [schedule.id, schedule]));
  for (const change of plan) {
    const handle = client.schedule.getHandle(change.id);
    const schedule = declared.get(change.id);
    if (change.action === 'delete') await handle.delete().catch(ignoreMissing);
    else if (change.action !== 'none' && schedule) await write(client, handle, schedule);
  }
  return { plan, applied: true };
}

async function readPlan(client: Client, loaded: LoadedProject): Promise<ScheduleChange[]> {
  const project = loaded.spec.name;
  const declared = declaredSchedules(loaded);
  const known = new Set(declared.map(({ id }) => id));
  for await (const { scheduleId } of client.schedule.list({ query: ofProject(project) }))
    known.add(scheduleId);
  // the list may be seconds old, so each is asked for what it is now
  const found = await inParallel([...known], (id) => describe(client, project, id));
  return planSchedules(
    declared,
    found.filter((schedule) => schedule !== null),
  );
}

async function describe(client: Client, project: string, id: string): Promise<ServerSchedule | null> {
  try {
    return readDescription(project, await client.schedule.getHandle(id).describe());
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

/** Creates it, or makes the one that exists the same. Unless the project restates it, a pause is left as it is. */
async function write(client: Client, handle: ScheduleHandle, schedule: DeclaredSchedule): Promise<void> {
  const { options } = schedule;
  try {
    await client.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { spec, action, policies, typedSearchAttributes } = options;
    await handle.update((found): ScheduleUpdateOptions<ScheduleOptionsStartWorkflowAction<Workflow>> => {
      const state = nextState(schedule, readDescription('', found));
      return {
        ...{ spec, action, state },
        ...(policies && { policies }),
        ...(typedSearchAttributes && { typedSearchAttributes }),
      };
    });
  }
}

export interface ScheduleStatus {
  id: string;
  name: string;
  pipeline: string;
  paused: boolean;
  note: string;
  times: string;
  timezone: string;
  next: string | null;
  /** the last run and when it was due */
  last: { workflowId: string; due: string } | null;
  running: string[];
}

/** The project's schedules on the server. */
export async function listSchedules(client: Client, folder: string): Promise<ScheduleStatus[]> {
  const { spec } = await loadProject(folder);
  const found: string[] = [];
  for await (const { scheduleId } of client.schedule.list({ query: ofProject(spec.name) }))
    found.push(scheduleId);
  const statuses = await inParallel(found.sort(), async (id): Promise<ScheduleStatus | null> => {
    const description = await client.schedule.getHandle(id).describe().catch(ignoreMissing);
    if (!description) return null;
    const { name, facts, paused, note } = readDescription(spec.name, description);
    const { nextActionTimes, recentActions, runningActions } = description.info;
    const last = recentActions.at(-1);
    const input = description.action.args?.[0] as { pipeline?: string } | undefined;
    return {
      ...{
        id,
        name,
        paused,
        note,
        pipeline: input?.pipeline ?? '',
        times: facts.times,
        timezone: facts.timezone,
      },
      next: nextActionTimes[0]?.toISOString() ?? null,
      last: last
        ? { workflowId: last.action.workflow.workflowId, due: last.scheduledAt.toISOString() }
        : null,
      running: runningActions.map(({ workflow }) => workflow.workflowId),
    };
  });
  return statuses.filter((status) => status !== null);
}

/** Holds a schedule back until it is resumed; runs under way go on. @returns its id */
export const pauseSchedule = (client: Client, folder: string, name: string, why: string): Promise<string> =>
  onSchedule(client, folder, name, (handle) => handle.pause(why));

/** @returns its id */
export const resumeSchedule = (client: Client, folder: string, name: string, why: string): Promise<string> =>
  onSchedule(client, folder, name, (handle) => handle.unpause(why));

/** Runs it now, as if it were due now; its overlap policy holds. @returns its id */
export const triggerSchedule = (client: Client, folder: string, name: string): Promise<string> =>
  onSchedule(client, folder, name, async (handle) => {
    const { policies } = await handle.describe();
    await handle.trigger(policies.overlap);
  });

/** @returns its id */
export const deleteSchedule = (client: Client, folder: string, name: string): Promise<string> =>
  onSchedule(client, folder, name, (handle) => handle.delete());

/** @param name as in the project, or the whole id. @throws MillraceError ObjectMissing naming those that exist */
async function onSchedule(
  client: Client,
  folder: string,
  name: string,
  work: (handle: ScheduleHandle) => Promise<void>,
): Promise<string> {
  const { spec } = await loadProject(folder);
  const id = name.startsWith(`${spec.name}.`) ? name : ids.schedule(spec.name, name);
  try {
    await work(client.schedule.getHandle(id));
    return id;
  } catch (cause) {
    if (!(cause instanceof ScheduleNotFoundError)) throw cause;
    const names = (await listSchedules(client, folder)).map((schedule) => schedule.name);
    throw new MillraceError('ObjectMissing', {
      what: `the server has no schedule ${id}`,
      fix:
        names.length > 0
          ? `There are: ${names.join(', ')}`
          : 'Make those of millrace.ts with: millrace schedule apply',
      cause,
    });
  }
}

const ofProject = (project: string): string => `${SEARCH_ATTRIBUTES.project} = '${project}'`;

function ignoreMissing(error: unknown): void {
  if (!(error instanceof ScheduleNotFoundError)) throw error;
}

async function inParallel<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += AT_ONCE)
    results.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(work))));
  return results;
}
