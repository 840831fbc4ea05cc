import type { NodeRecord } from '../../../schemas/transform.js';
import type { Node } from '../manifest.js';
import type { Outcome } from './job.js';

/** Carries out `work` and notes when, and what it came to. */
export async function record(node: Node, work: () => Promise<Outcome>): Promise<NodeRecord> {
  const began = new Date();
  const start = performance.now();
  const { compiled = null, compiledAt, response = {}, batches = null, ...outcome } = await work();
  const { rows, freshness, shown, ...result } = outcome;
  const ended = stamp(new Date());
  const started = stamp(began);
  return {
    result: {
      ...result,
      id: node.id,
      ...(rows !== undefined && rows !== null && { rows }),
      seconds: Math.round(performance.now() - start) / 1000,
    },
    ...{ compileStarted: started, compileCompleted: compiledAt ?? started },
    ...{ executeStarted: compiledAt ?? started, executeCompleted: ended },
    ...{ compiled, response, batches },
    relationName: node.relation && relationText(node),
    ...(freshness && { freshness }),
    ...(shown && { rows: shown }),
  };
}

const stamp = (at: Date): string => at.toISOString().replace('Z', '000Z');

function relationText({ relation }: Node): string | null {
  if (!relation) return null;
  const { database, schema, name } = relation;
  return [database, schema, name].flatMap((part) => (part === undefined ? [] : [`"${part}"`])).join('.');
}
