import type { Batch } from '../../../../schemas/lake.js';
import type { PostgresSource, PostgresStream, Replication } from '../../../../schemas/postgres.js';

/** What replicates: one slot and one publication for all tables of a source. */
export interface ReplicationConfig {
  source: string;
  /** resolved: with its password */
  url: string;
  spec: PostgresSource;
  slot: string;
  publication: string;
}

/** Names of a source's slot and publication in the database, unless it declares them. */
export function replicationNames(
  project: string,
  source: string,
  { slot, publication }: Replication,
): { slot: string; publication: string } {
  // the server cuts names at 63 bytes
  const name = `millrace_${project}_${source}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_')
    .slice(0, 63);
  return { slot: slot ?? name, publication: publication ?? name };
}

/** The streams of a source whose changes are captured. */
export const replicatedStreams = ({ streams }: PostgresSource): [name: string, stream: PostgresStream][] =>
  Object.entries(streams).filter(([, { load }]) => load === 'cdc');

/** The newest complete copy of a table among its batches. */
export const lastCopy = (batches: readonly Batch[]): Batch | undefined =>
  batches.findLast(({ generation, snapshot }) => generation?.complete === true && snapshot !== undefined);

/** Whether the table must be copied, again or at all: for a request that has no complete copy, or because its shape changed. */
export function needsCopy(batches: readonly Batch[], request?: string): boolean {
  const copy = lastCopy(batches);
  if (!copy || (request !== undefined && copy.snapshot?.request !== request)) return true;
  return batches.slice(batches.indexOf(copy)).some(({ recopy }) => recopy);
}
