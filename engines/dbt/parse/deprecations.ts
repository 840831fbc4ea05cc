import type { Manifest } from '../manifest.js';

/** Tells of models past, or going to be past, their deprecation date, and of what reads them. */
export function warnDeprecations({ manifest }: { manifest: Manifest }, today: string): void {
  for (const node of manifest.nodes.values()) {
    const { deprecation, version } = node;
    if (!deprecation) continue;
    const name = version ? `${node.name}.v${version.version}` : node.name;
    const past = deprecation.slice(0, 10) < today.slice(0, 10);
    if (past) manifest.warnings.push(`Model ${name} has passed its deprecation date of ${deprecation}`);
    for (const id of manifest.children.get(node.id) ?? []) {
      const child = manifest.nodes.get(id);
      if (child?.kind !== 'model') continue;
      manifest.warnings.push(
        past
          ? `Model ${child.name} refers to ${name}, which was deprecated on ${deprecation}`
          : `Model ${child.name} refers to ${name}, which is going to be deprecated on ${deprecation}`,
      );
    }
  }
}
