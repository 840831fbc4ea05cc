import type { NodeRecord } from '../../../schemas/transform.js';
import { quoteRelation, type RelationName } from '../../warehouse/port.js';
import type { Outcome } from './job.js';

interface Recorded {
  id: string;
  relation: RelationName | null;
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
  const began = new Date();
  const start = performance.now();
  const { compiled = null, compiledAt, response = {}, batches = null, ...outcome } = await work();
  const { rows, freshness, shown, built, ...result } = outcome;
  const ended = stamp(new Date());
  const started = stamp(began);
  return {
    result: {
      ...result,
      id,
      ...(rows !== undefined && rows !== null && { rows }),
      seconds: Math.round(performance.now() - start) / 1000,
    },
    ...{ compileStarted: started, compileCompleted: compiledAt ?? started },
    ...{ executeStarted: compiledAt ?? started, executeCompleted: ended },
    ...{ compiled, response, batches },
    ...(built !== undefined && { built }),
    relationName: relation && quoteRelation({ database, ...relation }),
    ...(freshness && { freshness }),
    ...(shown && { rows: shown }),
  };
}

const stamp = (at: Date): string => at.toISOString().replace('Z', '000Z');
