import { fromPlain, iterate, str, type Dict, type Value } from '../jinja/values.js';

const HOOKS = new Set(['pre_hook', 'post_hook']);

/** Configs add up: tags and hooks collect, `meta` merges, everything else is replaced by the nearer one. */
export function mergeConfig(into: Dict, add: Iterable<[Value, Value]>): void {
  for (const [key, value] of add) {
    const name = str(key).replaceAll('-', '_');
    const former = into.get(name);
    if (name === 'tags') into.set(name, [...new Set([...asList(former), ...asList(value)])]);
    else if (HOOKS.has(name)) into.set(name, [...asList(former), ...asList(value)]);
    else if (name === 'meta' && former instanceof Map && value instanceof Map)
      into.set(name, new Map([...former, ...value]));
    else into.set(name, value);
  }
}

export function asList(value: Value | undefined): Value[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? [...iterate(value)] : [value];
}

/**
 * What `models:` of dbt_project.yml says about a node, outermost folder first.
 *
 * @param render reads a value that may be a template
 */
export function folderConfig(
  tree: Record<string, unknown>,
  fqn: readonly string[],
  render: (value: unknown) => unknown,
): [Value, Value][] {
  const found: [Value, Value][] = [];
  let level: unknown = tree;
  for (const part of [...fqn, null]) {
    if (!isRecord(level)) break;
    for (const [key, value] of Object.entries(level)) {
      const own = key.startsWith('+');
      if (!own && isRecord(value)) continue;
      if (!own && fqn.includes(key) && value === null) continue;
      const name = own ? key.slice(1).trim() : key;
      found.push([name, fromPlain(HOOKS.has(name.replaceAll('-', '_')) ? value : render(value))]);
    }
    if (part === null) break;
    level = level[part];
  }
  return found;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
