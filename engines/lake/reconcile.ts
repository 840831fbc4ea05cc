import type { Batch } from '../../schemas/lake.js';

export interface Reconciliation {
  batches: number;
  read: number;
  loaded: number;
  quarantined: number;
  filtered: number;
  /** values that the contract left out */
  discarded: number;
  /** what the sources themselves counted, and how many batches have such a count */
  expected: { rows: number; batches: number };
  /** empty when everything agrees */
  differences: Difference[];
}

export interface Difference {
  batch: string;
  /** file, table or endpoint */
  file: string;
  what: 'rows' | 'expected rows' | 'checksum';
  expected: number | string;
  found: number | string;
}

/**
 * Holds what was read against what became of it (read = loaded + quarantined + filtered), and against what the source
 * itself counted and summed up, where it can tell.
 */
export function reconcile(batches: readonly Batch[]): Reconciliation {
  const sum = (pick: (batch: Batch) => number): number =>
    batches.reduce((total, batch) => total + pick(batch), 0);
  const counted = batches.filter(({ expected }) => expected !== undefined);
  return {
    batches: batches.length,
    read: sum(({ read }) => read),
    loaded: sum(({ loaded }) => loaded),
    quarantined: sum(({ quarantined }) => quarantined),
    filtered: sum(({ filtered }) => filtered),
    discarded: sum(({ discarded = 0 }) => discarded),
    expected: { rows: sum(({ expected }) => expected?.rows ?? 0), batches: counted.length },
    differences: batches.flatMap(differencesOf),
  };
}

function differencesOf(batch: Batch): Difference[] {
  const { read, loaded, quarantined, filtered, expected, checksum } = batch;
  const found = { batch: batch.key, file: batch.source.file };
  const accounted = loaded + quarantined + filtered;
  const differences: Difference[] = [];
  if (read !== accounted) differences.push({ ...found, what: 'rows', expected: read, found: accounted });
  if (expected && expected.rows !== read)
    differences.push({ ...found, what: 'expected rows', expected: expected.rows, found: read });
  if (expected?.checksum !== undefined && checksum !== undefined && expected.checksum !== checksum)
    differences.push({ ...found, what: 'checksum', expected: expected.checksum, found: checksum });
  return differences;
}
