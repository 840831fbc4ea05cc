import { MillraceError } from '../../schemas/errors.js';
import type { PlanNode, TransformPlan } from '../../schemas/transform.js';
import { ancestors, isEphemeral, topological } from './graph.js';
import { str, truthy } from './jinja/values.js';
import { materialization, type Manifest, type Node } from './manifest.js';
import { asList } from './parse/config.js';

const SUPPORTED = ['view', 'table', 'ephemeral', 'seed', 'test'];

/**
 * The steps of a run: what must be published before what, and which tests stand between a model and its publication.
 *
 * @throws MillraceError Unsupported for a selected node that cannot run yet
 */
export function makePlan(manifest: Manifest, selected: ReadonlySet<string>): TransformPlan {
  const chosen = topological(manifest).filter((node) => selected.has(node.id));
  refuseUnsupported(chosen);
  const steps = chosen.filter((node) => !isEphemeral(node));
  const index = new Map(steps.map(({ id }, at) => [id, at]));
  const nodes = steps.map((node): PlanNode => ({
    id: node.id,
    name: node.name,
    kind: node.kind,
    ...(node.kind === 'model' && { materialized: materialization(node) }),
    ...(node.relation && { relation: node.relation }),
    parents: stepsAbove(manifest, node, index),
    ...(node.kind === 'test' && { severity: severity(node) }),
  }));
  for (const [at, node] of steps.entries()) {
    const audited = node.kind === 'test' ? auditedBy(manifest, node, index) : undefined;
    if (audited === undefined) continue;
    const test = nodes[at] as PlanNode;
    test.audit = audited;
    test.parents = test.parents.filter((parent) => parent !== audited);
    ((nodes[audited] as PlanNode).audits ??= []).push(at);
  }
  return { nodes, start: [], end: [], mermaid: mermaid(nodes), warnings: manifest.warnings };
}

export const severity = (node: Node): 'error' | 'warn' =>
  str(node.config.get('severity') ?? 'error').toLowerCase() === 'warn' ? 'warn' : 'error';

/** The nearest steps above a node; what is not selected, or has no relation, is looked through. */
function stepsAbove(manifest: Manifest, node: Node, index: ReadonlyMap<string, number>): number[] {
  const found = new Set<number>();
  const seen = new Set<string>();
  const visit = (ids: readonly string[]): void => {
    for (const id of ids) {
      if (seen.has(id)) continue;
      seen.add(id);
      const at = index.get(id);
      if (at !== undefined) found.add(at);
      else visit(manifest.nodes.get(id)?.dependsOn ?? []);
    }
  };
  visit(node.dependsOn);
  return [...found].sort((a, b) => a - b);
}

/**
 * A test can hold back a model when everything else that it reads is there before the model: its other parents are the
 * model's ancestors, or are not part of this run.
 */
function auditedBy(manifest: Manifest, test: Node, index: ReadonlyMap<string, number>): number | undefined {
  if (severity(test) !== 'error') return undefined;
  const parents = test.dependsOn.flatMap((id) => manifest.nodes.get(id) ?? []);
  if (parents.some(isEphemeral)) return undefined;
  const built = parents.filter(({ id }) => index.has(id));
  const audited = built.find((candidate) => {
    const above = ancestors(manifest, candidate.id);
    return built.every(({ id }) => id === candidate.id || above.has(id));
  });
  return audited && index.get(audited.id);
}

function refuseUnsupported(nodes: readonly Node[]): void {
  for (const node of nodes) {
    const reason = unsupported(node);
    if (reason !== null)
      throw new MillraceError('Unsupported', {
        what: `${node.id}: ${reason} not supported yet`,
        where: { file: node.file, line: 1 },
        fix: 'Change it, or leave the node out of the selection',
      });
  }
}

function unsupported(node: Node): string | null {
  if (node.language === 'python') return 'Python models are';
  if (node.kind === 'snapshot') return 'snapshots are';
  if (!SUPPORTED.includes(materialization(node))) return `the materialization '${materialization(node)}' is`;
  for (const hook of ['pre_hook', 'post_hook'])
    if (asList(node.config.get(hook)).length > 0) return `${hook} is`;
  const contract = node.config.get('contract');
  if (contract instanceof Map && truthy(contract.get('enforced') ?? false)) return 'an enforced contract is';
  return null;
}

const mermaidText = (text: string): string => text.replace(/["<>&#]/g, (char) => `#${char.charCodeAt(0)};`);

function mermaid(nodes: readonly PlanNode[]): string {
  const lines = ['flowchart LR'];
  for (const [at, { kind, name, parents }] of nodes.entries()) {
    if (kind === 'test') continue;
    lines.push(kind === 'seed' ? `  n${at}[("${mermaidText(name)}")]` : `  n${at}["${mermaidText(name)}"]`);
    for (const parent of parents) lines.push(`  n${parent} --> n${at}`);
  }
  return lines.join('\n');
}
