import type { Transform } from '../../engines/dbt/transform.js';
import { MillraceError } from '../../schemas/errors.js';
import type { NodeRecord, NodeStatus, PlanNode } from '../../schemas/transform.js';
import { walk } from '../../workflows/graph.js';

export interface LocalRun {
  /** nodes at once */
  threads: number;
  /** the first failure starts nothing more */
  failFast: boolean;
  signal?: AbortSignal | undefined;
  onStart?: (node: PlanNode, index: number) => void;
  onRecord?: (record: NodeRecord, node: PlanNode, index: number) => void;
}

const FAILED: readonly NodeStatus[] = ['error', 'fail', 'partial success', 'skipped'];
export const hasFailed = ({ result }: NodeRecord): boolean => FAILED.includes(result.status);

/**
 * Carries out a plan in this process, without write-audit-publish: hooks, then each node the moment its parents are
 * done, then hooks. What is below a failure is skipped.
 *
 * @returns a record for every node, in the order they ended; skipped ones last. Hooks are among them
 * @throws the signal's reason when it aborts
 */
export async function runLocal(transform: Transform, run: LocalRun): Promise<NodeRecord[]> {
  const { nodes, start, end } = transform.plan();
  const records: NodeRecord[] = [];
  const stop = new AbortController();
  const note = (record: NodeRecord, node: PlanNode, index: number): void => {
    records.push(record);
    run.onRecord?.(record, node, index);
  };
  const carryOut = async (node: PlanNode, index: number): Promise<boolean> => {
    run.signal?.throwIfAborted();
    run.onStart?.(node, index);
    const began = Date.now();
    let record;
    try {
      record = await transform.run(node.id, { signal: run.signal, results: records });
    } catch (cause) {
      run.signal?.throwIfAborted();
      record = withoutRun(node, 'error', explained(cause), began);
    }
    note(record, node, index);
    const failed = hasFailed(record);
    if (failed && run.failFast) stop.abort();
    return !failed;
  };
  for (const [index, hook] of start.entries()) await carryOut(hook, index);
  const parents = nodes.map((node) => node.parents);
  const ranNot = await walk(parents, run.threads, async (index) => {
    if (stop.signal.aborted) return false;
    return carryOut(nodes[index] as PlanNode, index);
  });
  const ran = new Set(records.map(({ result }) => result.id));
  for (const index of [...ranNot, ...nodes.keys()].sort((a, b) => a - b)) {
    const node = nodes[index] as PlanNode;
    if (ran.has(node.id)) continue;
    ran.add(node.id);
    note(withoutRun(node, 'skipped', undefined), node, index);
  }
  for (const [index, hook] of end.entries()) await carryOut(hook, index);
  return records;
}

function withoutRun(
  node: PlanNode,
  status: 'error' | 'skipped',
  message: string | undefined,
  began = Date.now(),
): NodeRecord {
  const [from, to] = [began, Date.now()].map((at) => new Date(at).toISOString().replace('Z', '000Z'));
  return {
    result: {
      ...{ id: node.id, status, key: '', seconds: (Date.now() - began) / 1000 },
      ...(message !== undefined && { message }),
    },
    ...{ compileStarted: from ?? '', compileCompleted: from ?? '' },
    ...{ executeStarted: from ?? '', executeCompleted: to ?? '' },
    ...{ compiled: null, relationName: null, response: {}, batches: null },
  };
}

/** Everything an error says, for a result that has one line for it. */
function explained(cause: unknown): string {
  if (cause instanceof MillraceError) return cause.message;
  return cause instanceof Error ? cause.message : String(cause);
}
