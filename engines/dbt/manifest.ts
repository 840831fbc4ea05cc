import type { Position } from '../../schemas/errors.js';
import type { RelationName } from '../warehouse/port.js';
import type { Template } from './jinja/ast.js';
import { str, truthy, type Dict } from './jinja/values.js';

/** dbt's resource types, as `--resource-type` and `resource_type:` write them */
export type ResourceKind =
  | 'model'
  | 'seed'
  | 'snapshot'
  | 'test'
  | 'unit_test'
  | 'analysis'
  | 'operation'
  | 'source'
  | 'exposure'
  | 'metric'
  | 'semantic_model'
  | 'saved_query';

/** What everything in the graph has. */
export interface Resource {
  /** dbt's unique_id */
  id: string;
  kind: ResourceKind;
  name: string;
  package: string;
  /** relative to the root project */
  file: string;
  /** below the folder it belongs to (`models/`), as selectors and `model.path` see it */
  path: string;
  fqn: string[];
  /** all of it, rendered: tags and meta, too */
  config: Dict;
  /** settings as written, without defaults and unrendered: what `state:modified` compares */
  unrendered?: Dict;
  /** with its `doc()` calls carried out */
  description: string;
  /** ids of docs blocks that the descriptions use */
  docBlocks?: string[];
  /** ids of resources: sources first, then nodes in the order of their first reference */
  dependsOn: string[];
}

/** A `ref` or `source` call, with its place for errors. */
export interface Reference {
  kind: 'ref' | 'source';
  /** `['orders']`, `['package', 'orders']` or `['source', 'table']` */
  path: string[];
  /** of a ref to one version of a model */
  version?: string;
  where: Position;
}

/** dbt's constraint of a column or a model, as written. */
export interface Constraint {
  type: string;
  name?: string;
  expression?: string;
  columns?: string[];
  to?: string;
  to_columns?: string[];
  warn_unsupported?: boolean;
  warn_unenforced?: boolean;
}

export interface ColumnProperties {
  name: string;
  description: string;
  tags: string[];
  meta: unknown;
  /** as written in YAML; contracts compare it */
  dataType?: string;
  quote?: boolean;
  /** of a column of a time spine */
  granularity?: string;
  constraints?: Constraint[];
  /** as the manifest keeps it */
  config?: Record<string, unknown>;
  /** ids of docs blocks that its description uses */
  docBlocks?: string[];
}

/** One version of a model. */
export interface ModelVersion {
  /** as written: `2`, `'2'` or `'beta'` all print alike */
  version: string | number;
  /** of the model, when this is not it */
  latest: string | number;
}

/** What runs, or can be compiled: models, seeds, snapshots, tests, analyses, and hooks of a whole run (operations). */
export interface Node extends Resource {
  kind: 'model' | 'seed' | 'snapshot' | 'test' | 'unit_test' | 'analysis' | 'operation';
  language: 'sql' | 'python' | 'csv';
  /** the template, unless it is a CSV */
  template: Template | null;
  raw: string;
  columns: ColumnProperties[];
  references: Reference[];
  /** where the result is read; tests have none unless they store failures; analyses and operations have none */
  relation: RelationName | null;
  /** dbt's `database`, `schema` and `alias`, which every node has */
  names?: { database: string; schema: string; alias: string };
  test?: TestDefinition;
  unit?: UnitTest;
  /** path of a seed's CSV on this machine */
  absolute?: string;
  version?: ModelVersion;
  /** model-level */
  constraints?: Constraint[];
  access?: 'private' | 'protected' | 'public';
  group?: string | null;
  /** `package://models/schema.yml` of the file that describes it */
  patch?: string;
  deprecation?: string | null;
  /** of a model that is a time spine */
  timeSpine?: Record<string, unknown>;
  /** ids of macros its template called while it was read */
  macros?: string[];
  /** of an operation: where in the run it stands */
  hook?: { on: 'start' | 'end'; index: number };
}

export interface TestDefinition {
  /** the generic test's name and package; null for a test that is a file of its own */
  generic: { name: string; namespace: string | null } | null;
  /** arguments as written in YAML, rendered when it runs */
  kwargs: Record<string, unknown>;
  column: string | null;
  /** id of the node or source it is attached to, for a generic test */
  attached: string | null;
  where: Position;
}

/** Rows of a unit test: as dicts, CSV text, a query, or a fixture file already read into one of them. */
export interface UnitRows {
  format: 'dict' | 'csv' | 'sql';
  rows: Record<string, unknown>[] | string;
  /** name of the fixture file they come from */
  fixture?: string;
}

export interface UnitTest {
  /** id of the model under test */
  model: string;
  /** as written: the model's name */
  modelName: string;
  /** of the model, when it has versions */
  version: string | number | null;
  versions: { include?: (string | number)[]; exclude?: (string | number)[] } | null;
  given: ({ input: string } & UnitRows)[];
  expect: UnitRows;
  overrides: {
    macros: Record<string, unknown>;
    vars: Record<string, unknown>;
    envVars: Record<string, unknown>;
  };
  where: Position;
}

export interface SourceTable extends Resource {
  kind: 'source';
  source: string;
  relation: RelationName;
  columns: ColumnProperties[];
  sourceDescription: string;
  loader: string;
  /** rendered SQL expressions and limits; null where none are set */
  freshness: SourceFreshness | null;
  loadedAtField: string | null;
  loadedAtQuery: string | null;
  quoting: Record<string, boolean>;
  sourceMeta: Record<string, unknown>;
  /** as written: location, partitions and the like of packages for external tables */
  external?: Record<string, unknown> | null;
  /** the file that overrides it, when a package's source is overridden */
  patch?: string;
}

export interface SourceFreshness {
  warnAfter: { count: number; period: 'minute' | 'hour' | 'day' } | null;
  errorAfter: { count: number; period: 'minute' | 'hour' | 'day' } | null;
  filter: string | null;
}

export interface Exposure extends Resource {
  kind: 'exposure';
  references: Reference[];
  /** `[name]` or `[package, name]` of its metrics */
  metrics: string[][];
  /** the entry as written and rendered: label, type, owner, url, maturity */
  definition: Record<string, unknown>;
}

/** Parsed for the graph and the manifest; nothing is computed from them. */
export interface Semantic extends Resource {
  kind: 'metric' | 'semantic_model' | 'saved_query';
  references: Reference[];
  definition: Record<string, unknown>;
  /** metrics that it is made of, or asks for: their names */
  metrics: string[];
  group?: string | null;
}

/** What a property file says about a macro. */
export interface MacroProperties {
  id: string;
  name: string;
  package: string;
  description: string;
  meta: Record<string, unknown>;
  docs: Record<string, unknown>;
  arguments: Record<string, unknown>[];
  patch: string;
}

export interface Group {
  id: string;
  name: string;
  package: string;
  file: string;
  /** below its models folder */
  path: string;
  owner: Record<string, unknown>;
  description: string;
  config: Record<string, unknown>;
}

export interface DocsBlock {
  id: string;
  name: string;
  package: string;
  file: string;
  /** below its folder */
  path: string;
  text: string;
}

/** What a project comes to, for one set of variables and one target. */
export interface Manifest {
  project: string;
  nodes: Map<string, Node>;
  sources: Map<string, SourceTable>;
  exposures: Map<string, Exposure>;
  /** metrics, semantic models and saved queries */
  semantics: Map<string, Semantic>;
  groups: Map<string, Group>;
  docs: Map<string, DocsBlock>;
  /** descriptions of macros, by id */
  macros: Map<string, MacroProperties>;
  /** what exists but is switched off, by id */
  disabled: Map<string, Resource>;
  /** id -> ids of what reads it */
  children: Map<string, string[]>;
  /** what a reader should know though nothing is wrong enough to stop */
  warnings: string[];
}

/** Anything in the graph by its id. */
export const resource = (manifest: Manifest, id: string): Resource | undefined =>
  manifest.nodes.get(id) ??
  manifest.sources.get(id) ??
  manifest.exposures.get(id) ??
  manifest.semantics.get(id);

/** Everything in the graph. */
export function* resources(manifest: Manifest): Iterable<Resource> {
  yield* manifest.nodes.values();
  yield* manifest.sources.values();
  yield* manifest.exposures.values();
  yield* manifest.semantics.values();
}

export const materialization = (node: Node): string => str(node.config.get('materialized') ?? 'view');

/** the model's columns and types are promised, and checked before it is built */
export function hasContract(node: Node): boolean {
  const contract = node.config.get('contract');
  return contract instanceof Map && truthy(contract.get('enforced') ?? false);
}
