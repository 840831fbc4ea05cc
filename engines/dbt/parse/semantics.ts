import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import { fromPlain, str, type Dict } from '../jinja/values.js';
import type { Semantic } from '../manifest.js';
import { asList, isRecord } from './config.js';
import { findMetric, records } from './exposures.js';
import type { Parsing } from './parsing.js';
import type { Properties } from './properties.js';
import type { SemanticProperties } from './property-schemas.js';
import { requiredReference } from './static-call.js';

type Entry = Properties<SemanticProperties>;

/** Semantic models, metrics and saved queries: kept as written, with what they depend on. @throws MillraceError */
export function readSemantics(parsing: Parsing): void {
  const { properties, manifest } = parsing;
  const take = (semantic: Semantic): void => parsing.take(manifest.semantics, semantic);
  for (const entry of properties.metrics) take(make(parsing, 'metric', entry));
  for (const entry of properties.semantic_models) {
    const { value, yaml, path } = entry;
    const model = make(parsing, 'semantic_model', entry);
    const written = value['model'];
    if (typeof written === 'string')
      model.references = [
        requiredReference(written, `The model of ${model.id}`, yaml.at([...path, 'model'])),
      ];
    take(model);
    for (const measure of records(value['measures']))
      if (measure['create_metric'] === true) take(metricOf(parsing, entry, measure, model));
  }
  for (const entry of properties.saved_queries) take(make(parsing, 'saved_query', entry));
}

function make(
  { layers }: Parsing,
  kind: Semantic['kind'],
  { value, yaml, package: owner, below, folders }: Entry,
): Semantic {
  const fqn = [owner.name, ...folders, value.name];
  const patch = fromPlain(value.config) as Dict;
  const config = layers.build(kind, fqn, owner.name, { patch });
  if (value.tags.length > 0)
    config.set('tags', [...new Set([...value.tags, ...asList(config.get('tags')).map(str)])].sort());
  if (Object.keys(value.meta).length > 0 && !('meta' in value.config))
    config.set('meta', fromPlain(value.meta));
  const { name, description, ...definition } = value;
  const group = config.get('group');
  return {
    id: `${kind}.${owner.name}.${name}`,
    kind,
    name,
    package: owner.name,
    file: yaml.file,
    path: below,
    fqn,
    config,
    unrendered: layers.unrendered(kind, fqn, owner.name, { patch }),
    description: description ?? '',
    dependsOn: [],
    references: [],
    metrics: [],
    definition,
    group: group === undefined || group === null ? null : str(group),
  };
}

/** a measure may ask for a metric of its own */
function metricOf(
  parsing: Parsing,
  entry: Entry,
  measure: Record<string, unknown>,
  model: Semantic,
): Semantic {
  const name = str(fromPlain(measure['name']));
  const label = measure['label'] ?? name;
  const description =
    typeof measure['description'] === 'string'
      ? measure['description']
      : `Metric created from measure ${name}`;
  const value: SemanticProperties = {
    ...{ name, label, description, type: 'simple', type_params: { measure: name, expr: name } },
    ...{ tags: [], meta: {}, config: { enabled: model.config.get('enabled') } },
  };
  return make(parsing, 'metric', { ...entry, value });
}

/** Resolves measures and metrics to what they depend on. @throws MillraceError RefNotFound */
export function resolveSemantics({ manifest }: Parsing): void {
  const all = [...manifest.semantics.values()];
  const measures = new Map<string, Semantic>();
  for (const model of all)
    if (model.kind === 'semantic_model')
      for (const measure of records(model.definition['measures']))
        measures.set(String(measure['name']), model);
  for (const each of all) {
    if (each.kind === 'metric') {
      each.metrics = inputMetrics(each);
      for (const name of inputMeasures(each)) each.dependsOn.push(modelOf(name, each, measures));
    } else if (each.kind === 'saved_query') {
      const params = each.definition['query_params'];
      each.metrics = isRecord(params) ? asList(fromPlain(params['metrics'])).map(str) : [];
    }
    each.dependsOn.push(...each.metrics.map((name) => findMetric(manifest, [name], each)));
    each.dependsOn = [...new Set(each.dependsOn)];
  }
}

function modelOf(name: string, metric: Semantic, measures: ReadonlyMap<string, Semantic>): string {
  const model = measures.get(name);
  if (model) return model.id;
  throw new MillraceError('RefNotFound', {
    what: `${metric.id} uses the measure '${name}', which no semantic model has`,
    where: { file: metric.file, line: 1 },
    fix: didYouMean(name, measures.keys()) || 'Add the measure to a semantic model',
  });
}

const nameOf = (input: unknown): string[] =>
  typeof input === 'string' ? [input] : isRecord(input) ? [String(input['name'])] : [];

function inputMeasures({ definition }: Semantic): string[] {
  const params = isRecord(definition['type_params']) ? definition['type_params'] : {};
  const conversion = isRecord(params['conversion_type_params']) ? params['conversion_type_params'] : {};
  switch (String(definition['type']).toLowerCase()) {
    case 'simple':
    case 'cumulative':
      return nameOf(params['measure']);
    case 'conversion':
      return [...nameOf(conversion['base_measure']), ...nameOf(conversion['conversion_measure'])];
    default:
      return [];
  }
}

function inputMetrics({ definition }: Semantic): string[] {
  const params = isRecord(definition['type_params']) ? definition['type_params'] : {};
  switch (String(definition['type']).toLowerCase()) {
    case 'ratio':
      return [...nameOf(params['numerator']), ...nameOf(params['denominator'])];
    case 'derived':
      return Array.isArray(params['metrics']) ? params['metrics'].flatMap(nameOf) : [];
    default:
      return [];
  }
}
