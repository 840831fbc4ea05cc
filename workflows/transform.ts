import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { TransformActivities } from '../activities/transform.js';
import type { TransformInput, TransformResult } from '../schemas/run.js';
import type { NodeResult, PlanNode } from '../schemas/transform.js';
import { failureText, stageFailed } from './failures.js';
import { walk } from './graph.js';
import { progress } from './messages.js';
import { policies } from './policies.js';

/** A failure of a thousand nodes must still fit into the history. */
const FAILURES_TOLD = 50;
const WARNINGS_TOLD = 20;
/** Beyond it a picture of the graph shows nothing any more. */
const LARGEST_GRAPH = 8_000;

/**
 * The node graph: each node is an activity that starts the moment its parents are done. A model is built beside the
 * live relation, its blocking tests run on that, and only then it is published; a failure skips its descendants.
 */
export async function transform(input: TransformInput): Promise<TransformResult> {
  const taskQueue = input.warehouseQueue;
  const { planTransform, buildNode, testNode, publishNode } = proxyActivities<TransformActivities>({
    ...policies.warehouse,
    taskQueue,
  });
  const { discardBuilt } = proxyActivities<TransformActivities>({ ...policies.cleanup, taskQueue });
  const result: TransformResult = {
    ...{ nodes: 0, built: 0, reused: 0, passed: 0, warned: 0, failed: [], skipped: 0, rows: 0, gold: {} },
    warnings: [],
  };
  const current = new Set<string>();
  let done = 0;
  setHandler(progress, () => ({
    stage: 'transform',
    done,
    total: result.nodes,
    current: [...current],
    rows: result.rows,
  }));

  const { nodes, warnings, mermaid } = await planTransform(input);
  result.nodes = nodes.length;
  result.warnings = warnings.slice(0, WARNINGS_TOLD);
  const tell = (): void => setCurrentDetails([describe(result, done), graph(mermaid)].join('\n'));
  // tests that audit a model run inside its step; the walk is over models, seeds and free tests
  const steps = nodes.flatMap((node, index) => (node.audit === undefined ? [index] : []));
  const stepOf = new Map(steps.map((index, step) => [index, step]));
  const parents = steps.map((index) =>
    (nodes[index]?.parents ?? []).flatMap((parent) => stepOf.get(parent) ?? []),
  );

  const attempt = async (node: PlanNode, run: () => Promise<NodeResult>): Promise<NodeResult> => {
    current.add(node.name);
    try {
      const outcome = await run();
      count(result, node, outcome);
      if (node.relation && input.wanted.includes(node.name))
        result.gold[node.name] = { ...node.relation, key: outcome.key };
      return outcome;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const message = failureText(error);
      result.failed.push({ id: node.id, status: 'error', message });
      return { id: node.id, status: 'error', key: '', message, seconds: 0 };
    } finally {
      current.delete(node.name);
      done++;
      tell();
    }
  };
  const test = (node: PlanNode): Promise<NodeResult> =>
    attempt(node, () =>
      testNode.executeWithOptions({ summary: `test ${node.name}` }, [{ ...input, node: node.id }]),
    );

  const ranNot = await walk(parents, input.concurrency, async (step) => {
    const node = nodes[steps[step] ?? -1];
    if (!node) return false;
    if (node.kind === 'test') return succeeded(await test(node));
    const built = await attempt(node, () =>
      buildNode.executeWithOptions({ summary: `build ${node.name} (${node.materialized ?? node.kind})` }, [
        { ...input, node: node.id },
      ]),
    );
    const audits = (node.audits ?? []).flatMap((index) => nodes[index] ?? []);
    if (!succeeded(built) || audits.length === 0) {
      done += succeeded(built) ? 0 : audits.length;
      if (!succeeded(built)) result.skipped += audits.length;
      return succeeded(built);
    }
    const verdicts = await Promise.all(audits.map(test));
    if (!verdicts.every(succeeded)) return false;
    if (built.status === 'reused') return true;
    try {
      await publishNode.executeWithOptions({ summary: `publish ${node.name} (${built.rows ?? 0} rows)` }, [
        { ...input, node: node.id },
      ]);
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      result.failed.push({ id: node.id, status: 'error', message: failureText(error) });
      return false;
    }
  }).catch(async (error: unknown) => {
    // what it cannot drop now is dropped by a later build of the same relation
    if (isCancellation(error))
      await CancellationScope.nonCancellable(() => discardBuilt(input)).catch(() => undefined);
    throw error;
  });
  for (const step of ranNot) result.skipped += 1 + (nodes[steps[step] ?? -1]?.audits?.length ?? 0);
  tell();
  if (result.failed.length > 0)
    throw stageFailed(result.failed, { ...result, failed: result.failed.slice(0, FAILURES_TOLD) });
  return result;
}

const succeeded = ({ status }: NodeResult): boolean => status !== 'fail' && status !== 'error';

function count(result: TransformResult, node: PlanNode, outcome: NodeResult): void {
  if (outcome.status === 'reused') result.reused++;
  else if (outcome.status === 'success') result.built++;
  else if (outcome.status === 'pass') result.passed++;
  else if (outcome.status === 'warn') result.warned++;
  else {
    const message = `TestFailed: ${outcome.message ?? 'failed'}`;
    result.failed.push({ id: node.id, status: outcome.status, message });
  }
  if (outcome.status === 'success') result.rows += outcome.rows ?? 0;
}

const graph = (mermaid: string): string =>
  mermaid.length > LARGEST_GRAPH ? '' : ['```mermaid', mermaid, '```'].join('\n');

function describe(result: TransformResult, done: number): string {
  const lines = [
    `${done} of ${result.nodes} nodes: ${result.built} built, ${result.reused} reused, ${result.passed} tests passed, ` +
      `${result.warned} warned, ${result.failed.length} failed, ${result.skipped} skipped`,
    ...result.warnings.map((warning) => `- warning: ${warning}`),
    ...result.failed.map(({ id, message }) => `- **${id}**: ${message}`),
  ];
  return lines.slice(0, 40).join('\n');
}
