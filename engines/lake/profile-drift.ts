import type { ColumnProfile, Profile } from '../../schemas/profile.js';

export interface ColumnDrift {
  name: string;
  /** what somebody should look at, as text */
  changes: string[];
}

/** Points by which the share of nulls may move. */
const NULLS = 0.05;
/** Shares of itself by which a mean, and a number of distinct values, may move. */
const MEAN = 0.25;
const DISTINCT = 0.5;
/** Samples that differ more in size have other numbers of distinct values anyway. */
const SIZE = 0.2;

/** Columns of a batch that look other than they did, in their order; those that are gone come last. */
export function profileDrift(now: Profile, then: Profile): ColumnDrift[] {
  const before = new Map(then.columns.map((column) => [column.name, column]));
  const names = new Set(now.columns.map(({ name }) => name));
  return [
    ...now.columns.map((column) => ({
      name: column.name,
      changes: changesOf(column, now, before.get(column.name), then),
    })),
    ...then.columns.filter(({ name }) => !names.has(name)).map(({ name }) => ({ name, changes: ['gone'] })),
  ].filter(({ changes }) => changes.length > 0);
}

/** @returns share of the rows without a value, 0..1 */
export function nullShare({ nulls, exact }: ColumnProfile, { rows, sampled }: Profile): number {
  const of = exact ? rows : sampled;
  return of > 0 ? nulls / of : 0;
}

function changesOf(
  column: ColumnProfile,
  now: Profile,
  former: ColumnProfile | undefined,
  then: Profile,
): string[] {
  if (!former) return ['new'];
  const was = nullShare(former, then);
  const comparable = Math.abs(now.sampled - then.sampled) <= SIZE * then.sampled;
  return [
    ...(column.type === former.type ? [] : [`was ${former.type}`]),
    ...(Math.abs(nullShare(column, now) - was) > NULLS ? [`null was ${(100 * was).toFixed(1)} %`] : []),
    ...(moved(column.mean, former.mean, MEAN) ? [`mean was ${former.mean?.toPrecision(6)}`] : []),
    ...(comparable && moved(column.distinct, former.distinct, DISTINCT)
      ? [`distinct was ${former.distinct}`]
      : []),
  ];
}

const moved = (a: number | undefined, b: number | undefined, by: number): boolean =>
  a !== undefined && b !== undefined && Math.abs(a - b) > by * Math.abs(b);
