import { MillraceError } from '../../../schemas/errors.js';
import type { RelationName, Session } from '../../warehouse/port.js';
import { graphDict } from '../artifacts/manifest.js';
import { modelDict } from '../artifacts/node-dict.js';
import { isBuiltIn } from '../builtin/all.js';
import { ConfigObject } from '../context/config-object.js';
import type { Environment } from '../context/environment.js';
import { NodeContext, type NodeHost } from '../context/node-context.js';
import { renderWithQueries, type Queries } from '../context/queries.js';
import { Relation } from '../context/relation.js';
import { isEphemeral } from '../graph.js';
import type { Site } from '../jinja/ast.js';
import { JinjaFault } from '../jinja/fault.js';
import { render } from '../jinja/render.js';
import { str, toPlain, type Dict, type Kwargs, type PyObject, type Value } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { renderKwargs } from '../parse/generic-test.js';
import { renderNative } from '../parse/native.js';
import { snowflakeToDuckDb } from '../transpile.js';
import { findRef, findSource, notFound } from '../parse/references.js';
import { templateOf } from '../parse/templates.js';
import { batchDict, FilteredRelation, type Batch } from './filtered-relation.js';
import { resolveForeignKeys } from './foreign-keys.js';
import { injectTables, type CommonTable } from './inject.js';

/**
 * Relations that stand in for others, by node id: a test reads the rows that are not published yet. A node's own id
 * says what `this` is.
 */
export type Substitutes = ReadonlyMap<string, RelationName>;

/** What differs from the usual rendering of a node. */
export interface Rendering {
  substitutes?: Substitutes | undefined;
  /** names that win over all others */
  names?: Readonly<Record<string, Value>> | undefined;
  /** the part of a microbatch model that is built: inputs with an event time are cut to it */
  batch?: Batch | undefined;
  /** `model.compiled_code`, once there is one */
  compiled?: string | undefined;
}

/** A macro by its name, by its package and name, or one that another macro gave. */
export type MacroName = string | PyObject;

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
  async compile(node: Node, substitutes?: Substitutes, rendering: Rendering = {}): Promise<string> {
    const tables = new Map<string, CommonTable>();
    const sql = await this.expand(node, { substitutes, ...rendering }, tables, true);
    return this.inDialect(node, injectTables(sql, [...tables.values()]));
  }

  /** `+sql_dialect: snowflake` says that a node is written for Snowflake: on DuckDB its SQL is written anew. */
  private async inDialect(node: Node, sql: string): Promise<string> {
    const written = node.config.get('sql_dialect');
    if (written !== 'snowflake' || this.environment.target.type !== 'duckdb' || sql.trim() === '') return sql;
    try {
      return await snowflakeToDuckDb(sql, this.session);
    } catch (cause) {
      throw cause instanceof MillraceError ? cause.at({ file: node.file, line: 1 }) : cause;
    }
  }

  /** The query that counts a test's failures: one row of `failures`, `should_warn`, `should_error`. */
  async compileTest(node: Node, substitutes?: Substitutes): Promise<string> {
    const main = await this.compile(node, substitutes);
    const setting = (name: string, fallback: Value): Value => node.config.get(name) ?? fallback;
    const args = [
      trimmed(main),
      setting('fail_calc', 'count(*)'),
      setting('warn_if', '!= 0'),
      setting('error_if', '!= 0'),
      setting('limit', null),
    ];
    return str(await this.call(node, 'get_test_sql', args, { substitutes }));
  }

  /** Calls a macro as a node's template would. @returns its text, or what it returned */
  call(
    node: Node,
    macro: MacroName,
    args: Value[] = [],
    { kwargs = {}, ...rendering }: Rendering & { kwargs?: Kwargs } = {},
  ): Promise<Value> {
    return this.rendered(node, rendering, (context) => {
      const found = typeof macro === 'string' ? context.macro(macro) : macro;
      if (!found?.call) throw new JinjaFault(`There is no macro '${str(macro)}'`);
      return found.call(args, kwargs, { file: node.file, line: 1, column: 1 });
    });
  }

  /** Renders a text that belongs to a node, such as a hook. */
  text(node: Node, text: string, rendering: Rendering = {}): Promise<string> {
    const template = templateOf(text, node.file);
    return this.rendered(node, rendering, (context) => render(template, context.root()));
  }

  /**
   * Does anything in a node's context. Work that asks the warehouse is begun again after each answer, so it must have no
   * effect of its own.
   */
  async rendered<T>(
    node: Node,
    rendering: Rendering,
    work: (context: NodeContext) => T,
    used: Set<Node> = new Set(),
  ): Promise<T> {
    try {
      return await renderWithQueries(
        (queries) => {
          used.clear();
          return work(
            new NodeContext(this.environment, this.host(node, queries, rendering, used), rendering.names),
          );
        },
        this.session,
        { signal: this.signal, log: this.environment.log },
      );
    } catch (cause) {
      throw cause instanceof JinjaFault ? cause.toError(isBuiltIn) : cause;
    }
  }

  /** Renders one node; the ephemeral models it reads are put into `tables`, each after those it reads itself. */
  private async expand(
    node: Node,
    rendering: Rendering,
    tables: Map<string, CommonTable>,
    outermost: boolean,
  ): Promise<string> {
    const used = new Set<Node>();
    const sql = await this.rendered(node, rendering, (context) => this.query(node, context), used);
    const { substitutes } = rendering;
    for (const ephemeral of inOrder(node, used)) {
      if (tables.has(ephemeral.id)) continue;
      const inner = await this.expand(ephemeral, { substitutes }, tables, false).catch((cause: unknown) => {
        throw new EphemeralFailed(ephemeral, cause);
      });
      tables.set(ephemeral.id, { name: cteName(ephemeral), sql: inner });
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

  private host(node: Node, queries: Queries, rendering: Rendering, used: Set<Node>): NodeHost {
    const { manifest, target, invocation } = this.environment;
    const { substitutes, batch, compiled } = rendering;
    const limit = invocation.flags.empty === true ? 0 : null;
    const part = (relation: Relation, filter: string | null): Relation =>
      limit === null && filter === null
        ? relation
        : new FilteredRelation(relation, limit, filter, target.type === 'postgres');
    const input = (name: RelationName, config: Dict): Relation => {
      const eventTime = batch && config.get('event_time');
      const filter = eventTime ? batch.filter(str(eventTime)) : null;
      return part(relationObject(name, null, target), filter);
    };
    const ref = (path: string[], where: Site): Value => {
      const found = findRef(manifest, path, node.package);
      if (!found) throw notFound(manifest, node, { kind: 'ref', path, where });
      if (!mayRead(node, found.id)) throw unseen(node, found.id, where);
      if (isEphemeral(found)) {
        used.add(found);
        return part(Relation.cte(cteName(found)), null);
      }
      const name = substitutes?.get(found.id) ?? this.deferred(found, queries) ?? found.relation;
      return input(name as RelationName, found.config);
    };
    const source = (path: string[], where: Site): Value => {
      const found = findSource(manifest, path, node.package);
      if (!found) throw notFound(manifest, node, { kind: 'source', path, where });
      if (!mayRead(node, found.id)) throw unseen(node, found.id, where);
      return input(found.relation, found.config);
    };
    const self = substitutes?.get(node.id) ?? node.relation;
    return {
      package: node.package,
      ref,
      source,
      config: new ConfigObject(() => node.config, null),
      this: () => self && relationObject(self, null, target),
      model: () => {
        const model = modelDict(node, this.environment);
        if (compiled !== undefined) {
          model.set('compiled_code', compiled);
          model.set('compiled_sql', compiled);
          model.set('compiled', true);
        }
        if (batch) model.set('batch', batchDict(batch));
        resolveForeignKeys(node, model, ({ kind, path, version }) => {
          const found = kind === 'ref' ? findRef(manifest, path, node.package, version) : null;
          if (!found?.relation) throw notFound(manifest, node, { kind, path, where: { file: node.file } });
          return relationObject(found.relation, null, target).toString();
        });
        return model;
      },
      graph: () => graphDict(this.environment),
      queries,
    };
  }

  /** Where another target's relation is read, for a node that is not selected and not there. */
  private deferred(node: Node, queries: Queries): RelationName | undefined {
    const { deferred, invocation } = this.environment;
    const other = deferred?.get(node.id);
    if (!other || !node.relation || invocation.flags.favorState) return other;
    const name = node.relation.name.toLowerCase();
    const there = queries.relations(node.relation).some((each) => each.name.toLowerCase() === name);
    return there ? undefined : other;
  }
}

/** An ephemeral model cannot be compiled: what reads it is skipped, as what is below any failure. */
export class EphemeralFailed extends Error {
  constructor(
    readonly node: Node,
    cause: unknown,
  ) {
    super(`${node.id} cannot be compiled: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** The relation of a name, as templates see it. */
export const relationObject = (
  name: RelationName,
  type: string | null,
  target: { database: string; type: string },
): Relation =>
  new Relation(
    { database: name.database ?? target.database, schema: name.schema, identifier: name.name, type },
    undefined,
    undefined,
    target.type,
  );

/** ephemeral models as the node refers to them, whichever of them its template used first */
const inOrder = (node: Node, used: ReadonlySet<Node>): Node[] =>
  [...used].sort((a, b) => node.dependsOn.indexOf(a.id) - node.dependsOn.indexOf(b.id));

/** after the alias where the model has one, so that an author can choose it */
const cteName = (node: Node): string => `__dbt__cte__${node.relation?.name ?? node.name}`;

/** A macro that is run by itself reads what it likes: it stands in no graph. */
const mayRead = (node: Node, id: string): boolean =>
  node.dependsOn.includes(id) || (node.kind === 'operation' && !node.hook);

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
