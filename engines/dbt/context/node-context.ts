import { didYouMean } from '../../nearest.js';
import type { Macro, Site } from '../jinja/ast.js';
import { JinjaFault } from '../jinja/fault.js';
import { parseTemplate } from '../jinja/parser.js';
import { MacroObject, render } from '../jinja/render.js';
import { Scope, type Globals } from '../jinja/scope.js';
import {
  fromPlain,
  Module,
  PyObject,
  str,
  truthy,
  Undefined,
  type Dict,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';
import { BUILT_IN, macroId, ownerOf, type MacroSet } from '../macros.js';
import { adapterObject } from './adapter.js';
import { ColumnClass } from './column.js';
import type { ConfigObject } from './config-object.js';
import { ContextObject } from './context-object.js';
import { DateTime } from './datetime.js';
import { varsFor, type Environment } from './environment.js';
import { behaviorModule, flagsModule, invocationArguments } from './flags.js';
import { commonFunctions, varFunction } from './functions.js';
import { modules } from './modules.js';
import type { LogEntry, Queries } from './queries.js';
import { RelationClass, type Relation } from './relation.js';
import { statementResults } from './results.js';

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
  /** a variable without a value is None: while nodes are read, what a model needs may be missing */
  lenientVars?: boolean;
  /** told the id (`macro.package.name`) of each macro that the template itself calls or dispatches to */
  called?(macro: string): void;
}

/** The names a template of one node can use. A fresh one is made for every rendering: it holds its state. */
export class NodeContext implements Globals {
  readonly lenient: boolean;
  private readonly fixed: Record<string, Value>;
  private readonly bound = new Map<Macro, MacroObject>();
  private readonly scope: Scope;
  /** macros the template is inside of */
  private depth = 0;

  constructor(
    private readonly environment: Environment,
    private readonly host: NodeHost,
    private readonly extra: Readonly<Record<string, Value>> = {},
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
    const macro = macros.in(this.host.package, name) ?? macros.in(macros.root, name);
    if (macro) return this.bind(macro);
    if (macros.has(name)) return this.packageMacros(name);
    const builtIn = macros.find(name, this.host.package);
    if (builtIn) return this.bind(builtIn);
    if (Object.hasOwn(this.fixed, name)) return this.fixed[name];
    const lazy = Object.hasOwn(LAZY, name) ? LAZY[name] : undefined;
    return lazy && (this.fixed[name] = lazy(this.environment, this.host));
  }

  *names(): Iterable<string> {
    yield* Object.keys(this.extra);
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

  private bind(macro: Macro): MacroObject {
    let object = this.bound.get(macro);
    if (!object) {
      const owner = ownerOf(macro);
      const label = [this.environment.macros.root, BUILT_IN].includes(owner) ? macro.name : `${owner}.${macro.name}`;
      object = new MacroObject(macro, this.scope, (work) => this.inside(macro, work), label);
      this.bound.set(macro, object);
    }
    return object;
  }

  private inside<T>(macro: Macro, work: () => T): T {
    if (this.depth === 0) this.host.called?.(macroId(macro));
    this.depth++;
    try {
      return work();
    } finally {
      this.depth--;
    }
  }

  private packageMacros(name: string): Value {
    return new MacroPackage(name, this.environment.macros, this.lenient, this.extra, (found) => this.bind(found));
  }

  /** as dbt runs macros of its own accord: the project's version counts, not that of the node's package */
  private execute(name: string, args: Value[], kwargs: Kwargs = {}): Value {
    const { macros } = this.environment;
    const macro = macros.find(name, macros.root);
    if (macro) return this.bind(macro).call(args, kwargs, { file: '', line: 0, column: 0 });
    throw new JinjaFault(`There is no macro '${name}'`);
  }

  private build(): Record<string, Value> {
    const { environment, host } = this;
    const { macros, target, run, packages } = environment;
    const log = (entry: LogEntry): void => (host.queries ? host.queries.log(entry) : environment.log?.(entry));
    const ref: JinjaFunction = (args, kwargs, site) => {
      const version = kwargs['v'] ?? kwargs['version'] ?? null;
      return host.ref([...args.map(str), ...(version === null ? [] : [`v=${str(version)}`])], site);
    };
    const source: JinjaFunction = (args, _kwargs, site) => host.source(args.map(str), site);
    return {
      ...commonFunctions(log, environment.env),
      ...statementResults(),
      context: new ContextObject(this),
      execute: host.queries !== null,
      var: varFunction(varsFor(environment, host.package), host.lenientVars ?? false),
      ref,
      source,
      // metrics are not computed by models; the name is kept so that such a call passes
      metric: (args) => str(args.at(-1) ?? ''),
      config: host.config,
      builtins: new Module('builtins', { ref, source, config: host.config }),
      target: targetDict(environment),
      schema: target.schema,
      database: target.database,
      project_name: macros.root,
      invocation_id: run.run,
      interval_start: run.interval.start,
      interval_end: run.interval.end,
      env: targetDict(environment),
      adapter: adapterObject({
        queries: host.queries,
        database: target.database,
        type: target.type,
        behavior: behaviorModule(environment),
        quoting: packages[0]?.yaml.quoting ?? {},
        dispatch: (name, namespace) => {
          const found = macros.dispatch(name, namespace, host.package);
          return found && this.bind(found);
        },
        attempts: (name, namespace) => macros.attempts(name, namespace),
        macroNames: () => macros.names(),
        macro: (name, args, kwargs) => this.execute(name, args, kwargs),
      }),
      // artifacts hold the SQL that was run
      write: () => '',
      render: (args, _kwargs, site) => render(parseTemplate(str(args[0] ?? ''), site.file), this.root()),
      pre_hooks: null,
      post_hooks: null,
      sql: null,
      compiled_code: null,
      defer_relation: null,
      submit_python_job: (_args, _kwargs, site) => {
        throw new JinjaFault('Python models are not supported', site, 'Write the model in SQL');
      },
      load_agate_table: (_args, _kwargs, site) => {
        throw new JinjaFault('Only the materialization of a seed can load its table', site);
      },
    };
  }
}

/** `target`: the profile's fields without its secrets */
function targetDict({ target }: Environment): Dict {
  const { name, profile, schema, database, type, threads, fields } = target;
  return fromPlain({
    database,
    schema,
    ...(type === 'postgres' && { dbname: database }),
    ...fields,
    ...{ type, threads, name, target_name: name, profile_name: profile ?? 'millrace' },
  }) as Dict;
}

/** `package.macro` */
class MacroPackage extends PyObject {
  readonly typeName = 'MacroNamespace';
  constructor(
    private readonly name: string,
    private readonly macros: MacroSet,
    private readonly lenient: boolean,
    /** `package.macro` among the names that win over all others */
    private readonly extra: Readonly<Record<string, Value>>,
    private readonly bind: (macro: Macro) => MacroObject,
  ) {
    super();
  }
  override attribute(name: string): Value | undefined {
    const instead = this.extra[`${this.name}.${name}`];
    if (instead !== undefined) return instead;
    const macro = this.macros.in(this.name, name);
    if (macro) return this.bind(macro);
    if (name === 'get') return (args) => this.attribute(str(args[0] ?? '')) ?? args[1] ?? null;
    const near = didYouMean(name, this.macros.namesIn(this.name));
    return new Undefined(`${this.name}.${name}`, this.lenient, near || undefined);
  }
  override iterate(): Iterable<Value> {
    return this.macros.namesIn(this.name);
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
  api: ({ target }) =>
    new Module('api', { Relation: new RelationClass(target.type), Column: new ColumnClass(target.type) }),
  column: ({ target }) => new ColumnClass(target.type),
  modules: ({ run }) => modules(run.startedAt),
  run_started_at: ({ run }) => new DateTime(DateTime.fromIso(run.startedAt).ms, false, true),
  flags: flagsModule,
  invocation_args_dict: invocationArguments,
  selected_resources: ({ selected }) => [...(selected ?? [])],
};

export const isTrue = (config: Dict, name: string, fallback: boolean): boolean => {
  const value = config.get(name);
  return value === undefined || value === null ? fallback : truthy(value);
};
