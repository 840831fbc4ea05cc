import { fromPlain, type Dict } from '../jinja/values.js';
import type { ResourceKind } from '../manifest.js';

/** dbt's settings of every kind of resource, and what they are when nobody says anything. */
const COMMON = { enabled: true, alias: null, schema: null, database: null, tags: [], meta: {}, group: null };

const NODE = {
  ...COMMON,
  materialized: 'view',
  incremental_strategy: null,
  batch_size: null,
  lookback: 1,
  begin: null,
  persist_docs: {},
  post_hook: [],
  pre_hook: [],
  quoting: {},
  column_types: {},
  full_refresh: null,
  unique_key: null,
  on_schema_change: 'ignore',
  on_configuration_change: 'apply',
  grants: {},
  packages: [],
  docs: { show: true, node_color: null },
  contract: { enforced: false, alias_types: true },
  event_time: null,
  concurrent_batches: null,
};

export const NO_FRESHNESS = {
  warn_after: { count: null, period: null },
  error_after: { count: null, period: null },
  filter: null,
};

const PLAIN: Record<ResourceKind, Record<string, unknown>> = {
  model: { ...NODE, access: 'protected', freshness: null },
  seed: { ...NODE, materialized: 'seed', delimiter: ',', quote_columns: null },
  snapshot: {
    ...NODE,
    materialized: 'snapshot',
    strategy: null,
    target_schema: null,
    target_database: null,
    updated_at: null,
    check_cols: null,
    snapshot_meta_column_names: {
      dbt_valid_to: null,
      dbt_valid_from: null,
      dbt_scd_id: null,
      dbt_updated_at: null,
      dbt_is_deleted: null,
    },
    dbt_valid_to_current: null,
  },
  test: {
    ...COMMON,
    schema: 'dbt_test__audit',
    materialized: 'test',
    severity: 'ERROR',
    store_failures: null,
    store_failures_as: null,
    where: null,
    limit: null,
    fail_calc: 'count(*)',
    warn_if: '!= 0',
    error_if: '!= 0',
  },
  analysis: NODE,
  operation: NODE,
  unit_test: { tags: [], meta: {}, enabled: true },
  source: {
    enabled: true,
    event_time: null,
    freshness: { ...NO_FRESHNESS },
    loaded_at_field: null,
    loaded_at_query: null,
    meta: {},
    tags: [],
  },
  exposure: { enabled: true, tags: [], meta: {} },
  metric: { enabled: true, group: null, meta: {} },
  semantic_model: { enabled: true, group: null, meta: {} },
  saved_query: {
    enabled: true,
    group: null,
    meta: {},
    export_as: null,
    schema: null,
    cache: { enabled: false },
  },
};

const DEFAULTS = new Map<ResourceKind, Dict>();

/** A fresh dict of a kind's settings; what is inside it is shared and never changed. */
export function defaultConfig(kind: ResourceKind): Dict {
  let made = DEFAULTS.get(kind);
  if (!made) DEFAULTS.set(kind, (made = fromPlain(PLAIN[kind]) as Dict));
  return new Map(made);
}
