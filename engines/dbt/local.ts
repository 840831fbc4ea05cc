import { MillraceError } from '../../schemas/errors.js';
import type { NodeRecord, NodeStatus, PlanNode } from '../../schemas/transform.js';
import type { Transform } from './transform.js';

export interface LocalOptions {
  /** nodes at once */
  threads: number;
  /** after the first failure nothing more is started */
  failFast?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onStart?: ((node: PlanNode) => void) | undefined;
  /** also for what is skipped */
  onRecord?: ((record: NodeRecord, node: PlanNode, error: unknown) => void) | undefined;
}

const BLOCKS: ReadonlySet<NodeStatus> = new Set(['error', 'fail', 'skipped', 'partial success']);

/**
 * Carries out a whole plan in this process: a node starts the moment its parents are done, and what stands below a
 * failure is skipped. Hooks of the run come first and last, one after the other.
 *
 * @returns a record for every node of the plan, in the order in which they ended
 * @throws the signal's reason when it aborts
 */
export async function runLocal(transform: Transform, options: LocalOptions): Promise<NodeRecord[]> {
  const { threads, failFast = false, signal, onStart, onRecord } = options;
  const { nodes, start, end } = transform.plan();
  const records: NodeRecord[] = [];
  const statuses = new Map<number, NodeStatus>();
  let stopped = false;

  const keep = (node: PlanNode, record: NodeRecord, error?: unknown): NodeStatus => {
    const { status } = record.result;
    records.push(record);
    onRecord?.(record, node, error);
    if (failFast && (status === 'error' || status === 'fail')) stopped = true;
    return status;
  };
  const attempt = async (node: PlanNode): Promise<NodeStatus> => {
    onStart?.(node);
    const began = new Date();
    try {
      return keep(node, await transform.run(node.id, { signal }));
    } catch (error) {
      signal?.throwIfAborted();
      return keep(node, failed(node, began, error), error);
    }
  };
  /** A node with the tests that stand between it and its publication. */
  const carryOut = async (index: number): Promise<void> => {
    const node = nodes[index] as PlanNode;
    const blocked = stopped || node.parents.some((parent) => BLOCKS.has(statuses.get(parent) ?? 'success'));
    const audits = node.audits ?? [];
    const status = blocked ? keep(node, skipped(node)) : await attempt(node);
    for (const audit of audits) {
      const test = nodes[audit] as PlanNode;
      const verdict = BLOCKS.has(status) ? keep(test, skipped(test)) : await attempt(test);
      statuses.set(audit, verdict);
    }
    const held = audits.some((audit) => BLOCKS.has(statuses.get(audit) ?? 'success'));
    if (status === 'success' && audits.length > 0 && !held) await transform.publish(node.id, { signal });
    statuses.set(index, held ? 'fail' : status);
  };

  for (const hook of start) if ((await attempt(hook)) === 'error') stopped = true;
  await walk(nodes, threads, carryOut);
  for (const hook of end) await attempt(hook);
  return records;
}

/** Runs every step once its parents are done, `limit` at a time, the first of the plan first. */
async function walk(
  nodes: readonly PlanNode[],
  limit: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  const waits = new Map<number, number>();
  const below = new Map<number, number[]>();
  const ready: number[] = [];
  for (const [index, { parents, audit }] of nodes.entries()) {
    if (audit !== undefined) continue;
    waits.set(index, parents.length);
    if (parents.length === 0) ready.push(index);
    for (const parent of parents) {
      const step = nodes[parent]?.audit ?? parent;
      below.set(step, [...(below.get(step) ?? []), index]);
    }
  }
  const next = async (): Promise<void> => {
    for (let index = ready.shift(); index !== undefined; index = ready.shift()) {
      await work(index);
      for (const child of below.get(index) ?? []) {
        const left = (waits.get(child) ?? 0) - 1;
        waits.set(child, left);
        if (left === 0) ready.splice(place(ready, child), 0, child);
      }
      // what became ready beyond this one goes to workers that found nothing before
      while (active.size < limit && ready.length > active.size) launch();
    }
  };
  const active = new Set<Promise<void>>();
  const launch = (): void => {
    const worker: Promise<void> = next().finally(() => active.delete(worker));
    active.add(worker);
  };
  for (let count = Math.min(limit, ready.length); count > 0; count--) launch();
  while (active.size > 0) await Promise.race(active);
}

const place = (ready: readonly number[], index: number): number => {
  const at = ready.findIndex((other) => other > index);
  return at < 0 ? ready.length : at;
};

const stamp = (at: Date): string => at.toISOString().replace('Z', '000Z');

function blank({ id, relation }: PlanNode): Omit<NodeRecord, 'result'> & { result: { id: string; key: '' } } {
  return {
    result: { id, key: '' },
    ...{ compileStarted: '', compileCompleted: '', executeStarted: '', executeCompleted: '' },
    ...{ compiled: null, response: {}, batches: null },
    relationName: relation
      ? [relation.database, relation.schema, relation.name]
          .flatMap((part) => (part === undefined ? [] : [`"${part}"`]))
          .join('.')
      : null,
  };
}

function skipped(node: PlanNode): NodeRecord {
  const record = blank(node);
  return { ...record, result: { ...record.result, status: 'skipped', seconds: 0 } };
}

function failed(node: PlanNode, began: Date, error: unknown): NodeRecord {
  const record = blank(node);
  const ended = new Date();
  const message =
    error instanceof MillraceError ? error.message : error instanceof Error ? error.message : String(error);
  return {
    ...record,
    ...{ compileStarted: stamp(began), compileCompleted: stamp(began) },
    ...{ executeStarted: stamp(began), executeCompleted: stamp(ended) },
    result: {
      ...record.result,
      status: 'error',
      message,
      seconds: (ended.getTime() - began.getTime()) / 1000,
    },
  };
}
