import type { ArtifactEntry, ManifestArtifact } from './artifact.js';

/** Macros whose text is another one now, new ones, and those that are gone. */
export function changedMacros(now: ManifestArtifact, then: ManifestArtifact): Set<string> {
  const changed = new Set<string>();
  for (const [id, { macro_sql: text }] of Object.entries(now.macros))
    if (then.macros[id]?.macro_sql?.trim() !== text?.trim() && !isBuiltIn(id)) changed.add(id);
  for (const id of Object.keys(then.macros))
    if (!Object.hasOwn(now.macros, id) && !isBuiltIn(id)) changed.add(id);
  return changed;
}

/** dbt's own macros have other texts here than there; what they do is the same */
const isBuiltIn = (id: string): boolean => /^macro\.dbt(_duckdb|_snowflake|_postgres)?\./.test(id);

/** Whether a node calls one of `changed`, or a macro that does. */
export function usesAny(now: ManifestArtifact, node: ArtifactEntry, changed: ReadonlySet<string>): boolean {
  if (changed.size === 0) return false;
  const seen = new Set<string>();
  const open = [...(node.depends_on?.macros ?? [])];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    if (changed.has(id)) return true;
    seen.add(id);
    open.push(...(now.macros[id]?.depends_on?.macros ?? []));
  }
  return false;
}
