import { MillraceError } from '../../schemas/errors.js';
import { materialization, type Manifest, type Node } from './manifest.js';

/** Ephemeral models have no relation: whoever reads one reads what it reads. */
export const isEphemeral = (node: Node): boolean =>
  node.kind === 'model' && materialization(node) === 'ephemeral';

/**
 * Nodes in an order in which each comes after what it depends on.
 *
 * @throws MillraceError CyclicGraph, with the way around
 */
export function topological(manifest: Manifest): Node[] {
  const order: Node[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const path: Node[] = [];
  const visit = (node: Node): void => {
    state.set(node.id, 'open');
    path.push(node);
    for (const id of node.dependsOn) {
      const parent = manifest.nodes.get(id);
      if (!parent || state.get(id) === 'done') continue;
      if (state.get(id) === 'open') throw cyclic(path.slice(path.indexOf(parent)), parent);
      visit(parent);
    }
    path.pop();
    state.set(node.id, 'done');
    order.push(node);
  };
  for (const node of manifest.nodes.values()) if (!state.has(node.id)) visit(node);
  return order;
}

function cyclic(path: Node[], back: Node): MillraceError {
  const around = [...path, back].map(({ name }) => name).join(' → ');
  const reference = path.at(-1)?.references.find(({ path: parts }) => parts.at(-1) === back.name);
  return new MillraceError('CyclicGraph', {
    what:
      path.length === 1
        ? `Model '${back.name}' refers to itself`
        : `Models refer to one another in a circle: ${around}`,
    where: reference?.where ?? { file: back.file, line: 1 },
    fix:
      path.length === 1
        ? 'Use {{ this }} for its own relation'
        : 'Break the circle: one of these refs must go',
  });
}
