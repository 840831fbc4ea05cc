import { isDeepStrictEqual } from 'node:util';
import type { ArtifactEntry } from './artifact.js';

/** Configs that say where a node stands or how it is found, not what it is. */
const NOT_COMPARED = ['alias', 'schema', 'database', 'tags', 'group'];
/** the only configs that change what a generic or singular test says */
const OF_TESTS = [
  ...['severity', 'where', 'limit', 'fail_calc', 'warn_if', 'error_if'],
  ...['store_failures', 'store_failures_as'],
];

const isNode = ({ resource_type: kind }: ArtifactEntry): boolean =>
  ['model', 'seed', 'snapshot', 'test', 'analysis', 'operation'].includes(kind);

const same = (a: ArtifactEntry, b: ArtifactEntry, ...keys: string[]): boolean =>
  keys.every((key) => isDeepStrictEqual(a[key] ?? null, b[key] ?? null));

/** Fields of one entry, compared with those of its former self; undefined for what such a thing does not have. */
export type Comparison = (now: ArtifactEntry, then: ArtifactEntry) => boolean | undefined;

export const sameBody: Comparison = (now, then) => {
  if (!isNode(now)) return undefined;
  return now.resource_type === 'seed' ? sameChecksum(now, then) : same(now, then, 'raw_code');
};

export const sameConfig: Comparison = (now, then) => {
  const [mine, theirs] = [now.unrendered_config ?? {}, then.unrendered_config ?? {}];
  // dbt notes some settings that nobody made as null
  const equal = (key: string): boolean => isDeepStrictEqual(mine[key] ?? null, theirs[key] ?? null);
  switch (now.resource_type) {
    case 'unit_test':
      return undefined;
    case 'semantic_model':
    case 'saved_query':
      return same(now, then, 'config');
    case 'test':
      return OF_TESTS.every(equal);
    default:
      return Object.keys({ ...mine, ...theirs })
        .filter((key) => !NOT_COMPARED.includes(key))
        .every(equal);
  }
};

/** As configured, so that another target's names are no change. */
export const sameRelation: Comparison = (now, then) => {
  if (now.resource_type === 'source') return same(now, then, 'database', 'schema', 'identifier');
  if (!isNode(now)) return undefined;
  return ['database', 'schema', 'alias'].every((key) =>
    isDeepStrictEqual(now.unrendered_config?.[key] ?? null, then.unrendered_config?.[key] ?? null),
  );
};

export const sameDescriptions: Comparison = (now, then) => {
  if (!isNode(now)) return undefined;
  const persisted = (now.config?.['persist_docs'] ?? {}) as Record<string, unknown>;
  const columns = (entry: ArtifactEntry): unknown =>
    Object.fromEntries(
      Object.entries((entry['columns'] ?? {}) as Record<string, { description?: string }>).map(
        ([name, { description }]) => [name, description ?? ''],
      ),
    );
  return (
    (persisted['relation'] !== true || same(now, then, 'description')) &&
    (persisted['columns'] !== true || isDeepStrictEqual(columns(now), columns(then)))
  );
};

/** what else makes a thing another one, beside its fqn and config */
const OWN_FIELDS: Record<string, string[]> = {
  source: ['fqn', 'quoting', 'freshness', 'loaded_at_field', 'external'],
  exposure: ['fqn', 'type', 'owner', 'maturity', 'url', 'description', 'label'],
  metric: ['type', 'description', 'label'],
  semantic_model: [
    ...['model', 'description', 'defaults', 'entities', 'dimensions', 'measures'],
    ...['primary_entity', 'group'],
  ],
  saved_query: ['query_params', 'description', 'label', 'group', 'tags'],
};

/** Everything that dbt's `state:modified` looks at, but macros and contracts. */
export function sameContents(now: ArtifactEntry, then: ArtifactEntry | undefined): boolean {
  const kind = now.resource_type;
  // a source or exposure that is new is not modified: nothing is built for it
  if (!then) return !isNode(now) && kind !== 'unit_test';
  if (kind === 'unit_test') return sameUnitTest(now, then);
  const holds = (compare: Comparison): boolean => compare(now, then) ?? true;
  if (kind === 'test' && (now['test_metadata'] ?? null) !== null)
    return same(now, then, 'fqn') && holds(sameConfig);
  const own = OWN_FIELDS[kind];
  if (own) {
    return (
      same(now, then, ...own) &&
      holds(sameConfig) &&
      holds(sameRelation) &&
      (kind !== 'exposure' || sameParents(now, then)) &&
      (kind !== 'saved_query' || sameExports(now, then))
    );
  }
  return (
    same(now, then, 'fqn') &&
    [sameBody, sameConfig, sameDescriptions, sameRelation].every(holds) &&
    (kind !== 'model' || (same(now, then, 'latest_version', 'access') && sameDeprecation(now, then)))
  );
}

/** the checksum depends on how its writer shows values, so what it is made of counts as well */
function sameUnitTest(now: ArtifactEntry, then: ArtifactEntry): boolean {
  const parts = ['model', 'versions', 'given', 'expect', 'overrides'];
  const text = (entry: ArtifactEntry): string =>
    JSON.stringify(
      parts.map((part) => entry[part] ?? null),
      (_, value: unknown) => (typeof value === 'string' ? value.trim() : value),
    );
  return same(now, then, 'checksum') || text(now) === text(then);
}

/** one writes a date, the other a moment */
function sameDeprecation(now: ArtifactEntry, then: ArtifactEntry): boolean {
  const at = ({ deprecation_date: date }: ArtifactEntry): number | null =>
    typeof date === 'string' ? new Date(date).getTime() : null;
  return at(now) === at(then);
}

function sameChecksum(now: ArtifactEntry, then: ArtifactEntry): boolean {
  const of = (entry: ArtifactEntry): { name?: string } => entry['checksum'] ?? {};
  return of(now).name !== 'none' && isDeepStrictEqual(of(now), of(then));
}

function sameParents(now: ArtifactEntry, then: ArtifactEntry): boolean {
  const parents = ({ depends_on: on }: ArtifactEntry): string[] => [...(on?.nodes ?? [])].sort();
  return isDeepStrictEqual(parents(now), parents(then));
}

function sameExports(now: ArtifactEntry, then: ArtifactEntry): boolean {
  interface Export {
    name?: string;
    unrendered_config?: Record<string, unknown>;
  }
  const exports = (entry: ArtifactEntry): unknown[] =>
    ((entry['exports'] ?? []) as Export[]).map(({ name, unrendered_config: config = {} }) => [
      name,
      ...['export_as', 'schema', 'alias'].map((key) => config[key] ?? null),
    ]);
  return isDeepStrictEqual(exports(now), exports(then));
}
