import {
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ExtractActivities } from '../activities/extract.js';
import type { ReplicateActivities } from '../activities/replicate.js';
import type { ExtractInput, ExtractResult } from '../schemas/run.js';
import { progress } from './messages.js';
import { policies } from './policies.js';
import { slidingWindow } from './window.js';

const { awaitReplication } = proxyActivities<ReplicateActivities>(policies.wait);
const { planLoad, loadUnit } = proxyActivities<ExtractActivities>(policies.extract);

/** Units in work at once: reading one while another is written keeps disk and CPU busy. */
const WINDOW = 2;
/** Well below the server's 51,200 events, and below 4,096, where replays begin to be felt. */
const MAX_EVENTS = 2_000;

/** One stream into bronze, unit by unit; what a former run has loaded is not read again. */
export async function extract(input: ExtractInput): Promise<ExtractResult> {
  const { source, stream } = input;
  const totals: ExtractResult = input.cursor?.totals ?? {
    ...{ source, stream, batches: 0, read: 0, loaded: 0, quarantined: 0, filtered: 0, bytes: 0 },
  };
  let units = input.cursor?.work.units ?? (input.replicated ? 1 : 0);
  let done = input.cursor?.next ?? 0;
  setHandler(progress, () => ({
    stage: `extract ${source}.${stream}`,
    done,
    total: units,
    current: done < units ? [`${input.replicated ? 'changes of ' : ''}${source}.${stream}`] : [],
    rows: totals.loaded,
  }));

  if (input.replicated) {
    setCurrentDetails(
      `waits until bronze holds what ${source} holds now; see: millrace replicate status ${source}`,
    );
    const caughtUp = await awaitReplication(input);
    done = units;
    Object.assign(totals, caughtUp);
    setCurrentDetails(`${caughtUp.loaded.toLocaleString('en')} rows came while it waited`);
    return caughtUp;
  }

  const work = input.cursor?.work ?? (await planLoad(input));
  units = work.units;
  const { next } = await slidingWindow(
    units,
    WINDOW,
    async (unit) => {
      const loaded = await loadUnit.executeWithOptions(
        { summary: `${source}.${stream}: unit ${unit + 1} of ${units}` },
        [{ ...input, work, unit }],
      );
      for (const key of ['batches', 'read', 'loaded', 'quarantined', 'filtered', 'bytes'] as const) {
        totals[key] += loaded[key];
      }
      if (loaded.discarded) totals.discarded = (totals.discarded ?? 0) + loaded.discarded;
      if (loaded.columns) totals.columns = together(totals.columns, loaded.columns);
      done++;
      setCurrentDetails(describe(totals, done, units));
    },
    done,
    () => workflowInfo().historyLength < MAX_EVENTS && !workflowInfo().continueAsNewSuggested,
  );
  if (next < units) await continueAsNew<typeof extract>({ ...input, cursor: { work, next, totals } });
  setCurrentDetails(describe(totals, done, units));
  return totals;
}

type Columns = NonNullable<ExtractResult['columns']>;

/** Several units may bring the same column, each knowing only what was there before it. */
function together(known: Columns = [], next: Columns): Columns {
  const byName = new Map(known.map((one) => [one.column, one]));
  for (const one of next) byName.set(one.column, { ...one, ...byName.get(one.column), type: one.type });
  return [...byName.values()];
}

function describe(totals: ExtractResult, done: number, units: number): string {
  const rows = `${totals.loaded.toLocaleString('en')} rows loaded, ${totals.quarantined.toLocaleString('en')} quarantined`;
  return units === 0 ? 'nothing new' : `${done} of ${units} units: ${totals.batches} batches, ${rows}`;
}
