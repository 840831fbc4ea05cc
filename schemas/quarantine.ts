import { z } from 'zod';

/** What somebody decided about the quarantined records of a batch. */
export const QuarantineEvent = z.discriminatedUnion('event', [
  z.strictObject({
    /** they were read again with the declaration as it was then */
    event: z.literal('replayed'),
    batch: z.string(),
    /** the batch that holds what fits now, and in its own quarantine what still does not */
    into: z.string(),
    read: z.int(),
    loaded: z.int(),
    quarantined: z.int(),
    who: z.string(),
    at: z.iso.datetime(),
  }),
  z.strictObject({
    /** their absence was accepted; they stay in the lake */
    event: z.literal('dropped'),
    batch: z.string(),
    records: z.int(),
    who: z.string(),
    why: z.string(),
    at: z.iso.datetime(),
  }),
]);
export type QuarantineEvent = z.infer<typeof QuarantineEvent>;
