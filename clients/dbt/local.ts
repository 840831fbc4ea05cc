import { failedRecord, skippedRecord } from '../../engines/dbt/run/record.js';
import type { Transform } from '../../engines/dbt/transform.js';
import type { NodeRecord, NodeStatus, PlanNode } from '../../schemas/transform.js';
import { walk } from '../../workflows/graph.js';

/** Where a node stands in its run. */
export interface Place {
  /** 1-based, among the nodes or among the hooks of one end */
  index: number;
  total: number;
}

export interface LocalRun {
  /** nodes at once */
  threads: number;
  /** the first failure starts nothing more */
  failFast: boolean;
  signal?: AbortSignal | undefined;
  onStart?: (node: PlanNode, place: Place) => void;
  /** `error` is what the node threw */
  onRecord?: (record: NodeRecord, node: PlanNode, place: Place, error?: unknown) => void;
}

const FAILED: ReadonlySet<NodeStatus> = new Set(['error', 'fail', 'partial success', 'skipped']);
export const hasFailed = ({ result }: NodeRecord): boolean => FAILED.has(result.status);

/**
 * Carries out a plan in this process, without write-audit-publish: hooks, then each node the moment its parents are
 * done, then hooks. What is below a failure is skipped; a hook that fails ends the hooks of its own end only.
 *
 * @returns a record for every node and hook, in the order they ended
 * @throws the signal's reason when it aborts
 */
export async function runLocal(
  transform: Pick<Transform, 'plan' | 'run'>,
  run: LocalRun,
): Promise<NodeRecord[]> {
  const { nodes, start, end } = transform.plan();
  const records: NodeRecord[] = [];
  const done = new Set<number>();
  const below = childrenOf(nodes);
  let more = true;

  const carryOut = async (node: PlanNode, place: Place): Promise<boolean> => {
    run.signal?.throwIfAborted();
    run.onStart?.(node, place);
    const began = new Date();
    let record;
    let error: unknown;
    try {
      record = await transform.run(node.id, { signal: run.signal, results: records });
    } catch (cause) {
      run.signal?.throwIfAborted();
      error = cause;
      record = failedRecord(node.id, began, cause);
    }
    records.push(record);
    run.onRecord?.(record, node, place, error);
    const failed = hasFailed(record);
    if (failed && run.failFast) more = false;
    return !failed;
  };
  const skip = (node: PlanNode, place: Place): void => {
    const record = skippedRecord(node.id);
    records.push(record);
    run.onRecord?.(record, node, place);
  };
  const hooks = async (list: readonly PlanNode[]): Promise<void> => {
    let failed = false;
    for (const [at, hook] of list.entries()) {
      const place = { index: at + 1, total: list.length };
      if (failed) skip(hook, place);
      else failed = !(await carryOut(hook, place));
    }
  };
  // numbered as they begin or are skipped
  let numbered = 0;
  const nextPlace = (): Place => ({ index: ++numbered, total: nodes.length });
  const skipBelow = (index: number): void => {
    const reached = new Set<number>();
    const visit = (at: number): void => {
      for (const child of below[at] ?? []) {
        if (done.has(child) || reached.has(child)) continue;
        reached.add(child);
        visit(child);
      }
    };
    visit(index);
    for (const child of [...reached].sort((a, b) => a - b)) {
      done.add(child);
      skip(nodes[child] as PlanNode, nextPlace());
    }
  };

  await hooks(start);
  const step = async (index: number): Promise<boolean> => {
    done.add(index);
    const succeeded = await carryOut(nodes[index] as PlanNode, nextPlace());
    if (!succeeded) skipBelow(index);
    return succeeded;
  };
  const parents = nodes.map((node) => node.parents);
  await walk(parents, run.threads, step, { more: () => more });
  for (const [index, node] of nodes.entries()) if (!done.has(index)) skip(node, nextPlace());
  await hooks(end);
  return records;
}

function childrenOf(nodes: readonly PlanNode[]): number[][] {
  const children: number[][] = nodes.map(() => []);
  for (const [index, { parents }] of nodes.entries())
    for (const parent of parents) children[parent]?.push(index);
  return children;
}
