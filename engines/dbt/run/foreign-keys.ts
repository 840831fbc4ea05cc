import { str, type Dict, type Value } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { staticReference } from '../parse/static-call.js';
import type { Reference } from '../manifest.js';

/**
 * Puts the name of the relation in the place of `to: ref('orders')` in a node's constraints, as dbt does before it runs
 * the node.
 *
 * @param model the node as a dict, of which constraints are replaced
 */
export function resolveForeignKeys(node: Node, model: Dict, nameOf: (reference: Reference) => string): void {
  const resolved = (constraints: Value | undefined): Value =>
    !Array.isArray(constraints)
      ? (constraints ?? [])
      : constraints.map((each) => {
          const to = each instanceof Map ? (each.get('to') ?? null) : null;
          const reference = to === null ? null : staticReference(str(to), { file: node.file });
          if (!(each instanceof Map) || !reference) return each;
          return new Map([...each, ['to', nameOf(reference)] as [Value, Value]]);
        });
  if (!hasTarget(node)) return;
  model.set('constraints', resolved(model.get('constraints')));
  const columns = model.get('columns');
  if (!(columns instanceof Map)) return;
  for (const column of columns.values())
    if (column instanceof Map) column.set('constraints', resolved(column.get('constraints')));
}

const hasTarget = ({ constraints = [], columns }: Node): boolean =>
  [...constraints, ...columns.flatMap((column) => column.constraints ?? [])].some(
    ({ to }) => to !== undefined,
  );
