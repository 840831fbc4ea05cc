import type { JsonFormat } from '../../../schemas/format.js';
import type { Position } from '../../../schemas/errors.js';
import { assertNames, columnMissing, declaredColumns, undeclared } from '../declared.js';
import { knownNames } from '../text/read-text.js';
import type { FileColumn, ShapeInput } from '../typed-columns.js';
import { hasRoomFor, isPlainObject, typeOf, type Shape } from './shape.js';

/** A column and the place in a record that it is taken from. */
export interface JsonColumn extends FileColumn {
  path: string[];
  shape: Shape;
}

/**
 * The columns of records of a shape: their members, or with `flatten` those of nested objects, too (`a_b_c`). Objects
 * into which a declared column reaches (`from: 'a.b'`) are flattened in any case, so that what lies beside it shows.
 * @throws MillraceError FormatMismatch, ColumnMissing, SchemaMismatch
 */
export function jsonColumns(
  root: Shape,
  { nested }: JsonFormat,
  input: ShapeInput,
  where: Position,
): JsonColumn[] {
  const { spec, frozen } = input;
  const declared = declaredColumns(spec.columns);
  const byFrom = new Map(declared?.map((column) => [column.from, column]));
  const leaves: { path: string[]; shape: Shape }[] = [];
  const walk = (object: Map<string, Shape>, above: string[]): void => {
    for (const [key, shape] of object) {
      const path = [...above, key];
      const from = path.join('.');
      const reached = declared?.some((column) => column.from.startsWith(`${from}.`)) ?? false;
      if ((nested === 'flatten' || reached) && isPlainObject(shape) && shape.object && !byFrom.has(from))
        walk(shape.object, path);
      else leaves.push({ path, shape });
    }
  };
  walk(root.object ?? new Map<string, Shape>(), []);
  const known = knownNames(input);
  const types = new Map(
    frozen?.map(({ name, type }) => [name.toLowerCase(), type]) ??
      declared?.map(({ name, type }) => [name.toLowerCase(), type]),
  );
  const columns = leaves.map(({ path, shape }, field): JsonColumn => {
    const from = path.join('.');
    const { name = path.join('_'), formats, required } = byFrom.get(from) ?? {};
    const found = nested === 'json' && (shape.object ?? shape.list) ? 'json' : typeOf(shape);
    const column = { name, from, formats, required, field, path, shape };
    if (!known.has(name.toLowerCase())) return { ...column, type: found ?? 'text' };
    // a single value is cast like a text; a nested one for which there is no room would lose its rest
    const fits = hasRoomFor(types.get(name.toLowerCase()) ?? 'text', shape);
    return { ...column, type: spec.contract.types === 'evolve' || !fits ? found : undefined };
  });
  assertNames(
    columns.map(({ name }) => name),
    where,
  );
  if (declared && spec.contract.columns === 'freeze' && !frozen) {
    const extra = columns.filter(({ path }) => !byFrom.has(path.join('.')));
    if (extra.length > 0)
      throw undeclared(
        extra.map(({ path }) => path.join('.')),
        where,
      );
    const names = columns.map(({ path }) => path.join('.'));
    // a key may be absent; when none of them is there, the declaration means another file
    if (!declared.some(({ from }) => names.includes(from)))
      throw columnMissing([...byFrom.keys()], names, where);
  }
  return columns;
}
