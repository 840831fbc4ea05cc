import { MillraceError } from '../../../schemas/errors.js';
import { fromPlain, str, toPlain, type Dict } from '../jinja/values.js';
import type { SourceFreshness, SourceTable } from '../manifest.js';
import { columnProperties } from './columns.js';
import { asList, isRecord } from './config.js';
import { NO_FRESHNESS } from './config-defaults.js';
import type { Parsing } from './parsing.js';
import type { Properties } from './properties.js';
import type { Freshness, SourceProperties, TableProperties } from './property-schemas.js';

type Entry = Properties<SourceProperties>;

/** A table of a source where it is declared, after what overrides it. */
export interface DeclaredTable {
  entry: Entry;
  source: SourceProperties;
  table: TableProperties;
  path: (string | number)[];
  node: SourceTable;
}

/**
 * Puts the declared sources into the manifest. Where Millrace has extracted one, its place counts, not the YAML's.
 *
 * @throws MillraceError DuplicateNode, DbtProjectInvalid
 */
export function readSources(parsing: Parsing): DeclaredTable[] {
  const { manifest, properties } = parsing;
  const overrides = properties.sources.filter(({ value }) => value.overrides);
  const used = new Set<Entry>();
  const declared: DeclaredTable[] = [];
  for (const entry of properties.sources) {
    if (entry.value.overrides) continue;
    const override = overrides.find(
      ({ value }) => value.overrides === entry.package.name && value.name === entry.value.name,
    );
    if (override) used.add(override);
    entry.value.tables.forEach((given, index) => {
      const { source, table } = overridden(entry.value, given, override?.value);
      const path = [...entry.path, 'tables', index];
      const node = makeSource(parsing, entry, source, table);
      if (override) node.patch = `${override.package.name}://${override.yaml.file}`;
      const former = manifest.sources.get(node.id);
      if (former)
        throw new MillraceError('DuplicateNode', {
          what: `Source table '${source.name}.${table.name}' is declared twice, also in ${former.file}`,
          where: entry.yaml.at(path),
          fix: 'Remove one of the two',
        });
      parsing.take(manifest.sources, node);
      declared.push({ entry, source, table, path, node });
    });
  }
  for (const { value, yaml } of overrides.filter((each) => !used.has(each)))
    manifest.warnings.push(
      `${yaml.file} overrides the source '${value.overrides}.${value.name}', which does not exist`,
    );
  return declared;
}

/** A project may change a package's source: what the override names replaces what was there. */
function overridden(
  source: SourceProperties,
  table: TableProperties,
  override: SourceProperties | undefined,
): { source: SourceProperties; table: TableProperties } {
  if (!override) return { source, table };
  const own = override.tables.find(({ name }) => name === table.name);
  return {
    source: { ...source, ...given(override), tables: source.tables },
    table: own ? { ...table, ...given(own) } : table,
  };
}

const given = <T extends object>(properties: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(properties).filter(
      ([, value]) =>
        value !== undefined &&
        value !== null &&
        !(Array.isArray(value) && value.length === 0) &&
        !(isRecord(value) && Object.keys(value).length === 0),
    ),
  ) as Partial<T>;

function makeSource(
  { environment, layers }: Parsing,
  { yaml, package: owner, folders }: Entry,
  source: SourceProperties,
  table: TableProperties,
): SourceTable {
  const { name } = table;
  const fqn = [owner.name, ...folders, source.name, name];
  const levels = [source, table] as const;
  const patch: Record<string, unknown> = { ...source.config, ...table.config };
  patch['tags'] = [
    ...new Set(
      levels.flatMap((level) => [...level.tags, ...asList(fromPlain(level.config['tags'])).map(str)]),
    ),
  ].sort();
  patch['meta'] = Object.assign(
    {},
    ...levels.flatMap((level) => [level.meta, level.config['meta']]).filter(isRecord),
  );
  patch['loaded_at_field'] = nearest(source, table, 'loaded_at_field');
  patch['loaded_at_query'] =
    table.loaded_at_field && !table.loaded_at_query ? null : nearest(source, table, 'loaded_at_query');
  const freshness = mergedFreshness(source, table);
  if (freshness === undefined) delete patch['freshness'];
  else patch['freshness'] = freshness && { ...NO_FRESHNESS, ...freshness };
  const settings = fromPlain(patch) as Dict;
  const config = layers.build('source', fqn, owner.name, { patch: settings });
  const text = (key: string): string | null => (config.get(key) ? str(config.get(key) ?? '') : null);
  const declaredDatabase = source.database ?? source.catalog;
  const database =
    declaredDatabase && declaredDatabase !== environment.target.database
      ? { database: declaredDatabase }
      : {};
  return {
    id: `source.${owner.name}.${source.name}.${name}`,
    kind: 'source',
    source: source.name,
    name,
    package: owner.name,
    file: yaml.file,
    path: yaml.file,
    fqn,
    config,
    unrendered: layers.unrendered('source', fqn, owner.name, { patch: settings }),
    dependsOn: [],
    relation: environment.sources[`${source.name}.${name}`]?.relation ?? {
      ...database,
      schema: source.schema ?? source.name,
      name: table.identifier ?? name,
    },
    columns: columnProperties(table.columns),
    description: table.description ?? '',
    sourceDescription: source.description ?? '',
    sourceMeta: {
      ...(isRecord(source.meta) ? source.meta : {}),
      ...(source.config['meta'] as object | undefined),
    },
    loader: table.loader ?? source.loader ?? '',
    freshness: toFreshness(config),
    loadedAtField: text('loaded_at_field'),
    loadedAtQuery: text('loaded_at_query'),
    quoting: { ...source.quoting, ...table.quoting } as Record<string, boolean>,
    external: table.external ?? null,
  };
}

function nearest(
  source: SourceProperties,
  table: TableProperties,
  key: 'loaded_at_field' | 'loaded_at_query',
): unknown {
  return table[key] ?? table.config[key] ?? source[key] ?? source.config[key] ?? null;
}

/** @returns undefined where the property files say nothing, null where they switch freshness off */
function mergedFreshness(source: SourceProperties, table: TableProperties): Freshness {
  const levels = [source, table].flatMap((level) => [
    level.freshness,
    level.config['freshness'] as Freshness,
  ]);
  let merged: Freshness;
  for (const level of levels) {
    if (level === undefined) continue;
    if (level === null) merged = null;
    else
      merged = merged
        ? {
            ...merged,
            ...level,
            warn_after:
              level.warn_after === undefined ? merged.warn_after : age(merged.warn_after, level.warn_after),
            error_after:
              level.error_after === undefined
                ? merged.error_after
                : age(merged.error_after, level.error_after),
          }
        : level;
  }
  return merged;
}

type Age = NonNullable<Freshness>['warn_after'];
const age = (former: Age, next: Age): Age => (next === null ? null : { ...former, ...next });

function toFreshness(config: Dict): SourceFreshness | null {
  const freshness = toPlain(config.get('freshness') ?? null);
  if (!isRecord(freshness)) return null;
  const limit = (key: string): SourceFreshness['warnAfter'] => {
    const value = freshness[key];
    if (!isRecord(value) || typeof value['count'] !== 'number' || typeof value['period'] !== 'string')
      return null;
    const period = value['period'].replace(/s$/, '');
    if (period !== 'minute' && period !== 'hour' && period !== 'day')
      throw new MillraceError('DbtProjectInvalid', {
        what: `freshness: '${value['period']}' is no period`,
        fix: 'Write minute, hour or day',
      });
    return { count: value['count'], period };
  };
  const [warnAfter, errorAfter] = [limit('warn_after'), limit('error_after')];
  if (!warnAfter && !errorAfter) return null;
  const filter = freshness['filter'];
  return { warnAfter, errorAfter, filter: typeof filter === 'string' ? filter : null };
}
