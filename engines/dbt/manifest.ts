import type { Position } from '../../schemas/errors.js';
import type { RelationName } from '../warehouse/port.js';
import type { Template } from './jinja/ast.js';
import { str, type Dict, type Value } from './jinja/values.js';

/** A `ref` or `source` call, with its place for errors. */
export interface Reference {
  kind: 'ref' | 'source';
  /** `['orders']`, `['package', 'orders']` or `['source', 'table']` */
  path: string[];
  where: Position;
}

export interface ColumnProperties {
  name: string;
  description: string;
  tags: string[];
  meta: unknown;
}

export interface Node {
  /** dbt's unique_id */
  id: string;
  kind: 'model' | 'seed' | 'snapshot' | 'test';
  name: string;
  package: string;
  /** relative to the root project */
  file: string;
  /** below the folder it belongs to (`models/`), as selectors and `model.path` see it */
  path: string;
  fqn: string[];
  language: 'sql' | 'python' | 'csv';
  /** the template, unless it is a CSV */
  template: Template | null;
  raw: string;
  config: Dict;
  description: string;
  columns: ColumnProperties[];
  references: Reference[];
  /** ids of nodes and sources, in the order of their first reference */
  dependsOn: string[];
  /** where the result is read; tests have none */
  relation: RelationName | null;
  test?: TestDefinition;
  /** path of a seed's CSV on this machine */
  absolute?: string;
}

export interface TestDefinition {
  /** the generic test's name and package; null for a test that is a file of its own */
  generic: { name: string; namespace: string | null } | null;
  /** arguments as written in YAML, rendered when it runs */
  kwargs: Record<string, unknown>;
  column: string | null;
  /** id of the node it is attached to, for a generic test */
  attached: string | null;
  where: Position;
}

export interface SourceTable {
  id: string;
  source: string;
  name: string;
  package: string;
  file: string;
  fqn: string[];
  relation: RelationName;
  tags: string[];
  meta: Value;
  description: string;
}

/** What a project comes to, for one set of variables and one target. */
export interface Manifest {
  project: string;
  nodes: Map<string, Node>;
  sources: Map<string, SourceTable>;
  /** ids of nodes that exist but are switched off */
  disabled: Set<string>;
  /** id -> ids of nodes that read it */
  children: Map<string, string[]>;
  /** what a reader should know though nothing is wrong enough to stop */
  warnings: string[];
}

export const materialization = (node: Node): string => str(node.config.get('materialized') ?? 'view');
