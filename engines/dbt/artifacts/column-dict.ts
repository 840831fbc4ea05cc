import { createHash } from 'node:crypto';
import { fromPlain, repr, str, type Dict, type Value } from '../jinja/values.js';
import type { ColumnProperties, Constraint } from '../manifest.js';

/** Described columns, by name. */
export const columnDicts = (columns: readonly ColumnProperties[]): Dict =>
  new Map<Value, Value>(columns.map((column) => [column.name, columnDict(column)]));

function columnDict(column: ColumnProperties): Dict {
  const { name, description, tags, meta, dataType = null, quote = null, constraints = [] } = column;
  const metas = fromPlain(meta ?? {});
  return new Map<Value, Value>([
    ['name', name],
    ['description', description],
    ['meta', metas],
    ['data_type', dataType],
    ['constraints', constraints.map((constraint) => constraintDict(constraint))],
    ['quote', quote],
    [
      'config',
      new Map<Value, Value>([['meta', metas], ['tags', tags], ...(fromPlain(column.config ?? {}) as Dict)]),
    ],
    ['tags', tags],
    ['granularity', column.granularity ?? null],
    ['doc_blocks', [...(column.docBlocks ?? [])]],
  ]);
}

/** @param level a model's own constraint has columns of its own */
export function constraintDict(constraint: Constraint, level: 'column' | 'model' = 'column'): Dict {
  const {
    type,
    name = null,
    expression = null,
    columns = [],
    to = null,
    to_columns: toColumns = [],
  } = constraint;
  return new Map<Value, Value>([
    ['type', type],
    ['name', name],
    ['expression', expression],
    ['warn_unenforced', constraint.warn_unenforced ?? true],
    ['warn_unsupported', constraint.warn_unsupported ?? true],
    ['to', to],
    ['to_columns', toColumns],
    ...(level === 'model' ? [['columns', columns] as [Value, Value]] : []),
  ]);
}

/**
 * The hash by which dbt sees that a contract has changed: over the columns by name, with what Python prints of their
 * types and constraints, so that a manifest of either tool can be compared with one of the other.
 *
 * @param enforced the materialization and the model's own constraints, where the warehouse gets to know these
 */
export function contractChecksum(
  columns: readonly ColumnProperties[],
  enforced: { materialized: string; constraints: readonly Constraint[] } | null,
): string {
  const sorted = [...columns].sort((a, b) => (a.name < b.name ? -1 : 1));
  const text = sorted.map(
    ({ name, dataType, constraints = [] }) =>
      `|${name}${dataType ?? 'None'}${printed(constraints, 'column')}`,
  );
  if (enforced) text.push(enforced.materialized + printed(enforced.constraints, 'model'));
  return createHash('sha256').update(text.join('')).digest('hex');
}

function printed(constraints: readonly Constraint[], level: 'column' | 'model'): string {
  const prefix = level === 'column' ? 'ColumnLevelConstraint' : 'ModelLevelConstraint';
  const each = constraints.map((constraint) => {
    const fields = [...constraintDict(constraint, level)].map(([key, value]) =>
      key === 'type'
        ? `type=<ConstraintType.${constraint.type}: '${constraint.type}'>`
        : `${str(key)}=${repr(value)}`,
    );
    return `${prefix}(${fields.join(', ')})`;
  });
  return `[${each.join(', ')}]`;
}
