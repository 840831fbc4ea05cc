import {
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { TransformActivities } from '../activities/transform.js';
import type { Told } from '../activities/transform-lineage.js';
import type { PlannedTransform, TransformInput, TransformResult } from '../schemas/run.js';
import type { NodeResult, PlanNode } from '../schemas/transform.js';
import { failureText, stageFailed } from './failures.js';
import { walk } from './graph.js';
import { progress } from './messages.js';
import { policies } from './policies.js';
import { describe, keepSlowest, type NodeLine } from './transform-details.js';

/** A failure of a thousand nodes must still fit into the history. */
const FAILURES_TOLD = 50;
/** Well below the server's 51,200 events; a node has about ten of them with its tests. */
const MAX_EVENTS = 12_000;

/**
 * The node graph: each node is an activity that starts the moment its parents are done. In a pipeline a model is built
 * beside the live relation, its blocking tests run on that, and only then it is published. A failure skips its
 * descendants.
 */
export async function transform(input: TransformInput): Promise<TransformResult> {
  const taskQueue = input.warehouseQueue;
  const activities = proxyActivities<TransformActivities>({ ...policies.warehouse, taskQueue });
  const { discardBuilt, endRun, tellLineage } = proxyActivities<TransformActivities>({
    ...policies.cleanup,
    taskQueue,
  });
  const result: TransformResult = input.cursor?.result ?? {
    ...{ nodes: 0, built: 0, reused: 0, passed: 0, warned: 0, failed: [], skipped: 0, rows: 0, gold: {} },
    warnings: [],
  };
  const current = new Set<string>();
  let done = [...(input.cursor?.states ?? '')].filter((state) => state !== '.').length;
  setHandler(progress, () => ({
    stage: 'transform',
    done,
    total: result.nodes,
    current: [...current],
    rows: result.rows,
  }));

  const { first, ...planned }: Begun = input.cursor?.planned ?? (await activities.planTransform(input));
  const nodes = await graphOf(planned.pages, first, (page) =>
    activities.planPage({ project: input.project, plan: planned.ref, page }),
  );
  const { start, end, mermaid } = planned;
  const base = { project: input.project, plan: planned.ref };
  result.nodes = nodes.length;
  result.warnings = planned.warnings;
  const slowest: NodeLine[] = [];
  const tell = (): void => setCurrentDetails(describe(result, done, slowest, mermaid));
  // tests that audit a model run inside its step; the walk is over everything else
  const steps = nodes.flatMap((node, index) => (node.audit === undefined ? [index] : []));
  const stepOf = new Map(steps.map((index, step) => [index, step]));
  const parents = steps.map((index) =>
    (nodes[index]?.parents ?? []).flatMap((parent) => stepOf.get(parent) ?? []),
  );
  const auditsOf = (step: number): PlanNode[] =>
    (nodes[steps[step] ?? -1]?.audits ?? []).flatMap((index) => nodes[index] ?? []);

  const attempt = async (node: PlanNode, run: () => Promise<NodeResult>): Promise<NodeResult> => {
    current.add(node.name);
    try {
      const outcome = await run();
      count(result, node, outcome);
      keepSlowest(slowest, node, outcome);
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
      activities.testNode.executeWithOptions({ summary: `test ${node.name}` }, [{ ...base, node: node.id }]),
    );
  const build = (node: PlanNode): Promise<NodeResult> =>
    attempt(node, () =>
      activities.buildNode.executeWithOptions(
        { summary: `${verb(node)} ${node.name} (${node.materialized ?? node.kind})` },
        [{ ...base, node: node.id }],
      ),
    );

  const work = async (step: number): Promise<boolean> => {
    const node = nodes[steps[step] ?? -1];
    if (!node) return false;
    if (node.kind === 'test' || node.kind === 'unit_test') return succeeded(await test(node));
    const built = await build(node);
    const audits = auditsOf(step);
    if (!succeeded(built)) {
      done += audits.length;
      result.skipped += audits.length;
      return false;
    }
    if (audits.length === 0) return true;
    const verdicts = await Promise.all(audits.map(test));
    if (!verdicts.every(succeeded)) return false;
    if (built.status === 'reused') return true;
    try {
      await activities.publishNode.executeWithOptions(
        { summary: `publish ${node.name} (${(built.rows ?? 0).toLocaleString('en')} rows)` },
        [{ ...base, node: node.id }],
      );
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      result.failed.push({ id: node.id, status: 'error', message: failureText(error) });
      return false;
    }
  };

  const told = async (event: Told['event'], message?: string): Promise<void> => {
    if (!planned.lineage) return;
    const at = new Date().toISOString();
    await CancellationScope.nonCancellable(() =>
      tellLineage({ ...base, event, at, ...(message !== undefined && { message }) }),
    ).then(
      ({ error, left }) => {
        if (error !== null) result.warnings.push(`lineage: ${left} events wait for their sink: ${error}`);
      },
      // lineage is told about a run, it is no part of it
      (error: unknown) => void result.warnings.push(`lineage: ${failureText(error)}`),
    );
  };

  /** A hook that fails ends the hooks of its own end, and nothing else. */
  const hooks = async (list: readonly PlanNode[]): Promise<void> => {
    for (const hook of list) if (!succeeded(await build(hook))) return;
  };
  const stopped = (): boolean => input.dbt?.flags.failFast === true && result.failed.length > 0;

  try {
    if (!input.cursor) await told('START');
    if (!input.cursor) await hooks(start);
    const { historyLength } = workflowInfo();
    const outcomes = await walk(parents, input.concurrency, work, {
      outcomes: outcomesOf(input.cursor?.states),
      more: () => !stopped() && workflowInfo().historyLength < historyLength + MAX_EVENTS,
    });
    if (!stopped() && canGoOn(parents, outcomes)) {
      await continueAsNew<typeof transform>({
        ...input,
        cursor: { planned, states: statesOf(outcomes), result: shortened(result) },
      });
    }
    for (const [step, outcome] of outcomes.entries())
      if (outcome === undefined) result.skipped += 1 + auditsOf(step).length;
    await hooks(end);
    if (input.dbt) await endRun({ ...base, forget: !input.reuse });
  } catch (error) {
    // what it cannot drop now is dropped by a later build of the same relation
    if (isCancellation(error))
      await CancellationScope.nonCancellable(() =>
        input.dbt ? endRun({ ...base, forget: !input.reuse }) : discardBuilt(base),
      ).catch(() => undefined);
    if (!(error instanceof ContinueAsNew))
      await told(isCancellation(error) ? 'ABORT' : 'FAIL', failureText(error));
    throw error;
  }
  await told(result.failed.length > 0 ? 'FAIL' : 'COMPLETE', result.failed[0]?.message);
  tell();
  if (result.failed.length > 0) throw stageFailed(result.failed, shortened(result));
  return result;
}

/** A run that has gone on from another reads the first page of its graph again, too. */
type Begun = Omit<PlannedTransform, 'first'> & Partial<Pick<PlannedTransform, 'first'>>;

async function graphOf(
  pages: readonly number[],
  first: PlanNode[] | undefined,
  read: (page: number) => Promise<PlanNode[]>,
): Promise<PlanNode[]> {
  const nodes = await Promise.all(
    pages.map((_, page) => (page === 0 && first ? Promise.resolve(first) : read(page))),
  );
  return nodes.flat();
}

const succeeded = ({ status }: NodeResult): boolean =>
  status !== 'fail' && status !== 'error' && status !== 'partial success';

const VERBS: Partial<Record<PlanNode['kind'], string>> = { operation: 'hook', source: 'freshness of' };
const verb = ({ kind }: PlanNode): string => VERBS[kind] ?? 'build';

/** A node that has not run, though nothing above it failed: the walk stopped for the history's sake. */
const canGoOn = (parents: number[][], outcomes: (boolean | undefined)[]): boolean =>
  parents.some(
    (above, node) => outcomes[node] === undefined && above.every((parent) => outcomes[parent] === true),
  );

const statesOf = (outcomes: (boolean | undefined)[]): string =>
  outcomes.map((outcome) => (outcome === undefined ? '.' : outcome ? '+' : '-')).join('');
const outcomesOf = (states = ''): (boolean | undefined)[] =>
  [...states].map((state) => (state === '.' ? undefined : state === '+'));

const shortened = (result: TransformResult): TransformResult => ({
  ...result,
  failed: result.failed.slice(0, FAILURES_TOLD),
});

function count(result: TransformResult, node: PlanNode, outcome: NodeResult): void {
  if (outcome.status === 'reused') result.reused++;
  else if (outcome.status === 'success' && node.kind !== 'operation') result.built++;
  else if (outcome.status === 'pass') result.passed++;
  else if (outcome.status === 'warn') result.warned++;
  else if (!succeeded(outcome)) {
    const message = `${node.kind === 'model' ? 'ModelFailed' : 'TestFailed'}: ${outcome.message ?? 'failed'}`;
    result.failed.push({ id: node.id, status: outcome.status, message });
  }
  if (outcome.status === 'success') result.rows += outcome.rows ?? 0;
  if (outcome.bytes !== undefined) result.bytes = (result.bytes ?? 0) + outcome.bytes;
}
