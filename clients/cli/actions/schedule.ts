import { withClient } from '../../connect.js';
import { hasChanges, type ScheduleChange } from '../../schedule-plan.js';
import {
  applySchedules,
  deleteSchedule,
  diffSchedules,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  triggerSchedule,
} from '../../schedules.js';
import { ask } from '../ask.js';
import { answer, EXIT, say, style, table, type GlobalOptions } from '../output.js';

/** `millrace schedule diff` */
export async function diff(options: GlobalOptions): Promise<void> {
  await withClient(async ({ client }) => {
    const plan = await diffSchedules(client, options.project);
    answer(options, plan, () => describePlan(plan));
  });
}

/** `millrace schedule apply`: shows what it will do and asks, unless it was told `--yes`. */
export async function apply(options: GlobalOptions & { yes?: boolean }): Promise<number> {
  return withClient(async ({ client }) => {
    let refused = false;
    const { plan, applied } = await applySchedules(client, options.project, async (planned) => {
      if (!options.json) for (const line of describePlan(planned)) say(line);
      refused = !(options.yes || (await ask('Apply this?', UNASKED)));
      return !refused;
    });
    if (!hasChanges(plan)) answer(options, { applied, plan }, () => describePlan(plan));
    else answer(options, { applied, plan }, () => (applied ? style.green('applied') : 'nothing was changed'));
    return refused ? EXIT.failed : EXIT.ok;
  });
}

const UNASKED = {
  what: 'there is no terminal to ask whether the schedules may be changed',
  fix: 'Look at `millrace schedule diff`, then run: millrace schedule apply --yes',
};

/** `millrace schedule list` */
export async function list(options: GlobalOptions): Promise<void> {
  await withClient(async ({ client }) => {
    const schedules = await listSchedules(client, options.project);
    answer(options, schedules, () =>
      schedules.length === 0
        ? 'no schedules on the server; make those of millrace.ts with: millrace schedule apply'
        : table(
            ['schedule', 'pipeline', 'state', 'times', 'next', 'last run'],
            schedules.map(({ name, pipeline, paused, note, running, times, timezone, next, last }) => [
              ...[name, pipeline],
              paused
                ? style.yellow(`paused${note ? ` (${note})` : ''}`)
                : running.length > 0
                  ? style.cyan('running')
                  : style.green('active'),
              ...[`${times} ${timezone}`, paused ? '' : (next ?? 'never'), last?.workflowId ?? ''],
            ]),
          ),
    );
  });
}

const byHand = { why: 'by hand, with millrace' };

/** `millrace schedule pause` */
export const pause = (options: GlobalOptions & { why?: string }, name: string): Promise<void> =>
  withClient(async ({ client }) => {
    const id = await pauseSchedule(client, options.project, name, options.why ?? byHand.why);
    answer(
      options,
      { id, paused: true },
      () => `paused ${id}; what runs goes on. Resume with: millrace schedule resume ${name}`,
    );
  });

/** `millrace schedule resume` */
export const resume = (options: GlobalOptions & { why?: string }, name: string): Promise<void> =>
  withClient(async ({ client }) => {
    const id = await resumeSchedule(client, options.project, name, options.why ?? byHand.why);
    answer(options, { id, paused: false }, () => `resumed ${id}`);
  });

/** `millrace schedule trigger` */
export const trigger = (options: GlobalOptions, name: string): Promise<void> =>
  withClient(async ({ client }) => {
    const id = await triggerSchedule(client, options.project, name);
    answer(options, { id, triggered: true }, () => `triggered ${id}; see it with: millrace runs`);
  });

/** `millrace schedule delete` */
export const remove = (options: GlobalOptions, name: string): Promise<void> =>
  withClient(async ({ client }) => {
    const id = await deleteSchedule(client, options.project, name);
    answer(
      options,
      { id, deleted: true },
      () => `deleted ${id}; the next apply makes it again unless millrace.ts drops it`,
    );
  });

function describePlan(plan: ScheduleChange[]): string[] {
  const signs = { create: style.green('+'), update: style.yellow('~'), delete: style.red('-'), none: ' ' };
  const lines = plan.flatMap(({ action, id, differences, kept }) => [
    ...(action === 'none' && !kept
      ? []
      : [`${signs[action]} ${style.bold(id)} ${action === 'none' ? 'as declared' : action}`]),
    ...differences.map(
      ({ field, from, to }) => `    ${field}: ${from === '' ? '' : `${from} → `}${to || "''"}`,
    ),
    ...(kept ? [`    stays ${kept}`] : []),
  ]);
  if (!hasChanges(plan))
    return [...lines, `nothing to do: the server's ${plan.length} schedules are those of millrace.ts`];
  const count = (action: string): number => plan.filter((change) => change.action === action).length;
  return [
    ...lines,
    `${count('create')} to create, ${count('update')} to update, ${count('delete')} to delete`,
  ];
}
