import { fold, isQuery, nameOf, tagged, type Part } from './ast.js';
import { Sources } from './column-lineage.js';
import type { Member, Rest, Scope, Shape, Traced } from './scope.js';

export const unknownShape = (reason: string): Shape => ({ columns: [], rest: { kind: 'unknown', reason } });

export function renamed(shape: Shape, to: readonly string[]): Shape {
  if (to.length === 0) return shape;
  const { rest } = shape;
  const columns: Traced[] = to.flatMap((name, at): Traced[] => {
    const column = shape.columns[at];
    if (column) return [{ ...column, name }];
    if (rest?.kind === 'made') return [{ name, sources: rest.sources }];
    return rest ? [{ name, sources: Sources.missing('its place among columns that are not known') }] : [];
  });
  return {
    columns: [...columns, ...shape.columns.slice(to.length)],
    rest: rest?.kind === 'made' ? null : rest,
  };
}

export const starShape = (scope: Scope): Shape => ({
  columns: scope.visible.flatMap(({ column }) => column ?? []),
  rest: oneRest(scope.visible.flatMap(({ member, column }) => (column === null ? (member.rest ?? []) : []))),
});

/** unlisted columns of two tables cannot be told apart any more */
export function oneRest(rests: Rest[]): Rest | null {
  const [only, ...more] = rests;
  if (!only || more.length === 0) return only ?? null;
  const tables = rests.flatMap((rest) => (rest.kind === 'table' ? [rest.relation] : []));
  return {
    kind: 'unknown',
    reason: `the columns of ${tables.join(' and ') || 'several tables'} are not known`,
  };
}

export const sourceCount = ({ columns }: Shape): number =>
  columns.reduce((sum, { sources }) => sum + sources.list().length, columns.length);

export function sharedNames(scope: Scope, member: Member): string[] {
  const before = new Set(scope.visible.flatMap(({ column }) => (column ? [fold(column.name)] : [])));
  return member.columns.flatMap(({ name }) => (before.has(fold(name)) ? [name] : []));
}

export function starOf(expression: unknown): Part | undefined {
  const [tag, part] = tagged(expression) ?? ['', {}];
  return tag === 'star' ? part : undefined;
}

/** the name of an output column; warehouses differ for what has no alias, and a catalog knows better */
export function outputName(expression: unknown): string {
  const [tag, part] = tagged(expression) ?? ['', {}];
  if (tag === 'alias') return nameOf(part['alias']) ?? '';
  if (tag === 'column') return nameOf(part['name']) ?? '';
  if (tag === 'dot') return nameOf(part['field']) ?? '';
  if (tag === 'paren' || tag === 'cast' || tag === 'window_function') return outputName(part['this']);
  if (isQuery(tag)) return tag;
  return fold(nameOf(part['name']) ?? nameOf(part['original_name']) ?? tag);
}
