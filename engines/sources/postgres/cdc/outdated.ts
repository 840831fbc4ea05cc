import type { Batch, CursorValue } from '../../../../schemas/lake.js';
import type { StagedBatch } from '../../../lake/bronze.js';
import { contentKey } from '../../../lake/content.js';
import { currentSchema } from '../../../lake/contract.js';
import { needsCopy, replicatedStreams, type ReplicationConfig } from './config.js';

export interface OutdatedOptions {
  /** what bronze holds, by stream, and how far the log has been read */
  batches: ReadonlyMap<string, readonly Batch[]>;
  at: CursorValue | undefined;
  /** asks for a new slot, from which the log is read anew: who asks, by a name that a retry has again */
  anew?: string | undefined;
  extractedAt: string;
  run: string;
}

/**
 * What says in bronze that copies of tables do not hold any more, to be committed before the slot or the publication is
 * changed: of all tables when the slot is made anew, otherwise of those that are replicated no more, because their
 * changes are missing from then on. Without it, a crash in between would leave a gap that nobody sees.
 */
export function outdatedCopies(
  config: ReplicationConfig,
  { batches, at, anew, extractedAt, run }: OutdatedOptions,
): StagedBatch[] {
  const replicated = new Set(replicatedStreams(config.spec).map(([stream]) => stream));
  const outdated = [...batches].filter(([stream, held]) =>
    anew === undefined ? !replicated.has(stream) && !needsCopy(held) : held.length > 0,
  );
  return outdated.map(([stream, held]) => ({
    batch: {
      key: contentKey('outdated', stream, anew ?? held.at(-1)?.key),
      source: { file: config.slot, bytes: 0, mtimeMs: Date.parse(extractedAt), sha256: '' },
      ...{ stream, recopy: true },
      // positions of another slot, perhaps of another server, say nothing about this one
      ...(anew !== undefined && { cursor: { from: at ?? null, to: null } }),
      interval: { start: extractedAt, end: extractedAt },
      ...{ parts: [], schema: currentSchema(held) ?? [] },
      ...{ read: 0, loaded: 0, quarantined: 0, filtered: 0, quarantine: null },
      ...{ extractedAt, run },
    },
    files: [],
    inferred: false,
  }));
}
