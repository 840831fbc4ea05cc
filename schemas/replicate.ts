import { z } from 'zod';
import { Name } from './common.js';
import type { ProjectRef } from './project.js';

/** What starts a `replicate`: the project is read anew at each turn of its work, so that tables can be added. */
export const ReplicateInput = z.strictObject({
  /** folder of the project */
  root: z.string().min(1),
  source: Name,
  /** streams to copy again from the start, each with the id of the request: a repeated one has no second effect */
  resnapshot: z.array(z.strictObject({ stream: Name, request: z.string() })).default([]),
  /** begun paused, after a continue-as-new */
  paused: z.boolean().default(false),
  /** changes so far, carried over continue-as-new */
  changes: z.int().default(0),
  /** a new slot is made, and every table copied again: the id of the request */
  anew: z.string().optional(),
});
export type ReplicateInput = z.infer<typeof ReplicateInput>;

/** One turn's work: pinned to a snapshot of the project. */
export interface ReplicationPlan {
  project: ProjectRef;
  slot: string;
  publication: string;
  /** streams in the replication, by name */
  streams: string[];
  /** of them, those whose rows have to be copied before their changes count */
  copy: { stream: string; request: string }[];
}

export interface StreamedChanges {
  /** position in the log up to which bronze holds every change; null when nothing has changed yet */
  lsn: string | null;
  changes: number;
  /** tables have to be copied again: a column with a default gave values to rows that no change tells */
  recopy: boolean;
  /** bytes of log between what bronze holds and the server's newest */
  lagBytes: number;
  /** bytes of log that the server keeps for the slot */
  walBytes: number;
  /** said when the slot has to be read soon, or the server may drop it */
  alert: string | null;
}
