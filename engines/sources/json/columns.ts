import type { JsonFormat } from '../../../schemas/format.js';
import type { Position } from '../../../schemas/errors.js';
import { assertNames, columnMissing, declaredColumns, undeclared } from '../declared.js';
import { knownNames } from '../text/read-text.js';
import type { FileColumn, ShapeInput } from '../typed-columns.js';
import { exactDecimal, hasRoomFor, isPlainObject, typeOf, type Shape } from './shape.js';

/** A column and the place in a record that it is taken from. */
export interface JsonColumn extends FileColumn {
  path: string[];
  shape: Shape;
}

/**
 * The columns of records of a shape: their members, or with `flatten` those of nested objects, too (`a_b_c`). Objects
 * into which a declared column reaches (`from: 'a.b'`) are flattened in any case, so that what lies beside it shows.
 * Where some records have another value in such a place, that value is a column of its own, and theirs alone.
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
  const known = knownNames(input);
  const leaves: { path: string[]; shape: Shape; stray?: boolean }[] = [];
  const walk = (object: Map<string, Shape>, above: string[]): void => {
    for (const [key, shape] of object) {
      const path = [...above, key];
      const from = path.join('.');
      const reached = declared?.some((column) => column.from.startsWith(`${from}.`)) ?? false;
      if (byFrom.has(from) || !(reached || (nested === 'flatten' && opens(path, shape, known)))) {
        leaves.push({ path, shape });
        continue;
      }
      walk(shape.object ?? new Map<string, Shape>(), path);
      const odd = { ...shape, object: undefined };
      if (typeOf(odd) !== undefined) leaves.push({ path, shape: odd, stray: true });
    }
  };
  walk(root.object ?? new Map<string, Shape>(), []);
  const taken = new Set(declared?.map(({ name }) => name.toLowerCase()));
  const types = new Map(
    frozen?.map(({ name, type }) => [name.toLowerCase(), type]) ??
      declared?.map(({ name, type }) => [name.toLowerCase(), type]),
  );
  const columns = leaves.map(({ path, shape, stray }, field): JsonColumn => {
    const from = path.join('.');
    const plain = path.join('_');
    const free = stray && taken.has(plain.toLowerCase()) ? `${plain}_value` : plain;
    const { name = free, formats, required } = byFrom.get(from) ?? {};
    const found = nested === 'json' && (shape.object ?? shape.list) ? 'json' : typeOf(shape);
    const column = { name, from, formats, required, field, path, shape, stray };
    if (!known.has(name.toLowerCase())) return { ...column, type: found ?? 'text' };
    // a single value is cast like a text; a nested one for which there is no room would lose its rest
    const type = types.get(name.toLowerCase()) ?? 'text';
    const evolves = spec.contract.types === 'evolve';
    return {
      ...column,
      type: evolves ? (exactDecimal(type, shape) ?? found) : hasRoomFor(type, shape) ? undefined : found,
    };
  });
  assertNames(
    columns.map(({ name }) => name),
    where,
  );
  if (declared && spec.contract.columns === 'freeze' && !frozen) {
    const extra = columns.filter(({ path, stray }) => !stray && !byFrom.has(path.join('.')));
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

/** Whether `flatten` makes columns of what is in a place: not where the stream has the whole of it as one column. */
function opens(path: string[], shape: Shape, known: ReadonlySet<string>): boolean {
  if (!shape.object || shape.object.size === 0) return false;
  if (isPlainObject(shape)) return true;
  const name = path.join('_').toLowerCase();
  const members = [...known].some((other) => other.startsWith(`${name}_`));
  return members || !known.has(name);
}
