import { nodeDict } from '../artifacts/node-dict.js';
import { NodeContext, type NodeHost } from '../context/node-context.js';
import type { Environment } from '../context/environment.js';
import { ConfigObject } from '../context/config-object.js';
import { JinjaFault } from '../jinja/fault.js';
import { str, type Dict, type Value } from '../jinja/values.js';
import { BUILT_IN } from '../macros.js';
import type { Node } from '../manifest.js';

type Part = 'database' | 'schema' | 'alias';
type Names = NonNullable<Node['names']>;

/** Gives nodes their place in the warehouse, by `generate_database_name`, `generate_schema_name` and `generate_alias_name`. */
export class Namer {
  /** by package and part: whether somebody has written such a macro */
  private readonly custom = new Map<string, boolean>();

  /** the node last asked about, as macros are given it: three of them are asked about one node */
  private described: { node: Node; dict: Dict } | undefined;

  constructor(private readonly environment: Environment) {}

  /** @throws MillraceError JinjaError */
  name(node: Node): void {
    try {
      node.names = this.names(node);
    } catch (cause) {
      throw cause instanceof JinjaFault ? cause.toError() : cause;
    }
  }

  private names(node: Node): Names {
    const { target } = this.environment;
    const text = (key: string): string | null => {
      const value = node.config.get(key);
      return value === undefined || value === null || value === '' ? null : str(value).trim();
    };
    const [database, schema, alias] = [text('database'), text('schema'), text('alias')];
    const names: Names = {
      database: this.isCustom('database', node)
        ? this.generate('database', database, node)
        : (database ?? target.database),
      schema: this.isCustom('schema', node)
        ? this.generate('schema', schema, node)
        : schema === null
          ? target.schema
          : `${target.schema}_${schema}`,
      alias: this.isCustom('alias', node)
        ? this.generate('alias', alias, node)
        : (alias ?? (node.version ? versionedName(node) : node.name)),
    };
    if (node.kind === 'snapshot') {
      names.database = text('target_database') ?? names.database;
      names.schema = text('target_schema') ?? names.schema;
    }
    return names;
  }

  /** A package's own macro names its own nodes; else the project's counts, else dbt's. */
  private owners(node: Node): string[] {
    return [...new Set([node.package, this.environment.macros.root, BUILT_IN])];
  }

  private isCustom(part: Part, node: Node): boolean {
    const key = `${part}.${node.package}`;
    let known = this.custom.get(key);
    if (known === undefined) {
      const { macros, target, packages } = this.environment;
      const name = `generate_${part}_name`;
      known =
        this.owners(node).some((owner) => owner !== BUILT_IN && macros.in(owner, name) !== undefined) ||
        packages.some((owner) =>
          ['default__', `${target.type}__`].some((prefix) => macros.in(owner.name, prefix + name)),
        );
      this.custom.set(key, known);
    }
    return known;
  }

  private generate(part: Part, given: Value, node: Node): string {
    if (this.described?.node !== node) this.described = { node, dict: nodeDict(node, this.environment) };
    const context = new NodeContext(this.environment, namingHost(this.environment, node));
    const name = `generate_${part}_name`;
    const owner = this.owners(node).find((each) => this.environment.macros.in(each, name));
    const macro = owner === undefined ? undefined : context.macroIn(owner, name);
    if (!macro) throw new JinjaFault(`There is no macro '${name}'`);
    const where = { file: node.file, line: 1, column: 1 };
    return str(macro.call([given, this.described.dict], {}, where)).trim();
  }
}

const versionedName = ({ name, version }: Node): string =>
  `${name}_v${String(version?.version).replaceAll('.', '_')}`;

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
