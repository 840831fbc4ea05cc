import type { ColumnProperties, Constraint } from '../manifest.js';
import { asList } from './config.js';
import { fromPlain, str } from '../jinja/values.js';
import type { Column, NodeProperties, Version } from './property-schemas.js';

/** Columns as a property file describes them; tags and meta may stand beside or under `config`. */
export const columnProperties = (columns: readonly Column[]): ColumnProperties[] => [
  // a column that is described twice is what the second entry says, in the place of the first
  ...new Map(columns.map((column) => [column.name, columnProperty(column)])).values(),
];

function columnProperty(column: Column): ColumnProperties {
  const tags = columnTags(column);
  const meta = { ...column.meta, ...(column.config['meta'] as Record<string, unknown> | undefined) };
  return {
    name: column.name,
    description: column.description ?? '',
    tags,
    meta,
    ...(column.data_type && { dataType: column.data_type }),
    ...(typeof column.quote === 'boolean' && { quote: column.quote }),
    ...(column.granularity && { granularity: column.granularity }),
    constraints: column.constraints.map(toConstraint),
    config: { ...column.config, meta, tags },
  };
}

/** of a column and, with its tests, of each of them */
export const columnTags = (column: Column): string[] => [
  ...new Set([...column.tags, ...asList(fromPlain(column.config['tags'])).map(str)]),
];

export function toConstraint(given: Column['constraints'][number]): Constraint {
  const { type, name, expression, columns, to, to_columns, warn_unsupported, warn_unenforced } = given;
  return {
    type,
    ...(name && { name }),
    ...(expression && { expression }),
    ...(columns && { columns }),
    ...(to && { to }),
    ...(to_columns && { to_columns }),
    ...(typeof warn_unsupported === 'boolean' && { warn_unsupported }),
    ...(typeof warn_unenforced === 'boolean' && { warn_unenforced }),
  };
}

/** The columns of one version: those of the model that it includes, and its own. */
export function versionColumns(model: NodeProperties, version: Version): Column[] {
  const own = version.columns.filter((column): column is Column => 'name' in column);
  const filter = version.columns.find(
    (column): column is { include?: string[] | string; exclude?: string[] } => !('name' in column),
  );
  const everything = filter === undefined || filter.include === '*' || filter.include === 'all';
  const kept = model.columns.filter(
    ({ name }) =>
      (everything || asList(fromPlain(filter.include)).includes(name)) &&
      !(filter?.exclude ?? []).includes(name),
  );
  return [...kept, ...own];
}
