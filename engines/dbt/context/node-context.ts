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
import { Adapter } from './adapter.js';
import { ColumnClass } from './column.js';
import type { ConfigObject } from './config-object.js';
import { ContextObject } from './context-object.js';
import { DateTime } from './datetime.js';
import { varsFor, type Environment } from './environment.js';
import { exceptionsModule } from './exceptions.js';
import { behaviorModule, flagsModule, invocationArguments } from './flags.js';
import {
  COMMON,
  environmentFunction,
  logFunction,
  metadataVariables,
  printFunction,
  varFunction,
} from './functions.js';
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
  /** members that a template has asked for */
  private readonly made = new Map<string, Value>();
  private readonly bound = new Map<Macro, MacroObject>();
  private readonly scope: Scope;
  /** of the template's statements, by their names */
  readonly results = statementResults();
  /** macros the template is inside of */
  private depth = 0;

  constructor(
    private readonly environment: Environment,
    private readonly host: NodeHost,
    private readonly extra: Readonly<Record<string, Value>> = {},
  ) {
    this.lenient = host.queries === null;
    this.scope = new Scope(this);
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
    return this.member(name);
  }

  private member(name: string): Value | undefined {
    let value = this.made.get(name) ?? COMMON[name];
    if (value !== undefined || !Object.hasOwn(MEMBERS, name)) return value;
    const make = MEMBERS[name] as (parts: Parts) => Value;
    value = make({ environment: this.environment, host: this.host, context: this });
    this.made.set(name, value);
    return value;
  }

  *names(): Iterable<string> {
    yield* Object.keys(this.extra);
    yield* Object.keys(COMMON);
    yield* Object.keys(MEMBERS);
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
      const label = [this.environment.macros.root, BUILT_IN].includes(owner)
        ? macro.name
        : `${owner}.${macro.name}`;
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
    return new MacroPackage(name, this.environment.macros, this.lenient, this.extra, (found) =>
      this.bind(found),
    );
  }

  /** as dbt runs macros of its own accord: the project's version counts, not that of the node's package */
  execute(name: string, args: Value[], kwargs: Kwargs = {}): Value {
    const { macros } = this.environment;
    const macro = macros.find(name, macros.root);
    if (macro) return this.bind(macro).call(args, kwargs, { file: '', line: 0, column: 0 });
    throw new JinjaFault(`There is no macro '${name}'`);
  }

  dispatch(name: string, namespace: string | null): MacroObject | undefined {
    const found = this.environment.macros.dispatch(name, namespace, this.host.package);
    return found && this.bind(found);
  }

  tell(entry: LogEntry): void {
    const { host, environment } = this;
    if (host.queries) host.queries.log(entry);
    else environment.log?.(entry);
  }
}

interface Parts {
  environment: Environment;
  host: NodeHost;
  context: NodeContext;
}

const refFunction =
  (host: NodeHost): JinjaFunction =>
  (args, kwargs, site) => {
    const version = kwargs['v'] ?? kwargs['version'] ?? null;
    return host.ref([...args.map(str), ...(version === null ? [] : [`v=${str(version)}`])], site);
  };
const sourceFunction =
  (host: NodeHost): JinjaFunction =>
  (args, _kwargs, site) =>
    host.source(args.map(str), site);

const refusing =
  (what: string, fix?: string): JinjaFunction =>
  (_args, _kwargs, site) => {
    throw new JinjaFault(what, site, fix);
  };

/** Each is made when a template first asks for it: a context is made for every rendering, and most ask for few. */
const MEMBERS: Record<string, (parts: Parts) => Value> = {
  context: ({ context }) => new ContextObject(context),
  execute: ({ host }) => host.queries !== null,
  log: ({ context }) => logFunction((entry) => context.tell(entry)),
  print: ({ context }) => printFunction((entry) => context.tell(entry)),
  exceptions: ({ context }) => exceptionsModule((entry) => context.tell(entry)),
  env_var: ({ environment }) => environmentFunction(environment.env),
  dbt_metadata_envs: ({ environment }) => metadataVariables(environment.env),
  var: ({ environment, host }) => varFunction(varsFor(environment, host.package), host.lenientVars ?? false),
  ref: ({ host }) => refFunction(host),
  source: ({ host }) => sourceFunction(host),
  // metrics are not computed by models; the name is kept so that such a call passes
  metric: () => (args) => str(args.at(-1) ?? ''),
  config: ({ host }) => host.config,
  builtins: ({ host }) =>
    new Module('builtins', { ref: refFunction(host), source: sourceFunction(host), config: host.config }),
  this: ({ host }) => host.this(),
  model: ({ host }) => host.model(),
  graph: ({ host }) => host.graph(),
  target: ({ environment }) => targetDict(environment),
  env: ({ environment }) => targetDict(environment),
  schema: ({ environment }) => environment.target.schema,
  database: ({ environment }) => environment.target.database,
  project_name: ({ environment }) => environment.macros.root,
  invocation_id: ({ environment }) => environment.run.run,
  interval_start: ({ environment }) => environment.run.interval.start,
  interval_end: ({ environment }) => environment.run.interval.end,
  run_started_at: ({ environment }) =>
    new DateTime(DateTime.fromIso(environment.run.startedAt).instant, false, true),
  modules: ({ environment }) => modules(environment.run.startedAt),
  flags: ({ environment }) => flagsModule(environment),
  invocation_args_dict: ({ environment }) => invocationArguments(environment),
  selected_resources: ({ environment }) => [...(environment.selected ?? [])],
  api: ({ environment: { target } }) =>
    new Module('api', { Relation: new RelationClass(target.type), Column: new ColumnClass(target.type) }),
  column: ({ environment }) => new ColumnClass(environment.target.type),
  store_result: ({ context }) => context.results['store_result'] ?? null,
  store_raw_result: ({ context }) => context.results['store_raw_result'] ?? null,
  load_result: ({ context }) => context.results['load_result'] ?? null,
  adapter: ({ environment, host, context }) =>
    new Adapter({
      queries: host.queries,
      database: environment.target.database,
      type: environment.target.type,
      behavior: behaviorModule(environment),
      quoting: environment.packages[0]?.yaml.quoting ?? {},
      dispatch: (name, namespace) => context.dispatch(name, namespace),
      attempts: (name, namespace) => environment.macros.attempts(name, namespace),
      macroNames: () => environment.macros.names(),
      macro: (name, args, kwargs) => context.execute(name, args, kwargs),
    }),
  render:
    ({ context }) =>
    (args, _kwargs, site) =>
      render(parseTemplate(str(args[0] ?? ''), site.file), context.root()),
  // artifacts hold the SQL that was run
  write: () => () => '',
  pre_hooks: () => null,
  post_hooks: () => null,
  sql: () => null,
  compiled_code: () => null,
  defer_relation: () => null,
  submit_python_job: () => refusing('Python models are not supported', 'Write the model in SQL'),
  load_agate_table: () => refusing('Only the materialization of a seed can load its table'),
  adapter_macro: () => refusing('adapter_macro is gone from dbt', 'Use adapter.dispatch'),
};

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

export const isTrue = (config: Dict, name: string, fallback: boolean): boolean => {
  const value = config.get(name);
  return value === undefined || value === null ? fallback : truthy(value);
};
