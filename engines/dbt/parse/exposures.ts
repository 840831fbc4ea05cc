import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import { fromPlain, str, toPlain, type Dict, type Value } from '../jinja/values.js';
import type { Exposure, Manifest, Resource } from '../manifest.js';
import { asList, isRecord } from './config.js';
import type { Parsing } from './parsing.js';
import type { Properties } from './properties.js';
import type { ExposureProperties } from './property-schemas.js';
import { requiredReference, staticMetric } from './static-call.js';

/** Exposures, with what they read; metrics are resolved by {@link resolveMetrics}. @throws MillraceError */
export function readExposures(parsing: Parsing): void {
  for (const entry of parsing.properties.exposures)
    parsing.take(parsing.manifest.exposures, makeExposure(parsing, entry));
}

function makeExposure({ layers }: Parsing, entry: Properties<ExposureProperties>): Exposure {
  const { value, yaml, path, package: owner, below, folders } = entry;
  const fqn = [owner.name, ...folders, value.name];
  const patch = fromPlain(value.config) as Dict;
  const config = layers.build('exposure', fqn, owner.name, { patch });
  const tags = [...new Set([...value.tags, ...asList(config.get('tags')).map(str)])].sort();
  config.set('tags', tags);
  const meta = config.get('meta');
  config.set(
    'meta',
    new Map([...(fromPlain(value.meta) as Dict), ...(meta instanceof Map ? meta : new Map())]),
  );
  const metrics: string[][] = [];
  const references = value.depends_on.flatMap((text, index) => {
    const metric = staticMetric(text);
    if (metric) metrics.push(metric);
    const where = yaml.at([...path, 'depends_on', index]);
    return metric ? [] : [requiredReference(text, `What exposure '${value.name}' depends on`, where)];
  });
  const { name, description, ...definition } = value;
  return {
    id: `exposure.${owner.name}.${name}`,
    kind: 'exposure',
    name,
    package: owner.name,
    file: yaml.file,
    path: below,
    fqn,
    config,
    unrendered: layers.unrendered('exposure', fqn, owner.name, { patch }),
    description: description ?? '',
    dependsOn: [],
    references,
    metrics,
    definition: { ...definition, tags, meta: toPlain(config.get('meta') as Value) },
  };
}

/** Ids of metrics by name. @throws MillraceError RefNotFound */
export function findMetric(manifest: Manifest, path: readonly string[], from: Resource): string {
  const name = path.at(-1) ?? '';
  const packages = path.length > 1 ? [path[0]] : [from.package, manifest.project];
  for (const owner of packages) {
    const id = `metric.${owner}.${name}`;
    if (manifest.semantics.has(id)) return id;
  }
  const others = [...manifest.semantics.values()].filter(({ kind }) => kind === 'metric');
  const found = path.length > 1 ? undefined : others.find((metric) => metric.name === name);
  if (found) return found.id;
  throw new MillraceError('RefNotFound', {
    what: `${from.id} refers to the metric '${path.join('.')}', which does not exist`,
    where: { file: from.file, line: 1 },
    fix:
      didYouMean(
        name,
        others.map((metric) => metric.name),
      ) || 'Declare it under metrics: in a .yml file',
  });
}

/** Puts metrics after what exposures read otherwise. @throws MillraceError RefNotFound */
export function resolveExposureMetrics({ manifest }: Parsing): void {
  for (const exposure of manifest.exposures.values())
    for (const metric of exposure.metrics) exposure.dependsOn.push(findMetric(manifest, metric, exposure));
}

export const records = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];
