import { resources, type Manifest, type Resource } from '../manifest.js';

/** The graph of everything that can be selected, with dbt's ways of walking it. */
export class SelectionGraph {
  readonly all = new Map<string, Resource>();
  private readonly children = new Map<string, string[]>();

  constructor(manifest: Manifest) {
    for (const each of resources(manifest)) this.all.set(each.id, each);
    for (const { id, dependsOn } of this.all.values())
      for (const parent of dependsOn) {
        const known = this.children.get(parent);
        if (known) known.push(id);
        else this.children.set(parent, [id]);
      }
  }

  /** everything above, without the starts unless they stand above one another */
  ancestors(starts: ReadonlySet<string>, depth = Infinity): Set<string> {
    return walk(starts, depth, (id) => this.parentsOf(id));
  }

  descendants(starts: ReadonlySet<string>, depth = Infinity): Set<string> {
    return walk(starts, depth, (id) => this.childrenOf(id));
  }

  childrenOf(id: string): readonly string[] {
    return this.children.get(id) ?? [];
  }

  /** what is in the graph: disabled things and those of other kinds are not */
  parentsOf(id: string): string[] {
    return (this.all.get(id)?.dependsOn ?? []).filter((parent) => this.all.has(parent));
  }
}

function walk(
  starts: ReadonlySet<string>,
  depth: number,
  next: (id: string) => readonly string[],
): Set<string> {
  const found = new Set<string>();
  let edge: Iterable<string> = starts;
  for (let level = 0; level < depth; level++) {
    const layer = new Set<string>();
    for (const id of edge) for (const each of next(id)) if (!found.has(each)) layer.add(each);
    if (layer.size === 0) break;
    for (const id of layer) found.add(id);
    edge = layer;
  }
  return found;
}
