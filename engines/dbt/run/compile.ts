import { MillraceError } from '../../../schemas/errors.js';
import type { RelationName, Session } from '../../warehouse/port.js';
import { ConfigObject } from '../context/config-object.js';
import type { Environment } from '../context/environment.js';
import { NodeContext, type NodeHost } from '../context/node-context.js';
import { renderWithQueries, type Queries } from '../context/queries.js';
import { Relation } from '../context/relation.js';
import { isEphemeral } from '../graph.js';
import type { Site } from '../jinja/ast.js';
import { JinjaFault } from '../jinja/fault.js';
import { render } from '../jinja/render.js';
import { str, toPlain, type Dict, type Value } from '../jinja/values.js';
import { materialization, type Node } from '../manifest.js';
import { renderKwargs } from '../parse/generic-test.js';
import { renderNative } from '../parse/native.js';
import { nodeDict } from '../parse/naming.js';
import { findRef, findSource, notFound } from '../parse/references.js';
import { injectTables, type CommonTable } from './inject.js';

/** Relations that stand in for others, by node id: a test reads the rows that are not published yet. */
export type Substitutes = ReadonlyMap<string, RelationName>;
const NONE: Substitutes = new Map();

/**
 * Renders nodes to the SQL the warehouse runs.
 *
 * Every method throws MillraceError JinjaError, RefNotFound, and SqlError for a query in the middle of a template.
 */
export class Compiler {
  constructor(
    private readonly environment: Environment,
    private readonly session: Session,
    private readonly signal?: AbortSignal,
  ) {}

  /** @returns the query of a model, or of a test without its counting */
  async compile(node: Node, substitutes: Substitutes = NONE): Promise<string> {
    const tables = new Map<string, CommonTable>();
    const sql = await this.expand(node, substitutes, tables, true);
    return injectTables(sql, [...tables.values()]);
  }

  /** The query that counts a test's failures: one row of `failures`, `should_warn`, `should_error`. */
  async compileTest(node: Node, substitutes: Substitutes = NONE): Promise<string> {
    const main = await this.compile(node, substitutes);
    return this.rendered(node, substitutes, (context) => {
      const setting = (name: string, fallback: Value): Value => node.config.get(name) ?? fallback;
      const macro = context.macro('get_test_sql');
      if (!macro) throw new JinjaFault("There is no macro 'get_test_sql'");
      const args = [
        trimmed(main),
        setting('fail_calc', 'count(*)'),
        setting('warn_if', '!= 0'),
        setting('error_if', '!= 0'),
        setting('limit', null),
      ];
      return str(macro.call(args, {}, { file: node.file, line: 1, column: 1 }));
    });
  }

  /** Renders one node; the ephemeral models it reads are put into `tables`, each after those it reads itself. */
  private async expand(
    node: Node,
    substitutes: Substitutes,
    tables: Map<string, CommonTable>,
    outermost: boolean,
  ): Promise<string> {
    const used = new Set<Node>();
    const sql = await this.rendered(node, substitutes, (context) => this.query(node, context), used);
    for (const ephemeral of used) {
      if (tables.has(ephemeral.id)) continue;
      const inner = await this.expand(ephemeral, substitutes, tables, false);
      tables.set(ephemeral.id, { name: cteName(ephemeral), sql: trimmed(inner) });
    }
    return outermost ? trimmed(sql) : sql;
  }

  private query(node: Node, context: NodeContext): string {
    if (node.template) return render(node.template, context.root());
    const { test } = node;
    if (!test?.generic) throw new JinjaFault(`${node.id} has no SQL`);
    const { name, namespace } = test.generic;
    const macro =
      namespace === null ? context.macro(`test_${name}`) : context.macroIn(namespace, `test_${name}`);
    if (!macro) throw new JinjaFault(`There is no generic test '${name}'`);
    const kwargs = renderKwargs(test.kwargs, (text) => renderNative(text, context.root(), node.file));
    const { file = node.file, line = 1, column = 1 } = test.where;
    return str(macro.call([], kwargs, { file, line, column }));
  }

  private async rendered(
    node: Node,
    substitutes: Substitutes,
    work: (context: NodeContext) => string,
    used: Set<Node> = new Set(),
  ): Promise<string> {
    try {
      return await renderWithQueries(
        (queries) => {
          used.clear();
          return work(new NodeContext(this.environment, this.host(node, queries, substitutes, used)));
        },
        this.session,
        { signal: this.signal },
      );
    } catch (cause) {
      throw cause instanceof JinjaFault ? cause.toError() : cause;
    }
  }

  private host(node: Node, queries: Queries, substitutes: Substitutes, used: Set<Node>): NodeHost {
    const { manifest, target } = this.environment;
    const relation = (name: RelationName, type: string | null): Relation =>
      new Relation({ database: target.database, schema: name.schema, identifier: name.name, type });
    const ref = (path: string[], where: Site): Value => {
      const found = findRef(manifest, path, node.package);
      if (!found) throw notFound(manifest, node, { kind: 'ref', path, where });
      if (!node.dependsOn.includes(found.id)) throw unseen(node, found.id, where);
      if (isEphemeral(found)) {
        used.add(found);
        return Relation.cte(cteName(found));
      }
      const type = materialization(found) === 'view' ? 'view' : 'table';
      return relation(substitutes.get(found.id) ?? (found.relation as RelationName), type);
    };
    const source = (path: string[], where: Site): Value => {
      const found = findSource(manifest, path, node.package);
      if (!found) throw notFound(manifest, node, { kind: 'source', path, where });
      if (!node.dependsOn.includes(found.id)) throw unseen(node, found.id, where);
      return relation(found.relation, null);
    };
    return {
      package: node.package,
      ref,
      source,
      config: new ConfigObject(() => node.config, null),
      this: () => (node.relation ? relation(node.relation, materialization(node)) : null),
      model: () => nodeDict(node, this.environment),
      graph: () => this.graph(),
      queries,
    };
  }

  private graph(): Dict {
    const { manifest } = this.environment;
    return new Map<Value, Value>([
      ['nodes', new Map([...manifest.nodes].map(([id, node]) => [id, nodeDict(node, this.environment)]))],
      [
        'sources',
        new Map(
          [...manifest.sources].map(([id, { source, name, relation }]): [string, Value] => [
            id,
            new Map<Value, Value>([
              ['unique_id', id],
              ['source_name', source],
              ['name', name],
              ['schema', relation.schema],
              ['identifier', relation.name],
            ]),
          ]),
        ),
      ],
      ['exposures', new Map()],
      ['metrics', new Map()],
    ]);
  }
}

const cteName = (node: Node): string => `__dbt__cte__${node.name}`;

/** a query that ends in `;` could not stand inside another statement */
const trimmed = (sql: string): string => sql.trim().replace(/(?:\s*;)+$/, '');

const unseen = (node: Node, id: string, where: Site): MillraceError =>
  new MillraceError('RefNotFound', {
    what: `${node.id} reads ${id} only when it runs, so the graph does not know of it`,
    where,
    fix: `Add a comment to the model: -- depends_on: {{ ref('${id.split('.').at(-1)}') }}`,
  });

/** Config as plain data, for keys. */
export const plainConfig = (config: Dict, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    names.flatMap((name) => (config.has(name) ? [[name, toPlain(config.get(name) ?? null)]] : [])),
  );
