import type { Manifest, Node } from '../manifest.js';
import { truthy } from '../jinja/values.js';

/**
 * The columns that identify a row of each model, as dbt guesses them: a primary key constraint, else columns that are
 * tested to be unique and not null, else those tested to be unique.
 */
export function primaryKeys(manifest: Manifest): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const tests = testsByModel(manifest);
  for (const node of manifest.nodes.values()) {
    if (node.kind !== 'model') continue;
    const key = declared(node) ?? tested(tests.get(node.id) ?? []);
    if (key.length > 0) found.set(node.id, key);
  }
  return found;
}

function testsByModel(manifest: Manifest): Map<string, Node[]> {
  const found = new Map<string, Node[]>();
  for (const node of [...manifest.nodes.values(), ...manifest.disabled.values()]) {
    const attached = node.kind === 'test' ? ((node as Node).test?.attached ?? null) : null;
    if (attached === null) continue;
    const list = found.get(attached);
    if (list) list.push(node as Node);
    else found.set(attached, [node as Node]);
  }
  return found;
}

function declared({ constraints = [], columns }: Node): string[] | undefined {
  const own = constraints.find(({ type }) => type === 'primary_key');
  if (own) return own.columns ?? [];
  const column = columns.find(({ constraints: each = [] }) =>
    each.some(({ type }) => type === 'primary_key'),
  );
  return column && [column.name];
}

function tested(tests: Node[]): string[] {
  const [unique, uniqueOff, notNull] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const node of tests) {
    const { generic, kwargs = {} } = node.test ?? {};
    const column = kwargs['column_name'] ?? node.test?.column;
    const several = kwargs['combination_of_columns'];
    const columns =
      typeof column === 'string' ? [column] : Array.isArray(several) ? (several as unknown[]) : [];
    const into =
      generic?.name === 'not_null'
        ? notNull
        : generic?.name === 'unique' || generic?.name === 'unique_combination_of_columns'
          ? truthy(node.config.get('enabled') ?? true)
            ? unique
            : uniqueOff
          : undefined;
    for (const each of columns) if (typeof each === 'string') into?.add(each);
  }
  const both = [...notNull].filter((each) => unique.has(each) || uniqueOff.has(each));
  if (both.length > 0) return both;
  return [...(unique.size > 0 ? unique : uniqueOff)];
}
