import type { CalendarSpec, ScheduleDescription, ScheduleOptions } from '@temporalio/client';
import {
  formatTimes,
  MONTHS,
  rangesOf,
  timesOf,
  WEEKDAYS,
  type DueTimes,
  type Times,
} from '../engines/project/cron.js';
import type { LoadedProject } from '../engines/project/load.js';
import { milliseconds } from '../schemas/duration.js';
import type { Schedule } from '../schemas/pipeline.js';
import { QUEUES } from '../schemas/queues.js';
import type { PipelineInput } from '../schemas/run.js';
import { attributes } from '../workflows/attributes.js';
import { ids } from '../workflows/ids.js';
import { pipelineAttributes } from './runs.js';

/** What decides when and what a schedule runs, as text that reads the same from a project and from the server. */
export interface ScheduleFacts {
  runs: string;
  times: string;
  timezone: string;
  jitter: string;
  overlap: string;
  catchupWindow: string;
  pauseOnFailure: string;
}

export interface PauseState {
  paused: boolean;
  note: string;
}

export interface DeclaredSchedule extends PauseState {
  id: string;
  name: string;
  facts: ScheduleFacts;
  options: ScheduleOptions;
}

export interface ServerSchedule extends PauseState {
  id: string;
  name: string;
  facts: ScheduleFacts;
  /** what the project said about pausing when it was last applied; null for one that was not made by Millrace */
  applied: PauseState | null;
}

const OVERLAP = {
  skip: 'SKIP',
  bufferOne: 'BUFFER_ONE',
  bufferAll: 'BUFFER_ALL',
  cancelOther: 'CANCEL_OTHER',
  terminateOther: 'TERMINATE_OTHER',
  allowAll: 'ALLOW_ALL',
} as const satisfies Record<Schedule['overlap'], string>;

/** The schedules of a project, ready to be compared and to be written. */
export const declaredSchedules = ({ spec, root }: Pick<LoadedProject, 'spec' | 'root'>): DeclaredSchedule[] =>
  Object.entries(spec.schedules).map(([name, schedule]) => declare(spec.name, root, name, schedule));

function declare(project: string, root: string, name: string, schedule: Schedule): DeclaredSchedule {
  const id = ids.schedule(project, name);
  const due = timesOf(schedule);
  const input: PipelineInput = { root, pipeline: schedule.pipeline };
  const state = { paused: schedule.paused, note: schedule.note ?? '' };
  const jitter = schedule.jitter === undefined ? 0 : milliseconds(schedule.jitter);
  const catchupWindow = milliseconds(schedule.catchupWindow);
  return {
    ...{ id, name, ...state },
    facts: {
      runs: describeAction('pipeline', input, QUEUES.control),
      times: formatAll(due.map(({ times }) => times)),
      timezone: schedule.timezone,
      jitter: seconds(jitter),
      overlap: OVERLAP[schedule.overlap],
      catchupWindow: seconds(catchupWindow),
      pauseOnFailure: String(schedule.pauseOnFailure),
    },
    options: {
      scheduleId: id,
      spec: {
        calendars: due.map(toCalendar),
        timezone: schedule.timezone,
        jitter,
      },
      action: {
        type: 'startWorkflow',
        workflowType: 'pipeline',
        workflowId: id,
        taskQueue: QUEUES.control,
        // no interval: a run takes it from the time it was due
        args: [input],
        memo: { millrace: state },
        staticSummary: `${project} ${schedule.pipeline}, due by schedule ${name}`,
        typedSearchAttributes: pipelineAttributes(project, schedule.pipeline),
      },
      policies: {
        overlap: OVERLAP[schedule.overlap],
        catchupWindow,
        pauseOnFailure: schedule.pauseOnFailure,
      },
      state,
      typedSearchAttributes: [
        { key: attributes.project, value: project },
        { key: attributes.pipeline, value: schedule.pipeline },
      ],
    },
  };
}

/** The same facts, read back: an edit by hand shows as a difference, whatever it was. */
export function readDescription(project: string, found: ScheduleDescription): ServerSchedule {
  const { spec, action, policies, state } = found;
  const unusual = [...(spec.intervals ?? []), ...(spec.skip ?? []), spec.startAt, spec.endAt].filter(Boolean);
  return {
    id: found.scheduleId,
    name: found.scheduleId.slice(project.length + 1),
    facts: {
      runs: describeAction(action.workflowType, action.args?.[0], action.taskQueue),
      times: [
        formatAll((spec.calendars ?? []).map(fromCalendar)),
        ...(unusual.length > 0 ? ['and what was set by hand'] : []),
      ].join('; '),
      timezone: spec.timezone || 'UTC',
      jitter: seconds(spec.jitter ?? 0),
      overlap: policies.overlap ?? 'SKIP',
      catchupWindow: seconds(policies.catchupWindow),
      pauseOnFailure: String(policies.pauseOnFailure),
    },
    paused: state.paused,
    note: state.note ?? '',
    applied: (action.memo?.['millrace'] as PauseState | undefined) ?? null,
  };
}

const describeAction = (type: string, input: unknown, queue: string): string => {
  const { pipeline, root, ...rest } = (input ?? {}) as Partial<PipelineInput>;
  const more = Object.keys(rest).length > 0 ? ` with ${JSON.stringify(rest)}` : '';
  return `${type} ${pipeline ?? '?'} of ${root ?? '?'}${more} on ${queue}`;
};

const formatAll = (times: Times[]): string => times.map(formatTimes).sort().join('; ');
const seconds = (ms: number): string => `${ms / 1000}s`;

const toCalendar = ({ times, comment }: DueTimes): CalendarSpec => ({
  minute: rangesOf(times.minute),
  hour: rangesOf(times.hour),
  dayOfMonth: rangesOf(times.dayOfMonth),
  month: rangesOf(times.month).map(({ start, end }) => ({ start: month(start), end: month(end) })),
  dayOfWeek: rangesOf(times.dayOfWeek).map(({ start, end }) => ({
    start: weekday(start),
    end: weekday(end),
  })),
  comment,
});

const month = (number: number) => MONTHS[number - 1] ?? 'JANUARY';
const weekday = (number: number) => WEEKDAYS[number] ?? 'SUNDAY';

type ServerCalendar = NonNullable<ScheduleDescription['spec']['calendars']>[number];
type Range<T> = { start: T; end: T; step: number };

const fromCalendar = (calendar: ServerCalendar): Times => ({
  minute: expand(calendar.minute),
  hour: expand(calendar.hour),
  dayOfMonth: expand(calendar.dayOfMonth),
  month: expand(
    calendar.month.map(({ start, end, step }) => ({
      start: MONTHS.indexOf(start) + 1,
      end: MONTHS.indexOf(end) + 1,
      step,
    })),
  ),
  dayOfWeek: expand(
    calendar.dayOfWeek.map(({ start, end, step }) => ({
      start: WEEKDAYS.indexOf(start),
      end: WEEKDAYS.indexOf(end),
      step,
    })),
  ),
});

function expand(ranges: Range<number>[]): number[] {
  const values = new Set<number>();
  for (const { start, end, step } of ranges)
    for (let value = start; value <= end; value += step) values.add(value);
  return [...values].sort((a, b) => a - b);
}
