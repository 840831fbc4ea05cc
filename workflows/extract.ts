import {
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ExtractActivities } from '../activities/extract.js';
import type { ExtractInput, ExtractResult } from '../schemas/run.js';
import { progress } from './messages.js';
import { policies } from './policies.js';
import { slidingWindow } from './window.js';

const { listFiles, loadGroup } = proxyActivities<ExtractActivities>(policies.extract);

/** Groups in work at once: reading one file while another is written keeps disk and CPU busy. */
const WINDOW = 2;
/** Well below the server's 51,200 events, and below 4,096, where replays begin to be felt. */
const MAX_EVENTS = 2_000;

/** One stream into bronze, group by group of files; what a former run has loaded is not read again. */
export async function extract(input: ExtractInput): Promise<ExtractResult> {
  const { source, stream } = input;
  const totals: ExtractResult = input.cursor?.totals ?? {
    ...{ source, stream, files: 0, batches: 0, read: 0, loaded: 0, quarantined: 0, filtered: 0, bytes: 0 },
  };
  let groups = input.cursor?.listing.groups ?? 0;
  let done = input.cursor?.next ?? 0;
  setHandler(progress, () => ({
    stage: `extract ${source}.${stream}`,
    done,
    total: groups,
    current: done < groups ? [`${source}.${stream}`] : [],
    rows: totals.loaded,
  }));

  const listing = input.cursor?.listing ?? (await listFiles(input));
  groups = listing.groups;
  const { next } = await slidingWindow(
    groups,
    WINDOW,
    async (group) => {
      const loaded = await loadGroup.executeWithOptions(
        { summary: `${source}.${stream}: group ${group + 1} of ${groups}` },
        [{ ...input, listing, group }],
      );
      for (const key of ['files', 'batches', 'read', 'loaded', 'quarantined', 'filtered', 'bytes'] as const) {
        totals[key] += loaded[key];
      }
      done++;
      setCurrentDetails(describe(totals, done, groups));
    },
    done,
    () => workflowInfo().historyLength < MAX_EVENTS && !workflowInfo().continueAsNewSuggested,
  );
  if (next < groups) await continueAsNew<typeof extract>({ ...input, cursor: { listing, next, totals } });
  setCurrentDetails(describe(totals, done, groups));
  return totals;
}

function describe(totals: ExtractResult, done: number, groups: number): string {
  const rows = `${totals.loaded.toLocaleString('en')} rows loaded, ${totals.quarantined.toLocaleString('en')} quarantined`;
  return groups === 0 ? 'no new files' : `${done} of ${groups} groups: ${totals.files} files, ${rows}`;
}
