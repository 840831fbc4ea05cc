import { MillraceError } from '../../schemas/errors.js';
import type { DbtCommand } from '../../schemas/dbt.js';
import type { PlanNode, TransformPlan } from '../../schemas/transform.js';
import { Ancestry } from './ancestry.js';
import { isEphemeral, topological } from './graph.js';
import { str } from './jinja/values.js';
import { materialization, type Manifest, type Node, type SourceTable } from './manifest.js';
import { idleSteps } from './plan-idle.js';

export interface PlanOptions {
  command: DbtCommand;
  /** tests run on rows that are not published yet, where that can be */
  audit: boolean;
}

/** While it is put together: parents as a set, and in the order of the manifest. */
interface Step {
  node: Node;
  parents: Set<number>;
  audits: number[];
  audit?: number;
}

/**
 * The steps of a run: what must be done before what, and which tests stand between a model and its publication.
 *
 * @throws MillraceError Unsupported for a selected Python model
 */
export function makePlan(
  manifest: Manifest,
  selected: ReadonlySet<string>,
  options: PlanOptions,
): TransformPlan {
  if (options.command === 'run-operation')
    return { nodes: [], start: [], end: [], mermaid: '', warnings: manifest.warnings };
  // clone computes nothing, so dbt runs no hooks of the project around it
  const around = (on: 'start' | 'end'): PlanNode[] =>
    options.command === 'clone' ? [] : hooks(manifest, on);
  const rest = { start: around('start'), end: around('end'), warnings: manifest.warnings };
  if (options.command === 'source freshness') {
    const sources = [...manifest.sources.values()].filter(({ id }) => selected.has(id));
    return { ...rest, nodes: sources.map(sourceStep), mermaid: '' };
  }
  const chosen = byDepth(manifest).filter(({ id }) => selected.has(id));
  refusePython(chosen);
  const steps = chosen
    .filter((node) => !isEphemeral(node) && node.kind !== 'operation' && node.kind !== 'analysis')
    .map((node): Step => ({ node, parents: new Set(), audits: [] }));
  const index = new Map(steps.map(({ node }, at) => [node.id, at]));
  for (const step of steps) step.parents = stepsAbove(manifest, step.node.dependsOn, index);
  if (options.command === 'build') {
    unitTestsFirst(manifest, steps, index);
    testsBeforeReaders(manifest, steps, index, options.audit);
  }
  const nodes = inOrder(steps);
  // a pipeline that audits has no use for them
  const idle = options.command === 'build' && !options.audit ? idleSteps(manifest, selected, nodes) : [];
  return { ...rest, nodes: [...nodes, ...idle], mermaid: mermaid(nodes) };
}

export const severity = (node: Node): 'error' | 'warn' =>
  str(node.config.get('severity') ?? 'error').toLowerCase() === 'warn' ? 'warn' : 'error';

/**
 * By how much comes before a node, as dbt starts them: seeds before tests of sources, which may read their tables
 * without the graph knowing.
 */
function byDepth(manifest: Manifest): Node[] {
  const depths = new Map<string, number>([...manifest.sources.keys()].map((id) => [id, 0]));
  const nodes = topological(manifest);
  for (const { id, dependsOn } of nodes)
    depths.set(id, Math.max(-1, ...dependsOn.map((above) => depths.get(above) ?? -1)) + 1);
  const depth = ({ id }: Node): number => depths.get(id) ?? 0;
  return nodes.sort((a, b) => depth(a) - depth(b));
}

/** The nearest steps above; what is not selected, or has no relation, is looked through. */
function stepsAbove(
  manifest: Manifest,
  ids: readonly string[],
  index: ReadonlyMap<string, number>,
): Set<number> {
  const found = new Set<number>();
  const seen = new Set<string>();
  const visit = (above: readonly string[]): void => {
    for (const id of above) {
      if (seen.has(id)) continue;
      seen.add(id);
      const at = index.get(id);
      if (at !== undefined) found.add(at);
      else visit(manifest.nodes.get(id)?.dependsOn ?? []);
    }
  };
  visit(ids);
  return found;
}

/** A unit test needs what its model reads, and the model waits for it. */
function unitTestsFirst(manifest: Manifest, steps: Step[], index: ReadonlyMap<string, number>): void {
  for (const [at, step] of steps.entries()) {
    const model = manifest.nodes.get(step.node.unit?.model ?? '');
    if (!model) continue;
    step.parents = stepsAbove(manifest, model.dependsOn, index);
    const tested = index.get(model.id);
    if (tested !== undefined) steps[tested]?.parents.add(at);
  }
}

/**
 * What reads everything that a test looks at waits for it, so that a failure skips it. With audits a test that can
 * hold back a model does so instead.
 */
function testsBeforeReaders(
  manifest: Manifest,
  steps: Step[],
  index: ReadonlyMap<string, number>,
  audit: boolean,
): void {
  const graph = new Graph(manifest);
  for (const [at, test] of steps.entries()) {
    if (test.node.kind !== 'test') continue;
    const audited = audit ? auditedBy(manifest, test, steps, graph) : undefined;
    if (audited !== undefined) {
      test.audit = audited;
      test.parents.delete(audited);
      steps[audited]?.audits.push(at);
      continue;
    }
    // nobody waits for a warning; dbt does, because the test's own SQL may fail
    if (audit && severity(test.node) === 'warn') continue;
    for (const reader of graph.stepsBelow(test.node.dependsOn, index)) steps[reader]?.parents.add(at);
  }
}

/** Everything but tests, selected or not: what a test blocks hangs on all that it looks at, ephemeral models too. */
class Graph {
  private readonly ids: string[];
  private readonly index: Map<string, number>;
  private readonly ancestry: Ancestry;

  constructor(private readonly manifest: Manifest) {
    const nodes = topological(manifest).filter(isRelation);
    this.ids = [...manifest.sources.keys(), ...nodes.map(({ id }) => id)];
    this.index = new Map(this.ids.map((id, at) => [id, at]));
    const above = (ids: readonly string[]): number[] => ids.flatMap((id) => this.index.get(id) ?? []);
    this.ancestry = new Ancestry(this.ids.map((id) => above(manifest.nodes.get(id)?.dependsOn ?? [])));
  }

  /** is `ancestor` above `id` */
  isAbove(ancestor: string, id: string): boolean {
    const [node, above] = [this.index.get(id), this.index.get(ancestor)];
    return node !== undefined && above !== undefined && this.ancestry.has(node, above);
  }

  /** The first steps below all of these; what is no step is looked through. */
  stepsBelow(ids: readonly string[], steps: ReadonlyMap<string, number>): Set<number> {
    const found = new Set<number>();
    const seen = new Set<string>();
    const visit = (id: string): void => {
      if (seen.has(id)) return;
      seen.add(id);
      const step = steps.get(id);
      if (step !== undefined) found.add(step);
      else for (const child of this.manifest.children.get(id) ?? []) if (this.index.has(child)) visit(child);
    };
    const looked = ids.flatMap((id) => this.index.get(id) ?? []);
    if (looked.length > 0) for (const at of this.ancestry.firstBelow(looked)) visit(this.ids[at] ?? '');
    return found;
  }
}

const isRelation = ({ kind }: Node): boolean => kind === 'model' || kind === 'seed' || kind === 'snapshot';

/**
 * A test can hold back a model when everything else that it reads is there before the model: its other parents are the
 * model's ancestors, or are not part of this run.
 */
function auditedBy(
  manifest: Manifest,
  { node: test, parents }: Step,
  steps: readonly Step[],
  graph: Graph,
): number | undefined {
  if (severity(test) !== 'error') return undefined;
  if (test.dependsOn.some((id) => isEphemeralId(manifest, id))) return undefined;
  const id = (at: number): string => steps[at]?.node.id ?? '';
  return [...parents].find((candidate) =>
    [...parents].every((other) => other === candidate || graph.isAbove(id(other), id(candidate))),
  );
}

function isEphemeralId(manifest: Manifest, id: string): boolean {
  const node = manifest.nodes.get(id);
  return node !== undefined && isEphemeral(node);
}

/**
 * Steps so that each comes after its parents: level by level, and by id within one, as dbt begins them. So seeds come
 * before tests of sources, which may read what the seeds have brought.
 */
function inOrder(steps: readonly Step[]): PlanNode[] {
  const levels = new Map<number, number>();
  const level = (at: number): number => {
    const known = levels.get(at);
    if (known !== undefined) return known;
    const { parents, audit } = steps[at] as Step;
    const above = Math.max(-1, ...[...parents, ...(audit === undefined ? [] : [audit])].map(level));
    levels.set(at, above + 1);
    return above + 1;
  };
  const id = (at: number): string => steps[at]?.node.id ?? '';
  const order = [...steps.keys()].sort((a, b) => level(a) - level(b) || (id(a) < id(b) ? -1 : 1));
  const place = new Map(order.map((at, index) => [at, index]));
  const to = (at: number): number => place.get(at) ?? -1;
  const sorted = (list: Iterable<number>): number[] => [...list].map(to).sort((a, b) => a - b);
  return order.map((at) => {
    const { node, parents, audits, audit } = steps[at] as Step;
    return {
      ...step(node),
      ...((node.kind === 'model' || node.kind === 'snapshot') && { materialized: materialization(node) }),
      ...(node.relation && node.kind !== 'test' && { relation: node.relation }),
      ...(node.kind === 'test' && { severity: severity(node) }),
      parents: sorted(parents),
      ...(audits.length > 0 && { audits: sorted(audits) }),
      ...(audit !== undefined && { audit: to(audit) }),
    };
  });
}

const step = ({ id, name, kind }: Node): PlanNode => ({ id, name, kind, parents: [] });
const sourceStep = ({ id, source, name }: SourceTable): PlanNode => ({
  ...{ id, kind: 'source', name: `${source}.${name}`, parents: [] },
});

const hooks = (manifest: Manifest, on: 'start' | 'end'): PlanNode[] =>
  [...manifest.nodes.values()].filter(({ hook }) => hook?.on === on).map(step);

function refusePython(nodes: readonly Node[]): void {
  const node = nodes.find(({ language }) => language === 'python');
  if (node)
    throw new MillraceError('Unsupported', {
      what: `${node.id} is a Python model; those are not supported`,
      where: { file: node.file, line: 1 },
      fix: 'Write it in SQL, or leave the node out of the selection',
    });
}

const mermaidText = (text: string): string => text.replace(/["<>&#]/g, (char) => `#${char.charCodeAt(0)};`);

function mermaid(nodes: readonly PlanNode[]): string {
  const lines = ['flowchart LR'];
  const drawn = (at: number): boolean => !['test', 'unit_test'].includes(nodes[at]?.kind ?? 'test');
  for (const [at, { kind, name, parents }] of nodes.entries()) {
    if (!drawn(at)) continue;
    lines.push(kind === 'seed' ? `  n${at}[("${mermaidText(name)}")]` : `  n${at}["${mermaidText(name)}"]`);
    for (const parent of parents) if (drawn(parent)) lines.push(`  n${parent} --> n${at}`);
  }
  return lines.join('\n');
}
