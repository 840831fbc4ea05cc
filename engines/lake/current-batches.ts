import type { Batch } from '../../schemas/lake.js';

/** The scope of a load that brings the whole of a table or an endpoint. */
export const FULL = 'full';

/**
 * What readers see of a stream: without batches that a later one of the same scope has taken the place of, and without
 * generations that are not complete. Oldest first.
 */
export function currentBatches(batches: readonly Batch[]): Batch[] {
  const complete = completeGenerations(batches);
  const newest = new Map<string, Batch>();
  for (const batch of batches) {
    if (batch.scope !== undefined && isThere(batch, complete)) newest.set(scopeOf(batch), batch);
  }
  const seen = new Set<string>();
  return batches.filter((batch) => {
    const current =
      batch.replays === undefined ? isCurrent(batch, complete, newest) : seen.has(batch.replays);
    if (current) seen.add(batch.key);
    return current;
  });
}

function isCurrent(batch: Batch, complete: Set<string>, newest: Map<string, Batch>): boolean {
  if (!isThere(batch, complete)) return false;
  if (batch.scope === undefined) return true;
  const last = newest.get(scopeOf(batch));
  return last === batch || (last?.generation !== undefined && last.generation.id === batch.generation?.id);
}

/** Generations of which a batch says that they are complete, each with its scope. */
export const completeGenerations = (batches: readonly Batch[]): Set<string> =>
  new Set(batches.filter(({ generation }) => generation?.complete).map(generationOf));

/** Scope and generation in one text. */
export const generationOf = (batch: Batch): string => `${scopeOf(batch)}\0${batch.generation?.id ?? ''}`;

const isThere = (batch: Batch, complete: Set<string>): boolean =>
  batch.generation === undefined || complete.has(generationOf(batch));

const scopeOf = ({ stream = '', scope = '' }: Batch): string => `${stream}\0${scope}`;
