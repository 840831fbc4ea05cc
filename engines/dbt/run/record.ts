import type { NodeRecord } from '../../../schemas/transform.js';
import { quoteRelation, type RelationName } from '../../warehouse/port.js';
import { timestamp } from '../artifacts/timestamp.js';
import type { Outcome } from './job.js';
import { failedSql } from './statements.js';

interface Recorded {
  id: string;
  relation?: RelationName | null;
}

/**
 * Carries out `work` and notes when, and what it came to.
 *
 * @param database of relations that name none
 */
export async function record(
  { id, relation }: Recorded,
  database: string,
  work: () => Promise<Outcome>,
): Promise<NodeRecord> {
  const started = timestamp();
  const start = performance.now();
  const { compiled = null, compiledAt, response = {}, batches = null, ...outcome } = await work();
  const { rows, freshness, shown, built, ...result } = outcome;
  return {
    result: {
      ...result,
      id,
      ...(rows !== undefined && rows !== null && { rows }),
      seconds: Math.round(performance.now() - start) / 1000,
    },
    ...{ compileStarted: started, compileCompleted: compiledAt ?? started },
    ...{ executeStarted: compiledAt ?? started, executeCompleted: timestamp() },
    ...{ compiled, response, batches },
    ...(built !== undefined && { built }),
    relationName: relation ? quoteRelation({ database, ...relation }) : null,
    ...(freshness && { freshness }),
    ...(shown && { rows: shown }),
  };
}

/** The record of a node that threw `cause`, with its SQL as far as it got. */
export function failedRecord(id: string, began: Date, cause: unknown): NodeRecord {
  const ended = new Date();
  const message = cause instanceof Error ? cause.message : String(cause);
  const seconds = (ended.getTime() - began.getTime()) / 1000;
  return {
    result: { id, status: 'error', key: '', message, seconds },
    ...nothingDone(began, ended),
    ...failedSql(cause),
  };
}

/** The record of a node that was not begun. */
export const skippedRecord = (id: string): NodeRecord => {
  const now = new Date();
  return { result: { id, status: 'skipped', key: '', seconds: 0 }, ...nothingDone(now, now) };
};

const nothingDone = (began: Date, ended: Date): Omit<NodeRecord, 'result'> => ({
  ...{ compileStarted: timestamp(began), compileCompleted: timestamp(began) },
  ...{ executeStarted: timestamp(began), executeCompleted: timestamp(ended) },
  ...{ compiled: null, relationName: null, response: {}, batches: null },
});
