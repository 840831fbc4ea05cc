import type { Environment } from '../../engines/dbt/context/environment.js';
import type { Node } from '../../engines/dbt/manifest.js';
import { templateOf } from '../../engines/dbt/parse/templates.js';

/** A query of the command line as a node of the project: it may read everything. */
export function inlineNode({ manifest }: Environment, sql: string): Node {
  const name = 'inline_query';
  const file = `${name}.sql`;
  const id = `sql_operation.${manifest.project}.${name}`;
  const node: Node = {
    ...{ id, kind: 'analysis', name, package: manifest.project, file, path: file },
    ...{ language: 'sql', raw: sql, template: templateOf(sql, file), description: '' },
    fqn: [manifest.project, 'sql', name],
    config: new Map(),
    dependsOn: [...manifest.nodes.keys(), ...manifest.sources.keys()],
    ...{ columns: [], references: [], relation: null },
  };
  manifest.nodes.set(id, node);
  return node;
}
