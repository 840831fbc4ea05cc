import { fromPlain, str, type Dict, type Value } from '../jinja/values.js';
import type { Node } from '../manifest.js';

const ofNodes = (materialized: string): Record<string, unknown> => ({
  ...ofNodesAndTests(materialized, null),
  ...{ incremental_strategy: null, batch_size: null, lookback: 1, begin: null, persist_docs: {} },
  ...{ 'post-hook': [], 'pre-hook': [], quoting: {}, column_types: {}, full_refresh: null, unique_key: null },
  ...{ on_schema_change: 'ignore', on_configuration_change: 'apply', grants: {}, packages: [] },
  docs: { show: true, node_color: null },
  contract: { enforced: false, alias_types: true },
  ...{ event_time: null, concurrent_batches: null },
});

const ofNodesAndTests = (materialized: string, schema: string | null): Record<string, unknown> => ({
  ...{ enabled: true, alias: null, schema, database: null, tags: [], meta: {}, group: null, materialized },
});

/** What dbt writes for a config that nobody set. */
const DEFAULTS: Record<Node['kind'], () => Record<string, unknown>> = {
  model: () => ({ ...ofNodes('view'), access: 'protected', freshness: null }),
  analysis: () => ofNodes('view'),
  operation: () => ofNodes('view'),
  seed: () => ({ ...ofNodes('seed'), delimiter: ',', quote_columns: null }),
  snapshot: () => ({
    ...ofNodes('snapshot'),
    ...{ strategy: null, target_schema: null, target_database: null, updated_at: null, check_cols: null },
    snapshot_meta_column_names: {
      ...{ dbt_valid_to: null, dbt_valid_from: null, dbt_scd_id: null },
      ...{ dbt_updated_at: null, dbt_is_deleted: null },
    },
    dbt_valid_to_current: null,
  }),
  test: () => ({
    ...ofNodesAndTests('test', 'dbt_test__audit'),
    ...{ severity: 'ERROR', store_failures: null, store_failures_as: null, where: null, limit: null },
    ...{ fail_calc: 'count(*)', warn_if: '!= 0', error_if: '!= 0' },
  }),
  unit_test: () => ({ tags: [], meta: {}, enabled: true }),
};

/** these are filled up where a project sets only some of their members */
const MERGED = new Set(['docs', 'contract', 'snapshot_meta_column_names']);
/** dbt writes them with a dash */
export const HOOKS: Record<string, string> = { pre_hook: 'pre-hook', post_hook: 'post-hook' };
const LISTS = new Set(['tags', 'packages']);

/** A node's config with everything that dbt fills in, in dbt's order. */
export function configDict(node: Node): Dict {
  const made = fromPlain(DEFAULTS[node.kind]()) as Dict;
  for (const [key, value] of node.config) {
    const name = str(key);
    const hook = HOOKS[name] ?? (name === 'pre-hook' || name === 'post-hook' ? name : undefined);
    const former = made.get(name);
    if (hook !== undefined) made.set(hook, hooks(value));
    else if (MERGED.has(name) && value instanceof Map && former instanceof Map)
      made.set(name, new Map([...former, ...value]));
    else if (LISTS.has(name)) made.set(name, value === null ? [] : Array.isArray(value) ? value : [value]);
    else made.set(name, value);
  }
  if (node.kind === 'test') {
    storeFailures(made);
    made.set('group', null);
  }
  if (node.kind === 'model' && node.access !== undefined) made.set('access', node.access);
  if (node.group !== undefined && node.kind !== 'test' && made.has('group')) made.set('group', node.group);
  return made;
}

/** either of the two says the other */
function storeFailures(config: Dict): void {
  const as = config.get('store_failures_as') ?? null;
  const stored = config.get('store_failures') ?? null;
  if (as !== null) config.set('store_failures', as !== 'ephemeral');
  else if (stored !== null) config.set('store_failures_as', stored === true ? 'table' : 'ephemeral');
}

/** a hook is written as its SQL, or as a dict with more */
function hooks(value: Value): Value[] {
  const list = Array.isArray(value) ? value : value === null ? [] : [value];
  return list.map((hook) => {
    const [sql, transaction, index] =
      hook instanceof Map
        ? [hook.get('sql') ?? '', hook.get('transaction') ?? true, hook.get('index') ?? null]
        : [hook, true, null];
    return new Map<Value, Value>([
      ['sql', sql],
      ['transaction', transaction],
      ['index', index],
    ]);
  });
}
