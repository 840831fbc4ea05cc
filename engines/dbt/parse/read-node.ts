import { nodeDict } from '../artifacts/node-dict.js';
import { ConfigObject } from '../context/config-object.js';
import type { Environment } from '../context/environment.js';
import { NodeContext, type NodeHost } from '../context/node-context.js';
import { Relation } from '../context/relation.js';
import type { Site } from '../jinja/ast.js';
import { JinjaFault } from '../jinja/fault.js';
import type { Dict, Value } from '../jinja/values.js';
import type { Node, Reference } from '../manifest.js';
import { collectConfig, mergeConfig } from './config.js';
import { splitVersion } from './lookup.js';

/** What a template said about itself while it was rendered without a warehouse. */
export interface Reading {
  references: Reference[];
  /** what `config()` set */
  config: Dict;
  /** ids of the macros it called */
  macros: string[];
}

/**
 * Renders a node once without a warehouse, to learn what it refers to and how it is configured.
 *
 * @throws MillraceError JinjaError, or what the context throws
 */
export function readNode(
  environment: Environment,
  node: Node,
  render: (context: NodeContext) => void,
): Reading {
  const given: Dict = new Map();
  const references: Reference[] = [];
  const macros = new Set<string>();
  const current = (): Dict => {
    const merged: Dict = new Map(node.config);
    mergeConfig(merged, given);
    return merged;
  };
  const placeholder = (identifier: string): Relation =>
    new Relation({ database: environment.target.database, schema: environment.target.schema, identifier });
  const record =
    (kind: 'ref' | 'source', least: number) =>
    (called: string[], site: Site): Value => {
      const { path, version } = splitVersion(called);
      if (path.length < least || path.length > 2)
        throw new JinjaFault(
          kind === 'ref'
            ? 'ref() takes a model, or a package and a model'
            : 'source() takes a source and a table',
          site,
        );
      references.push({ kind, path, ...(version !== undefined && { version }), where: site });
      return placeholder(path.at(-1) ?? '');
    };
  const context = new NodeContext(environment, {
    package: node.package,
    ref: record('ref', 1),
    source: record('source', 2),
    config: new ConfigObject(current, (more) => collectConfig(given, more)),
    this: () => placeholder(node.name),
    model: () => nodeDict({ ...node, config: current() }, environment),
    graph: () => new Map(),
    queries: null,
    lenientVars: true,
    called: (macro) => macros.add(macro),
  });
  try {
    render(context);
  } catch (cause) {
    throw cause instanceof JinjaFault ? cause.toError() : cause;
  }
  return { references, config: given, macros: [...macros] };
}

/** A context for values of YAML files: variables, environment and target, and no nodes. */
export const yamlContext = (environment: Environment, packageName: string): NodeContext =>
  new NodeContext(environment, yamlHost(packageName));

export function yamlHost(packageName: string): NodeHost {
  const none = (_path: string[], site: Site): never => {
    throw new JinjaFault('ref() and source() mean nothing here', site);
  };
  return {
    package: packageName,
    ref: none,
    source: none,
    config: new ConfigObject(() => new Map(), null),
    this: () => null,
    model: () => null,
    graph: () => new Map(),
    queries: null,
  };
}
