import { z } from 'zod';

/** `[start, end)` of data time in ISO 8601 UTC. Every run has one; nothing that decides about data reads the clock. */
export const Interval = z.strictObject({ start: z.iso.datetime(), end: z.iso.datetime() });
export type Interval = z.infer<typeof Interval>;

/** How a pipeline's data time is cut: calendar units of its time zone, so a daylight-saving day has 23 or 25 hours. */
export const Cadence = z.enum(['hour', 'day', 'week', 'month']);
export type Cadence = z.infer<typeof Cadence>;
