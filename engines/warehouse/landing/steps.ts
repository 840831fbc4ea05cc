import type { Batch } from '../../../schemas/lake.js';
import { completeGenerations, currentBatches, FULL, generationOf } from '../../lake/current-batches.js';

/**
 * One step from empty to what a keyed relation holds: `rows` are applied one by one in their order; a `snapshot` is all
 * there is, so that a key it lacks is gone.
 */
export interface Step {
  kind: 'rows' | 'snapshot';
  batches: Batch[];
}

/**
 * The steps of a stream, oldest first. A new batch adds steps at the end, unless it takes the place of an earlier one,
 * replays its quarantine, or is of an earlier interval: then the steps before differ, and the relation has to be made
 * anew.
 *
 * Full loads stay steps when a later one has superseded them: what a row was is told by them. A copy in several batches
 * (a generation) is one step, at the place of its first batch; changes that were committed during the copy follow it.
 * While a copy is under way, the steps end where it began, unless a later one is complete.
 *
 * @param dated the stream is read interval by interval: they give the order, whenever each was loaded
 */
export function stepsOf(batches: readonly Batch[], dated = false): Step[] {
  const read = batches.filter(({ replays }) => replays === undefined);
  const current = new Set(currentBatches(read));
  const complete = completeGenerations(read.filter(({ scope }) => scope === FULL));
  const lastCopy = read.findLastIndex(
    (batch) => batch.scope === FULL && (!batch.generation || complete.has(generationOf(batch))),
  );
  const copied = new Set<string>();
  const steps: Step[] = [];
  for (let at = 0; at < read.length; at++) {
    const batch = read[at] as Batch;
    if (batch.scope !== FULL) {
      if (current.has(batch)) steps.push({ kind: 'rows', batches: [batch] });
    } else if (!batch.generation) {
      steps.push({ kind: 'snapshot', batches: [batch] });
    } else if (copied.has(generationOf(batch))) {
      steps.push({ kind: 'rows', batches: [batch] }); // it came after the copy was called complete
    } else if (complete.has(generationOf(batch))) {
      copied.add(generationOf(batch));
      const end = copyEnd(read, at);
      steps.push(...copySteps(read.slice(at, end), batch, current));
      at = end - 1;
    } else if (at > lastCopy) break;
  }
  return withReplays(dated ? steps.toSorted(byInterval) : steps, batches);
}

/** Index after the batch that completes the generation that begins at `start`. */
function copyEnd(batches: readonly Batch[], start: number): number {
  const id = generationOf(batches[start] as Batch);
  return (
    1 +
    batches.findIndex((one, index) => index >= start && one.generation?.complete && generationOf(one) === id)
  );
}

function copySteps(batches: readonly Batch[], first: Batch, current: Set<Batch>): Step[] {
  const id = generationOf(first);
  const changes = batches.filter((batch) => batch.scope !== FULL && current.has(batch));
  return [
    { kind: 'snapshot', batches: batches.filter((batch) => generationOf(batch) === id) },
    ...changes.map((batch): Step => ({ kind: 'rows', batches: [batch] })),
  ];
}

/** By the end, as that is when its rows begin to hold; batches of one interval stay in the order of their commits. */
function byInterval({ batches: [left] }: Step, { batches: [right] }: Step): number {
  const [a, b] = [left?.interval, right?.interval];
  return time(a?.end) - time(b?.end) || time(a?.start) - time(b?.start);
}

const time = (text = ''): number => Date.parse(text);

/** Records that were read again stand with those they were read with, not after what has replaced them since. */
function withReplays(steps: Step[], batches: readonly Batch[]): Step[] {
  const replays = new Map<string, Batch[]>();
  for (const batch of batches) {
    if (batch.replays !== undefined)
      replays.set(batch.replays, [...(replays.get(batch.replays) ?? []), batch]);
  }
  if (replays.size === 0) return steps;
  const withThem = (batch: Batch): Batch[] => [batch, ...(replays.get(batch.key) ?? []).flatMap(withThem)];
  return steps.map((step) => ({ ...step, batches: step.batches.flatMap(withThem) }));
}

/** Steps of rows that follow each other as one, which makes no difference. */
export function joinSteps(steps: readonly Step[]): Step[] {
  const joined: Step[] = [];
  for (const step of steps) {
    const last = joined.at(-1);
    if (last?.kind === 'rows' && step.kind === 'rows') last.batches.push(...step.batches);
    else joined.push({ ...step, batches: [...step.batches] });
  }
  return joined;
}
