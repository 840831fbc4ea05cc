import type { Environment } from '../context/environment.js';
import { fromPlain, str, type Dict, type Value } from '../jinja/values.js';
import type { Manifest, Semantic } from '../manifest.js';
import { createdAt, identity, referenceDicts, relationText, unrendered } from './node-dict.js';
import { list } from './resource-dicts.js';

type Plain = Record<string, unknown>;
const record = (value: unknown): Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Plain) : {};
const records = (value: unknown): Plain[] => (Array.isArray(value) ? value.map(record) : []);

/** A metric, semantic model or saved query as dbt writes it. */
export function semanticDict(semantic: Semantic, environment: Environment): Dict {
  const { definition: given, config } = semantic;
  const meta = config.get('meta') ?? fromPlain(given['meta'] ?? {});
  const group = semantic.group ?? config.get('group') ?? null;
  const made = new Map<Value, Value>([
    ...identity(semantic, environment),
    ['fqn', [...semantic.fqn]],
    ['description', semantic.description === '' && semantic.kind !== 'metric' ? null : semantic.description],
    ['label', fromPlain(given['label'] ?? null)],
    ['metadata', null],
    [
      'config',
      new Map<Value, Value>([
        ['enabled', true],
        ['group', null],
        ...config,
        ['group', group],
        ['meta', meta],
      ]),
    ],
    ['unrendered_config', unrendered(semantic)],
    ['depends_on', fromPlain({ macros: [], nodes: semantic.dependsOn })],
    ['created_at', createdAt(environment)],
    ['group', group],
  ]);
  const references = new Map(referenceDicts(semantic.references));
  made.set('refs', references.get('refs') ?? []);
  if (semantic.kind === 'metric') metric(made, semantic, environment.manifest, references);
  else if (semantic.kind === 'semantic_model') semanticModel(made, semantic, environment);
  else savedQuery(made, semantic, environment);
  return made;
}

function metric(
  made: Dict,
  { definition, config }: Semantic,
  manifest: Manifest,
  references: Map<Value, Value>,
): void {
  made.set('type', fromPlain(definition['type'] ?? 'simple'));
  made.set('type_params', fromPlain(typeParams(definition, manifest)));
  made.set('filter', fromPlain(filters(definition['filter'])));
  made.set('time_granularity', fromPlain(definition['time_granularity'] ?? null));
  made.set('meta', config.get('meta') ?? fromPlain(definition['meta'] ?? {}));
  made.set('tags', list(config.get('tags') ?? fromPlain(definition['tags'] ?? [])));
  made.set('sources', references.get('sources') ?? []);
  made.set('metrics', []);
}

function typeParams(definition: Plain, manifest: Manifest): Plain {
  const given = record(definition['type_params']);
  const measure = given['measure'] === undefined ? null : inputMeasure(given['measure']);
  const metrics: Plain[] = Array.isArray(given['metrics']) ? given['metrics'].map(inputMetric) : [];
  const numerator = optional(given['numerator'], inputMetric);
  const denominator = optional(given['denominator'], inputMetric);
  const below: Plain[] = [...metrics, ...[numerator, denominator].flatMap((one) => (one ? [one] : []))];
  const cumulative = optional(given['cumulative_type_params'], (value) => ({
    ...{ window: null, grain_to_date: null, period_agg: 'first', metric: null },
    ...record(value),
    window: optional(record(value)['window'], timeWindow),
  }));
  const made: Plain = {
    ...{ measure, input_measures: [], numerator, denominator, expr: given['expr'] ?? null },
    window: optional(given['window'], timeWindow),
    ...{ grain_to_date: given['grain_to_date'] ?? null, metrics },
    conversion_type_params: optional(given['conversion_type_params'], conversion),
    cumulative_type_params: cumulative,
    metric_aggregation_params: null,
  };
  made['input_measures'] = measure ? [measure] : below.flatMap((each) => measuresOf(each['name'], manifest));
  return made;
}

/** the measures that a metric named by another comes to */
function measuresOf(name: unknown, manifest: Manifest): Plain[] {
  for (const each of manifest.semantics.values())
    if (each.kind === 'metric' && each.name === name)
      return typeParams(each.definition, manifest)['input_measures'] as Plain[];
  return [];
}

const optional = <T>(value: unknown, read: (value: unknown) => T): T | null =>
  value === undefined || value === null ? null : read(value);

const inputMeasure = (value: unknown): Plain => ({
  ...{ name: value, filter: null, alias: null, join_to_timespine: false, fill_nulls_with: null },
  ...withFilter(record(value)),
});

const inputMetric = (value: unknown): Plain => ({
  ...{ name: value, filter: null, alias: null, offset_window: null, offset_to_grain: null },
  ...withFilter(record(value)),
  ...(record(value)['offset_window'] !== undefined && {
    offset_window: optional(record(value)['offset_window'], timeWindow),
  }),
});

const withFilter = (given: Plain): Plain =>
  given['filter'] === undefined ? given : { ...given, filter: filters(given['filter']) };

const conversion = (value: unknown): Plain => {
  const given = record(value);
  return {
    ...{ calculation: 'conversion_rate', constant_properties: null },
    ...given,
    base_measure: inputMeasure(given['base_measure']),
    conversion_measure: inputMeasure(given['conversion_measure']),
    window: optional(given['window'], timeWindow),
  };
};

/** `7 days` */
function timeWindow(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const [count = '', granularity = ''] = value.trim().split(/\s+/);
  return { count: Number(count), granularity: granularity.replace(/s$/, '') };
}

/** one filter, or several that all must hold */
function filters(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  const each = (Array.isArray(value) ? value : [value]) as unknown[];
  return { where_filters: each.map((text) => ({ where_sql_template: text })) };
}

const NO_TEXT = { description: null, label: null };
const config = (given: Plain): Plain => ({ meta: {}, ...record(given['config']) });

function semanticModel(made: Dict, { definition: given }: Semantic, environment: Environment): void {
  const [id] = (made.get('depends_on') as Dict).get('nodes') as Value[];
  const node = environment.manifest.nodes.get(str(id ?? ''));
  const relation = node?.relation;
  const put = (name: string, value: unknown): unknown => made.set(name, fromPlain(value));
  put('model', given['model'] ?? '');
  put(
    'node_relation',
    relation
      ? {
          ...{ alias: relation.name, schema_name: relation.schema },
          database: relation.database ?? environment.target.database,
          relation_name: relationText(relation, environment),
        }
      : null,
  );
  put(
    'defaults',
    given['defaults'] === undefined ? null : { agg_time_dimension: null, ...record(given['defaults']) },
  );
  put(
    'entities',
    records(given['entities']).map((entity) => ({
      ...{ ...NO_TEXT, role: null, expr: null },
      ...entity,
      config: config(entity),
    })),
  );
  put(
    'measures',
    records(given['measures']).map((measure) => ({
      ...{ ...NO_TEXT, create_metric: false, expr: null, agg_params: null },
      ...{ non_additive_dimension: null, agg_time_dimension: null },
      ...measure,
      ...(measure['expr'] !== undefined && { expr: text(measure['expr']) }),
      config: config(measure),
    })),
  );
  put('dimensions', records(given['dimensions']).map(dimension));
  put('primary_entity', given['primary_entity'] ?? null);
}

const text = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value);

const dimension = (given: Plain): Plain => ({
  ...{ ...NO_TEXT, is_partition: false, expr: null, metadata: null },
  ...given,
  type_params:
    given['type_params'] === undefined ? null : { validity_params: null, ...record(given['type_params']) },
  config: config(given),
});

function savedQuery(made: Dict, { definition, name, config: own }: Semantic, { target }: Environment): void {
  const params = record(definition['query_params']);
  made.set(
    'query_params',
    fromPlain({
      ...{ metrics: [], group_by: [], order_by: [], limit: null },
      ...params,
      where: filters(params['where']),
    }),
  );
  const exports = records(definition['exports']).map((each) => {
    const given = record(each['config']);
    const { schema, alias, ...rest } = given;
    return {
      name: each['name'] ?? name,
      config: {
        ...{ export_as: 'table', schema_name: schema ?? target.schema },
        ...{ alias: alias ?? each['name'] ?? name, database: target.database },
        ...rest,
      },
      unrendered_config: given,
    };
  });
  made.set('exports', fromPlain(exports));
  made.set('tags', list(own.get('tags') ?? fromPlain(definition['tags'] ?? [])));
  const settings = made.get('config') as Dict;
  for (const [key, value] of [
    ['export_as', null],
    ['schema', null],
    ['cache', fromPlain({ enabled: false })],
  ] as [string, Value][])
    if (!settings.has(key)) settings.set(key, value);
}
