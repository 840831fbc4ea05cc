import { toPlain } from '../jinja/values.js';
import type { Resource } from '../manifest.js';
import { isRecord } from '../parse/config.js';

/** what dbt says of a node that nobody has configured */
const NODE_DEFAULTS: Record<string, unknown> = {
  enabled: true,
  alias: null,
  schema: null,
  database: null,
  tags: [],
  meta: {},
  group: null,
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
const TEST_DEFAULTS: Record<string, unknown> = {
  enabled: true,
  alias: null,
  schema: 'dbt_test__audit',
  database: null,
  tags: [],
  meta: {},
  group: null,
  materialized: 'test',
  severity: 'ERROR',
  store_failures: null,
  store_failures_as: null,
  where: null,
  limit: null,
  fail_calc: 'count(*)',
  warn_if: '!= 0',
  error_if: '!= 0',
};
const DEFAULTS: Partial<Record<Resource['kind'], Record<string, unknown>>> = {
  model: { ...NODE_DEFAULTS, access: 'protected' },
  seed: { ...NODE_DEFAULTS, materialized: 'seed', delimiter: ',', quote_columns: null },
  snapshot: {
    ...NODE_DEFAULTS,
    materialized: 'snapshot',
    strategy: null,
    target_schema: null,
    updated_at: null,
  },
  analysis: NODE_DEFAULTS,
  operation: NODE_DEFAULTS,
  test: TEST_DEFAULTS,
  source: { enabled: true, event_time: null, freshness: null, meta: {}, tags: [] },
};

/** `config.meta.owner:ops`; sources and nodes have configs that are looked at, unit tests and exposures not. */
export function matchesConfig(keys: readonly string[], wanted: unknown): (resource: Resource) => boolean {
  const ignoreCase = keys.length === 1 && keys[0] === 'severity';
  const same = (value: unknown): boolean =>
    value === wanted ||
    (ignoreCase && typeof value === 'string' && value.toLowerCase() === String(wanted).toLowerCase()) ||
    (typeof value === 'boolean' && String(value) === String(wanted).toLowerCase());
  return ({ kind, config }) => {
    const defaults = DEFAULTS[kind];
    const [first, ...rest] = keys;
    if (!defaults || first === undefined) return false;
    const own = config.get(first);
    let value: unknown = own === undefined ? defaults[first] : toPlain(own);
    // what is configured of a contract or of docs stands beside the defaults
    if (isRecord(value) && isRecord(defaults[first])) value = { ...defaults[first], ...value };
    for (const key of rest) value = isRecord(value) ? value[key] : undefined;
    return Array.isArray(value) ? value.some(same) : value !== undefined && same(value);
  };
}
