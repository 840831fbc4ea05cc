import { z } from 'zod';

/** A human answer to one candidate. It counts only for the hash it names, while that candidate is waiting. */
export const Approval = z.strictObject({
  who: z.string().min(1),
  why: z.string().min(1),
  /** the candidate's hash, so that nobody approves something else than they read about */
  hash: z.string().min(8),
});
export type Approval = z.infer<typeof Approval>;

/** What became of an answer, kept in the run for the record. */
export interface ApprovalRecord extends Approval {
  answer: 'approve' | 'reject';
  accepted: boolean;
  /** why an answer did not count */
  note?: string;
}
