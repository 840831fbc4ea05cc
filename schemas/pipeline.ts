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
  train: z.array(z.string()).default([]),
  score: z.array(z.string()).default([]),
});
export type Pipeline = z.infer<typeof Pipeline>;

const Calendar = z.strictObject({
  minute: z.string().optional(),
  hour: z.string().optional(),
  dayOfMonth: z.string().optional(),
  month: z.string().optional(),
  dayOfWeek: z.string().optional(),
  comment: z.string().optional(),
});

export const Schedule = z
  .strictObject({
    pipeline: z.string(),
    /** five-field cron */
    cron: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    calendars: z.array(Calendar).min(1).optional(),
    timezone: z.string().default('UTC'),
    jitter: Duration.optional(),
    /** when the last run still goes: skip this one, keep one waiting, queue all, or stop the old one */
    overlap: z
      .enum(['skip', 'bufferOne', 'bufferAll', 'cancelOther', 'terminateOther', 'allowAll'])
      .default('bufferOne'),
    /** a server that was down runs what it missed within this time */
    catchupWindow: Duration.default('365d'),
    pauseOnFailure: z.boolean().default(false),
    paused: z.boolean().default(false),
    note: z.string().optional(),
  })
  .refine((schedule) => schedule.cron !== undefined || schedule.calendars !== undefined, {
    message: 'needs cron or calendars',
    path: ['cron'],
  });
export type Schedule = z.infer<typeof Schedule>;
