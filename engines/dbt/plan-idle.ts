import type { PlanNode } from '../../schemas/transform.js';
import { resource, type Manifest, type Resource } from './manifest.js';

/**
 * The exposures and saved queries of a build. Nothing runs for them: they come to `no-op`, and are skipped when
 * something above has failed or a test has failed that looks at nothing but what is above.
 */
export function idleSteps(
  manifest: Manifest,
  selected: ReadonlySet<string>,
  nodes: readonly PlanNode[],
): PlanNode[] {
  const index = new Map(nodes.map(({ id }, at) => [id, at]));
  const tests = nodes.flatMap(({ id, kind }, at) =>
    kind === 'test' ? { at, looked: manifest.nodes.get(id)?.dependsOn ?? [] } : [],
  );
  return idle(manifest)
    .filter(({ id }) => selected.has(id))
    .map(({ id, name, kind, dependsOn }) => {
      const above = ancestors(manifest, dependsOn);
      const blocking = tests.filter(
        ({ looked }) => looked.length > 0 && looked.every((each) => above.has(each)),
      );
      const parents = new Set([...nearest(manifest, dependsOn, index), ...blocking.map(({ at }) => at)]);
      return { id, name, kind, parents: [...parents].sort((a, b) => a - b) };
    });
}

type Idle = Pick<Resource, 'id' | 'name' | 'dependsOn'> & { kind: 'exposure' | 'saved_query' };

const idle = ({ exposures, semantics }: Manifest): Idle[] =>
  [...exposures.values(), ...semantics.values()].flatMap(({ id, name, kind, dependsOn }) =>
    kind === 'exposure' || kind === 'saved_query' ? { id, name, kind, dependsOn } : [],
  );

function ancestors(manifest: Manifest, ids: readonly string[], found = new Set<string>()): Set<string> {
  for (const id of ids) {
    if (found.has(id)) continue;
    found.add(id);
    ancestors(manifest, resource(manifest, id)?.dependsOn ?? [], found);
  }
  return found;
}

/** The first steps above; metrics, and what else is no step, are looked through. */
function nearest(manifest: Manifest, ids: readonly string[], index: ReadonlyMap<string, number>): number[] {
  const seen = new Set<string>();
  const visit = (id: string): number[] => {
    if (seen.has(id)) return [];
    seen.add(id);
    const at = index.get(id);
    return at === undefined ? (resource(manifest, id)?.dependsOn ?? []).flatMap(visit) : [at];
  };
  return ids.flatMap(visit);
}
