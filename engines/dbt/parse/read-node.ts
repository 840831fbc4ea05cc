import { ConfigObject } from '../context/config-object.js';
import type { Environment } from '../context/environment.js';
import { NodeContext } from '../context/node-context.js';
import { Relation } from '../context/relation.js';
import type { Site } from '../jinja/ast.js';
import { JinjaFault } from '../jinja/fault.js';
import type { Dict, Value } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { mergeConfig } from './config.js';
import { nodeDict } from './naming.js';

/**
 * Renders a node once without a warehouse, to learn what it refers to and how it is configured; both are put into the
 * node.
 *
 * @throws MillraceError JinjaError, or what the context throws
 */
export function readNode(environment: Environment, node: Node, render: (context: NodeContext) => void): void {
  const given: Dict = new Map();
  const current = (): Dict => {
    const merged: Dict = new Map(node.config);
    mergeConfig(merged, given);
    return merged;
  };
  const placeholder = (identifier: string): Relation =>
    new Relation({ database: environment.target.database, schema: environment.target.schema, identifier });
  const record =
    (kind: 'ref' | 'source', least: number) =>
    (path: string[], site: Site): Value => {
      if (path.length < least || path.length > 2)
        throw new JinjaFault(
          kind === 'ref'
            ? 'ref() takes a model, or a package and a model'
            : 'source() takes a source and a table',
          site,
        );
      node.references.push({ kind, path, where: site });
      return placeholder(path.at(-1) ?? '');
    };
  const context = new NodeContext(environment, {
    package: node.package,
    ref: record('ref', 1),
    source: record('source', 2),
    config: new ConfigObject(current, (more) => mergeConfig(given, more)),
    this: () => placeholder(node.name),
    model: () => nodeDict({ ...node, config: current() }, environment),
    graph: () => new Map(),
    queries: null,
  });
  try {
    render(context);
  } catch (cause) {
    throw cause instanceof JinjaFault ? cause.toError() : cause;
  }
  mergeConfig(node.config, given);
}

/** A context for values of YAML files: variables, environment and target, and no nodes. */
export function yamlContext(environment: Environment, packageName: string): NodeContext {
  const none = (_path: string[], site: Site): never => {
    throw new JinjaFault('ref() and source() mean nothing here', site);
  };
  return new NodeContext(environment, {
    package: packageName,
    ref: none,
    source: none,
    config: new ConfigObject(() => new Map(), null),
    this: () => null,
    model: () => null,
    graph: () => new Map(),
    queries: null,
  });
}
