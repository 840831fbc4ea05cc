import { z } from 'zod';
import { Interval } from '../../schemas/interval.js';
import { CommitLog } from '../lake/commit-log.js';
import type { ObjectStore } from '../lake/store.js';

export const BackfillEntry = z.strictObject({ interval: Interval, status: z.enum(['succeeded', 'failed']) });
export type BackfillEntry = z.infer<typeof BackfillEntry>;

/** What became of the intervals that backfills of a pipeline have run. It outlives them, in the project's lake. */
export const backfillLedger = (
  lake: ObjectStore,
  project: string,
  pipeline: string,
): CommitLog<BackfillEntry> => new CommitLog(lake, `backfills/${project}/${pipeline}`, BackfillEntry);

/** The last status of each interval, by its start. */
export async function backfillStatus(
  ledger: CommitLog<BackfillEntry>,
): Promise<Record<string, BackfillEntry['status']>> {
  const { entries } = await ledger.read();
  return Object.fromEntries(entries.map(({ interval, status }) => [interval.start, status]));
}
