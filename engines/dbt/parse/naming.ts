import type { RelationName } from '../../warehouse/port.js';
import { NodeContext, type NodeHost } from '../context/node-context.js';
import type { Environment } from '../context/environment.js';
import { ConfigObject } from '../context/config-object.js';
import { JinjaFault } from '../jinja/fault.js';
import { fromPlain, str, type Dict, type Value } from '../jinja/values.js';
import { BUILT_IN } from '../macros.js';
import type { Node } from '../manifest.js';

/** A node as templates see it: `model`, and what the naming macros are given. */
export function nodeDict(node: Node, environment: Environment): Dict {
  const made = fromPlain({
    unique_id: node.id,
    name: node.name,
    resource_type: node.kind,
    package_name: node.package,
    path: node.path,
    original_file_path: node.file,
    fqn: node.fqn,
    language: node.language,
    database: environment.target.database,
    schema: node.relation?.schema ?? environment.target.schema,
    alias: node.relation?.name ?? node.name,
    identifier: node.relation?.name ?? node.name,
    description: node.description,
    raw_code: node.raw,
    version: null,
    depends_on: { nodes: node.dependsOn, macros: [] },
    refs: node.references.flatMap(({ kind, path }) =>
      kind === 'ref' ? [{ name: path.at(-1), package: path.length > 1 ? path[0] : null, version: null }] : [],
    ),
    sources: node.references.flatMap(({ kind, path }) => (kind === 'source' ? [path] : [])),
    columns: Object.fromEntries(node.columns.map((column) => [column.name, column])),
  }) as Dict;
  made.set('config', node.config);
  made.set('tags', node.config.get('tags') ?? []);
  made.set('meta', node.config.get('meta') ?? new Map());
  return made;
}

const isOverridden = (environment: Environment, name: string): boolean =>
  environment.packages.some(({ name: owner }) =>
    ['', 'default__', `${environment.target.type}__`].some((prefix) =>
      environment.macros.in(owner, prefix + name),
    ),
  );

/** Where a node's relation goes, by `generate_schema_name` and `generate_alias_name`. */
export function nameRelation(environment: Environment, node: Node): RelationName {
  const { target, macros } = environment;
  const text = (key: string): string | null => {
    const value = node.config.get(key);
    return value === undefined || value === null ? null : str(value).trim();
  };
  const [schema, alias] = [text('schema'), text('alias')];
  const custom = {
    schema: isOverridden(environment, 'generate_schema_name'),
    alias: isOverridden(environment, 'generate_alias_name'),
  };
  let context: NodeContext | undefined;
  const generate = (name: string, given: Value): string => {
    context ??= new NodeContext(environment, namingHost(environment, node));
    // the project's own version counts, not that of the package a node comes from
    const macro = context.macroIn(macros.root, name) ?? context.macroIn(BUILT_IN, name);
    if (!macro) throw new JinjaFault(`There is no macro '${name}'`);
    return str(
      macro.call([given, nodeDict(node, environment)], {}, { file: node.file, line: 1, column: 1 }),
    ).trim();
  };
  return {
    schema: custom.schema
      ? generate('generate_schema_name', schema)
      : schema === null
        ? target.schema
        : `${target.schema}_${schema}`,
    name: custom.alias ? generate('generate_alias_name', alias) : (alias ?? node.name),
  };
}

function namingHost(environment: Environment, node: Node): NodeHost {
  const none = (): never => {
    throw new JinjaFault('ref() and source() mean nothing in a macro that names relations');
  };
  return {
    package: environment.macros.root,
    ref: none,
    source: none,
    config: new ConfigObject(() => node.config, null),
    this: () => null,
    model: () => nodeDict(node, environment),
    graph: () => new Map(),
    queries: null,
  };
}
