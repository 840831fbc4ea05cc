/** A share of 0 would make the index infinite; this is what the industry's tables use instead. */
const FLOOR = 1e-4;

/**
 * Population stability index over bins: sum of (actual - reference) * ln(actual / reference).
 * By custom below 0.1 is stable, from 0.25 on shifted.
 *
 * @param reference shares, or counts, of each bin in training
 * @param actual the same bins now; either may have any sum
 * @returns 0 when one of them is empty: nothing is known then
 */
export function psi(reference: ArrayLike<number>, actual: ArrayLike<number>): number {
  const expected = shares(reference);
  const found = shares(actual);
  if (!expected || !found) return 0;
  return expected.reduce((sum, share, bin) => {
    const now = Math.max(found[bin] ?? 0, FLOOR);
    const then = Math.max(share, FLOOR);
    return sum + (now - then) * Math.log(now / then);
  }, 0);
}

export type Verdict = 'stable' | 'moderate' | 'shifted';

export function verdict(index: number): Verdict {
  if (index < 0.1) return 'stable';
  return index < 0.25 ? 'moderate' : 'shifted';
}

/** Counts as shares of their sum; null when there is nothing to share. */
export function shares(counts: ArrayLike<number>): number[] | null {
  const values = Array.from(counts);
  const total = values.reduce((sum, count) => sum + count, 0);
  return total > 0 ? values.map((count) => count / total) : null;
}
