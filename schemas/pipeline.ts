import { z } from 'zod';
import { Cadence } from './interval.js';
import { Duration } from './common.js';

export const Pipeline = z.strictObject({
  /** what one run is about; a manual run may name any interval */
  cadence: Cadence.default('day'),
  /** IANA time zone in which days, weeks and months begin */
  timezone: z.string().default('UTC'),
  /** streams, as `source.stream` or `source.*` */
  extract: z
    .array(z.string().regex(/^[a-z0-9_]+\.([a-z0-9_]+|\*)$/, 'must be source.stream or source.*'))
    .default([]),
  /** dbt selection (`tag:x`, `+marts`), `true` for all nodes, `false` for none */
  transform: z.union([z.boolean(), z.string().min(1)]).default(true),
  /** predictors to train, judge and, after an approval, promote */
  train: z.array(z.string()).default([]),
  /** predictors whose champions score their relation */
  score: z.array(z.string()).default([]),
});
export type Pipeline = z.infer<typeof Pipeline>;

const Calendar = z.strictObject({
  /** `0`, `0-30/15`, `0,30`; by default 0 */
  minute: z.string().optional(),
  /** 0 to 23; by default 0 */
  hour: z.string().optional(),
  /** 1 to 31; by default every */
  dayOfMonth: z.string().optional(),
  /** 1 to 12 or a name; by default every */
  month: z.string().optional(),
  /** 0 (Sunday) to 6 or a name; by default every */
  dayOfWeek: z.string().optional(),
  /** kept on the server beside the times */
  comment: z.string().optional(),
});

export const Schedule = z
  .strictObject({
    /** what to run */
    pipeline: z.string(),
    /** five-field cron, one or several */
    cron: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    /** times by named fields, one or several; beside cron or instead of it */
    calendars: z.array(Calendar).min(1).optional(),
    /** IANA time zone of the times */
    timezone: z.string().default('UTC'),
    /** each start is put off by a random time up to this */
    jitter: Duration.optional(),
    /**
     * when the last run still goes: skip this one, keep one waiting, queue all, or stop the old one. Whatever is left
     * out is an interval that no run is about, also after a server was down; so all wait unless you say otherwise.
     */
    overlap: z
      .enum(['skip', 'bufferOne', 'bufferAll', 'cancelOther', 'terminateOther', 'allowAll'])
      .default('bufferAll'),
    /** a server that was down runs what it missed within this time */
    catchupWindow: Duration.default('365d'),
    /** hold the schedule back when a run has failed, until it is resumed */
    pauseOnFailure: z.boolean().default(false),
    /** apply it paused */
    paused: z.boolean().default(false),
    /** shown with the schedule in the Temporal UI */
    note: z.string().optional(),
  })
  .refine((schedule) => schedule.cron !== undefined || schedule.calendars !== undefined, {
    message: 'needs cron or calendars',
    path: ['cron'],
  });
export type Schedule = z.infer<typeof Schedule>;
