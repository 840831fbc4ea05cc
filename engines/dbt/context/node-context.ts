import { Arguments } from '../jinja/arguments.js';
import type { Site } from '../jinja/ast.js';
import { MacroObject } from '../jinja/render.js';
import { Scope, type Globals } from '../jinja/scope.js';
import {
  fromPlain,
  Module,
  PyObject,
  str,
  truthy,
  tuple,
  type Dict,
  type JinjaFunction,
  type Value,
} from '../jinja/values.js';
import type { MacroSet } from '../macros.js';
import { adapterObject } from './adapter.js';
import { Column } from './column.js';
import type { ConfigObject } from './config-object.js';
import { varsFor, type Environment } from './environment.js';
import { commonFunctions, varFunction } from './functions.js';
import { DateTime } from './datetime.js';
import { modules } from './modules.js';
import type { Queries } from './queries.js';
import { Relation } from './relation.js';
import { Table } from './table.js';

/** What differs between reading a node and running it. */
export interface NodeHost {
  package: string;
  ref(path: string[], site: Site): Value;
  source(path: string[], site: Site): Value;
  config: ConfigObject;
  this(): Relation | null;
  /** `model`, the node as a dict */
  model(): Dict | null;
  /** `graph`; only asked for while running */
  graph(): Dict;
  /** null while the project is read */
  queries: Queries | null;
}

/** The names a template of one node can use. A fresh one is made for every rendering: it holds its state. */
export class NodeContext implements Globals {
  readonly lenient: boolean;
  /** what the template logged */
  readonly logs: string[] = [];
  private readonly fixed: Record<string, Value>;
  private readonly results = new Map<string, Value>();
  private readonly bound = new Map<string, MacroObject>();
  private readonly scope: Scope;

  constructor(
    private readonly environment: Environment,
    private readonly host: NodeHost,
    private readonly extra: Record<string, Value> = {},
  ) {
    this.lenient = host.queries === null;
    this.scope = new Scope(this);
    this.fixed = this.build();
  }

  /** the scope that a template of this node begins in */
  root(): Scope {
    return this.scope.inner();
  }

  get(name: string): Value | undefined {
    const extra = this.extra[name];
    if (extra !== undefined) return extra;
    const { macros } = this.environment;
    const macro = macros.find(name, this.host.package);
    if (macro) return this.bind(macro);
    if (Object.hasOwn(this.fixed, name)) return this.fixed[name];
    const lazy = LAZY[name];
    if (lazy) return (this.fixed[name] = lazy(this.environment, this.host));
    if (macros.has(name))
      return (this.fixed[name] = new MacroPackage(name, macros, (found) => this.bind(found)));
    return undefined;
  }

  *names(): Iterable<string> {
    yield* Object.keys(this.fixed);
    yield* Object.keys(LAZY);
    yield* this.environment.macros.names();
    yield* this.environment.macros.packageNames();
  }

  macro(name: string): MacroObject | undefined {
    const macro = this.environment.macros.find(name, this.host.package);
    return macro && this.bind(macro);
  }

  macroIn(packageName: string, name: string): MacroObject | undefined {
    const macro = this.environment.macros.in(packageName, name);
    return macro && this.bind(macro);
  }

  private bind(macro: MacroObject['macro']): MacroObject {
    const key = `${macro.site.file}:${macro.site.line}:${macro.name}`;
    let object = this.bound.get(key);
    if (!object) this.bound.set(key, (object = new MacroObject(macro, this.scope)));
    return object;
  }

  private build(): Record<string, Value> {
    const { environment, host } = this;
    const { macros, target, run } = environment;
    const common = commonFunctions((line) => this.logs.push(line), environment.env);
    const ref: JinjaFunction = (args, kwargs, site) => {
      if (kwargs['v'] !== undefined || kwargs['version'] !== undefined)
        return host.ref([...args.map(str), `v=${str(kwargs['v'] ?? kwargs['version'] ?? null)}`], site);
      return host.ref(args.map(str), site);
    };
    const source: JinjaFunction = (args, _kwargs, site) => host.source(args.map(str), site);
    return {
      ...common,
      context: null,
      execute: host.queries !== null,
      var: varFunction(varsFor(environment, host.package)),
      ref,
      source,
      config: host.config,
      builtins: new Module('builtins', { ref, source, config: host.config }),
      target: fromPlain({ ...target, profile_name: 'millrace', warehouse: null, user: null }),
      schema: target.schema,
      database: target.database,
      project_name: macros.root,
      invocation_id: run.run,
      interval_start: run.interval.start,
      interval_end: run.interval.end,
      adapter: adapterObject({
        queries: host.queries,
        database: target.database,
        type: target.type,
        dispatch: (name, namespace) => {
          const found = macros.dispatch(name, namespace, host.package);
          return found && this.bind(found);
        },
        macroNames: () => macros.names(),
      }),
      statement: (args, kwargs) => this.statement(args, kwargs),
      run_query: (args) => this.ask(str(args[0] ?? '')),
      load_result: (args) => this.results.get(str(args[0] ?? '')) ?? null,
      store_result: (args, kwargs) => {
        const given = new Arguments('store_result()', args, kwargs);
        const table = given.value(2, 'agate_table', null);
        this.results.set(given.text(0, 'name'), result(table));
        return '';
      },
      load_relation: (args, kwargs, site) => {
        const load = (this.fixed['adapter'] as Module).attribute('load_relation');
        return typeof load === 'function' ? load(args, kwargs, site) : null;
      },
      submit_python_job: null,
    };
  }

  private ask(sql: string): Value {
    return this.host.queries ? Table.of(this.host.queries.query(sql)) : null;
  }

  private statement(args: Value[], kwargs: Record<string, Value>): Value {
    const given = new Arguments('statement()', args, kwargs);
    const caller = kwargs['caller'];
    const sql =
      caller instanceof PyObject && caller.call
        ? str(caller.call([], {}, { file: '', line: 0, column: 0 }))
        : '';
    if (!this.host.queries) return '';
    const table = this.ask(sql);
    const name = given.optionalText(0, 'name');
    if (name !== null) this.results.set(name, result(given.flag(1, 'fetch_result') ? table : null));
    return '';
  }
}

/** what `load_result` gives: the rows both as an agate table and as plain lists */
function result(table: Value): Dict {
  const rows = table instanceof Table ? table.rows.map(({ cells }) => tuple(...cells)) : [];
  return new Map<Value, Value>([
    ['response', new Map<Value, Value>([['rows_affected', rows.length]])],
    ['data', rows],
    ['table', table],
  ]);
}

/** `package.macro` */
class MacroPackage extends PyObject {
  readonly typeName = 'MacroNamespace';
  constructor(
    private readonly name: string,
    private readonly macros: MacroSet,
    private readonly bind: (macro: MacroObject['macro']) => MacroObject,
  ) {
    super();
  }
  override attribute(name: string): Value | undefined {
    const macro = this.macros.in(this.name, name);
    return macro && this.bind(macro);
  }
  override truthy(): boolean {
    return true;
  }
  override toString(): string {
    return `<macros of ${this.name}>`;
  }
}

/** made when a template first asks for them */
const LAZY: Record<string, (environment: Environment, host: NodeHost) => Value> = {
  this: (_environment, host) => host.this(),
  model: (_environment, host) => host.model(),
  graph: (_environment, host) => host.graph(),
  api: () =>
    new Module('api', {
      Relation: new Module('Relation', { create: (args, kwargs) => Relation.fromArguments(args, kwargs) }),
      Column: new ColumnClass(),
    }),
  modules: (environment) => modules(environment.run.startedAt),
  run_started_at: (environment) => DateTime.fromIso(environment.run.startedAt),
  flags: () =>
    new Module('flags', {
      FULL_REFRESH: false,
      STORE_FAILURES: false,
      WHICH: 'build',
      EMPTY: false,
      WARN_ERROR: false,
    }),
  selected_resources: () => [],
};

class ColumnClass extends PyObject {
  readonly typeName = 'type';
  override call(args: Value[]): Value {
    return new Column(str(args[0] ?? ''), str(args[1] ?? ''));
  }
  override attribute(name: string): Value | undefined {
    if (name === 'translate_type')
      return (args) => TYPE_NAMES[str(args[0] ?? '').toLowerCase()] ?? str(args[0] ?? '');
    if (name === 'create') return (args) => this.call(args);
    return undefined;
  }
  override toString(): string {
    return "<class 'Column'>";
  }
}
const TYPE_NAMES: Record<string, string> = {
  string: 'TEXT',
  timestamp: 'TIMESTAMP',
  float: 'FLOAT',
  integer: 'INT',
  boolean: 'BOOLEAN',
};

export const isTrue = (config: Dict, name: string, fallback: boolean): boolean => {
  const value = config.get(name);
  return value === undefined || value === null ? fallback : truthy(value);
};
