import type { CommitLog } from '../engines/lake/commit-log.js';
import { backfillLedger, backfillStatus, type BackfillEntry } from '../engines/project/backfill-ledger.js';
import { loadProject } from '../engines/project/load.js';
import { lakeOf } from '../engines/project/snapshot.js';
import type { BackfillInput } from '../schemas/run.js';
import { beating } from './beating.js';
import type { Deps } from './deps.js';

export const createBackfillActivities = (deps: Deps) => {
  const labels = { project: '', stage: 'backfill', stream: '' };
  const ledger = async (input: BackfillInput): Promise<CommitLog<BackfillEntry>> => {
    const loaded = await loadProject(input.root);
    const lake = await deps.resources.lake(lakeOf(loaded));
    return backfillLedger(lake, loaded.spec.name, input.pipeline);
  };
  return {
    /** The last status of each interval that a backfill of this pipeline has recorded, by interval start. */
    readBackfill: (input: BackfillInput): Promise<Record<string, BackfillEntry['status']>> =>
      beating(deps, labels, async () => backfillStatus(await ledger(input))),

    recordBackfill: (input: BackfillInput & BackfillEntry): Promise<void> =>
      beating(deps, labels, async () => {
        const entry = { interval: input.interval, status: input.status };
        await (await ledger(input)).commit(() => ({ entry, result: undefined }));
      }),
  };
};
export type BackfillLedgerActivities = ReturnType<typeof createBackfillActivities>;
