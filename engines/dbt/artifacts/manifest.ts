import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeRecord } from '../../../schemas/transform.js';
import type { Environment } from '../context/environment.js';
import { toPlain, truthy, type Dict, type Value } from '../jinja/values.js';
import type { Manifest, Node, Resource } from '../manifest.js';
import { macroDicts } from './macro-dict.js';
import { metadata, projectMetadata } from './metadata.js';
import { nodeDict } from './node-dict.js';
import { primaryKeys } from './primary-key.js';
import { docsDict, exposureDict, groupDict, sourceDict } from './resource-dicts.js';
import { semanticDict } from './semantic-dicts.js';
import { unitTestDict } from './unit-test-dict.js';

type Plain = Record<string, unknown>;
type Table = Record<string, Plain>;

/** dbt's manifest.json (v12). */
export interface ManifestArtifact {
  metadata: Plain;
  nodes: Table;
  sources: Table;
  macros: Table;
  docs: Table;
  exposures: Table;
  metrics: Table;
  groups: Table;
  selectors: Plain;
  disabled: Record<string, Plain[]>;
  parent_map: Record<string, string[]>;
  child_map: Record<string, string[]>;
  group_map: Record<string, string[]>;
  saved_queries: Table;
  semantic_models: Table;
  unit_tests: Table;
}

/** the records of a run, by node id, where there was one: their compiled SQL goes into the manifest */
export type Records = ReadonlyMap<string, Pick<NodeRecord, 'compiled'>>;
const NONE: Records = new Map();

/**
 * A project as dbt writes it into manifest.json.
 *
 * @param selectors YAML selectors by name, as selectors.yml has them
 */
export function manifestArtifact(
  environment: Environment,
  records: Records = NONE,
  selectors: Plain = {},
): ManifestArtifact {
  const { manifest } = environment;
  const of = (kind: Resource['kind']): Table =>
    table(manifest.semantics.values(), (each) =>
      each.kind === kind ? semanticDict(each, environment) : null,
    );
  return {
    metadata: { ...metadata('manifest', environment), ...projectMetadata(environment) },
    nodes: Object.fromEntries(
      nodeDicts(environment).map(([id, dict]) => [id, compiled(toPlain(dict) as Plain, records.get(id))]),
    ),
    sources: table(manifest.sources.values(), (source) => sourceDict(source, environment)),
    macros: Object.fromEntries(macroDicts(environment).map(([id, dict]) => [id, toPlain(dict) as Plain])),
    docs: table(manifest.docs.values(), (block) => docsDict(block, environment)),
    exposures: table(manifest.exposures.values(), (exposure) => exposureDict(exposure, environment)),
    metrics: of('metric'),
    groups: table(manifest.groups.values(), (group) => groupDict(group, environment)),
    selectors,
    disabled: Object.fromEntries(
      [...manifest.disabled].map(([id, each]) => [id, [toPlain(anyDict(each, environment)) as Plain]]),
    ),
    ...maps(manifest),
    saved_queries: of('saved_query'),
    semantic_models: of('semantic_model'),
    unit_tests: table(manifest.nodes.values(), (node) =>
      isUnitTest(node) ? unitTestDict(node, environment) : null,
    ),
  };
}

/** Writes target/manifest.json, aside first. @returns the file */
export function writeManifest(
  environment: Environment,
  folder: string,
  records: Records = NONE,
  selectors: Plain = {},
): string {
  return writeArtifact(folder, 'manifest.json', manifestArtifact(environment, records, selectors));
}

/** Writes an artifact so that nobody reads half of it. @returns the file */
export function writeArtifact(folder: string, name: string, content: unknown): string {
  const file = join(folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.part`, typeof content === 'string' ? content : JSON.stringify(content));
  renameSync(`${file}.part`, file);
  return file;
}

/** `graph` in templates: everything by kind and id. One dict for all who ask while the project stays loaded. */
export function graphDict(environment: Environment): Dict {
  let graph = GRAPHS.get(environment);
  if (!graph) GRAPHS.set(environment, (graph = makeGraph(environment)));
  return graph;
}
const GRAPHS = new WeakMap<Environment, Dict>();

function makeGraph(environment: Environment): Dict {
  const { manifest } = environment;
  const semantics = (kind: Resource['kind']): Dict =>
    new Map(
      [...manifest.semantics.values()].flatMap((each): [Value, Value][] =>
        each.kind === kind ? [[each.id, semanticDict(each, environment)]] : [],
      ),
    );
  return new Map<Value, Value>([
    [
      'exposures',
      new Map([...manifest.exposures].map(([id, each]) => [id, exposureDict(each, environment)])),
    ],
    ['groups', new Map([...manifest.groups].map(([id, each]) => [id, groupDict(each, environment)]))],
    ['metrics', semantics('metric')],
    ['nodes', new Map<Value, Value>(nodeDicts(environment))],
    ['sources', new Map([...manifest.sources].map(([id, each]) => [id, sourceDict(each, environment)]))],
    ['semantic_models', semantics('semantic_model')],
    ['saved_queries', semantics('saved_query')],
  ]);
}

const isUnitTest = (node: Node): node is Parameters<typeof unitTestDict>[0] => node.unit !== undefined;

function nodeDicts(environment: Environment): [string, Dict][] {
  const keys = primaryKeys(environment.manifest);
  return [...environment.manifest.nodes.values()].flatMap((node): [string, Dict][] => {
    if (node.kind === 'unit_test') return [];
    const dict = nodeDict(node, environment);
    if (node.kind === 'model') dict.set('primary_key', keys.get(node.id) ?? []);
    return [[node.id, dict]];
  });
}

function table<T extends { id: string }>(all: Iterable<T>, dict: (each: T) => Dict | null): Table {
  const made: Table = {};
  for (const each of all) {
    const found = dict(each);
    if (found) made[each.id] = toPlain(found) as Plain;
  }
  return made;
}

/** A resource of any kind as dbt writes it. */
export function anyDict(each: Resource, environment: Environment): Dict {
  switch (each.kind) {
    case 'source':
      return sourceDict(each as Parameters<typeof sourceDict>[0], environment);
    case 'exposure':
      return exposureDict(each as Parameters<typeof exposureDict>[0], environment);
    case 'metric':
    case 'semantic_model':
    case 'saved_query':
      return semanticDict(each as Parameters<typeof semanticDict>[0], environment);
    case 'unit_test':
      return unitTestDict(each as Parameters<typeof unitTestDict>[0], environment);
    default:
      return nodeDict(each as Node, environment);
  }
}

function compiled(node: Plain, record: Pick<NodeRecord, 'compiled'> | undefined): Plain {
  if (record?.compiled === null || record?.compiled === undefined || node['resource_type'] === 'seed')
    return node;
  const path = `target/compiled/${String(node['package_name'])}/${String(node['original_file_path'])}`;
  return {
    ...node,
    compiled_path: /\.ya?ml$/.test(path) ? `${path}/${String(node['path'])}` : path,
    ...{ compiled: true, compiled_code: record.compiled, extra_ctes_injected: true, extra_ctes: [] },
  };
}

function maps(manifest: Manifest): Pick<ManifestArtifact, 'parent_map' | 'child_map' | 'group_map'> {
  const all: Resource[] = [
    ...[...manifest.nodes.values()].filter(({ kind }) => kind !== 'unit_test'),
    ...manifest.sources.values(),
    ...manifest.exposures.values(),
    ...manifest.semantics.values(),
    ...[...manifest.nodes.values()].filter(({ kind }) => kind === 'unit_test'),
  ];
  const children = new Map<string, string[]>(all.map(({ id }) => [id, []]));
  for (const { id, dependsOn } of all) for (const parent of dependsOn) children.get(parent)?.push(id);
  const groups: Record<string, string[]> = {};
  for (const { name } of manifest.groups.values()) groups[name] = [];
  for (const node of manifest.nodes.values()) {
    const group = node.group ?? node.config.get('group');
    if (typeof group === 'string' && truthy(group)) (groups[group] ??= []).push(node.id);
  }
  return {
    parent_map: Object.fromEntries(all.map(({ id, dependsOn }) => [id, [...dependsOn].sort()])),
    child_map: Object.fromEntries([...children].map(([id, list]) => [id, list.sort()])),
    group_map: groups,
  };
}
