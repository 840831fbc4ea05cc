import type { Batch } from '../../schemas/lake.js';
import { milliseconds } from '../../schemas/duration.js';
import type { Freshness } from '../../schemas/stream.js';

export interface FreshnessReport {
  /** `unknown` when the stream states no limits and holds nothing */
  status: 'fresh' | 'warn' | 'error' | 'unknown';
  /** when the newest rows were read; null when there are none */
  at: string | null;
  ageMs: number | null;
  /** the limit that was passed */
  limit: string | null;
}

/**
 * How old the newest rows of a stream are. A stream without rows is older than any limit.
 *
 * @param now from the caller: a run's start, or the clock of who asks
 */
export function freshness(
  batches: readonly Pick<Batch, 'loaded' | 'extractedAt'>[],
  now: Date,
  { warnAfter, errorAfter }: Freshness = {},
): FreshnessReport {
  const at = batches.reduce<string | null>(
    (newest, { loaded, extractedAt }) =>
      loaded > 0 && (newest === null || Date.parse(extractedAt) > Date.parse(newest)) ? extractedAt : newest,
    null,
  );
  const ageMs = at === null ? null : now.getTime() - Date.parse(at);
  const passed = (limit: string | undefined): limit is string =>
    limit !== undefined && (ageMs === null || ageMs > milliseconds(limit));
  if (passed(errorAfter)) return { status: 'error', at, ageMs, limit: errorAfter };
  if (passed(warnAfter)) return { status: 'warn', at, ageMs, limit: warnAfter };
  return { status: ageMs === null ? 'unknown' : 'fresh', at, ageMs, limit: null };
}
