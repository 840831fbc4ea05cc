import type { Interval } from '../../schemas/interval.js';
import { MillraceError } from '../../schemas/errors.js';
import type { DbtCommand, DbtFlags } from '../../schemas/dbt.js';
import type { NodeRecord, NodeResult, PlanNode, TransformPlan } from '../../schemas/transform.js';
import type { RelationName, Statement, Warehouse } from '../warehouse/port.js';
import { withDefaults } from '../warehouse/with-defaults.js';
import type { Environment, TargetSettings } from './context/environment.js';
import { topological } from './graph.js';
import { dropAudits, forgetRun, hasLedger, prepareLedger } from './ledger.js';
import type { Node } from './manifest.js';
import { loadProject } from './parse/load.js';
import { makePlan } from './plan.js';
import { folderSignature } from './project/files.js';
import { publishNode } from './run/build.js';
import { Compiler } from './run/compile.js';
import { sourceFreshness } from './run/freshness.js';
import type { Job, Outcome, RunOptions } from './run/job.js';
import { mayNotBeTwice } from './run/make.js';
import { record } from './run/record.js';
import { runNode } from './run/run-node.js';
import { select as selectionOf, type Selection } from './select/selection.js';

/** What a project is read with; no warehouse is needed for that. */
export interface ReadContext {
  /** folder of the dbt project */
  dir: string;
  /** the warehouse's kind, and the catalog that unqualified relations live in */
  warehouse: Pick<Warehouse, 'dialect' | 'database'>;
  /** that models without a schema of their own are published to */
  schema: string;
  /** win over those of dbt_project.yml */
  vars: Record<string, unknown>;
  interval: Interval;
  /** what `env_var()` can read; secrets among them are the caller's to keep out of messages */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** where extracted streams are, by `source.table`; `key` changes when their content does */
  sources: Record<string, { relation: RelationName; key: string }>;
  /** identity of the run: results of another run are only reused when they are the same by content */
  run: string;
  /** dbt selection; `true` or nothing for all nodes, `false` for none */
  select?: string | boolean | undefined;
  exclude?: string | undefined;
  /** exactly these nodes, by unique_id, whatever else is selected: a retry */
  only?: readonly string[] | undefined;
  /** `build` by default */
  command?: DbtCommand | undefined;
  flags?: DbtFlags | undefined;
  /** `false` publishes at once and tests afterwards, as dbt does */
  audit?: boolean | undefined;
  /** dbt's target; `dev` by default */
  target?: TargetSettings | undefined;
  /** ISO 8601; `run_started_at` and "now" in templates. By default the end of the interval */
  startedAt?: string | undefined;
}

export interface TransformContext extends ReadContext {
  warehouse: Warehouse;
  /** `false` builds again what is current, once for each run */
  reuse?: boolean | undefined;
  /**
   * `false` keeps no record in the warehouse: nothing can be reused, resumed or audited then. `appends` keeps one of
   * what may not be done twice: for runs whose results nobody will reuse, but whose nodes may be retried
   */
  ledger?: boolean | 'appends' | undefined;
}

export interface RunStatement extends Statement {
  /** what the run came to so far, for hooks at its end */
  results?: readonly NodeRecord[] | undefined;
}

/** A dbt project, read for one run and ready to be carried out node by node, in any process and any number of times. */
export interface Transform {
  plan(): TransformPlan;
  /** what was read: for selections, artifacts and documentation */
  readonly environment: Environment;
  /**
   * Carries out one node, whatever its kind. What tests guard is built beside the live relation when the context asks
   * for it, everything else is published at once. A failed test is a result, not an error.
   */
  run(id: string, statement?: RunStatement): Promise<NodeRecord>;
  /** Makes built rows visible, in one transaction; a second call finds them published. */
  publish(id: string, statement?: Statement): Promise<NodeResult>;
  /** Drops what this run has built and not published: for a run that was cancelled. */
  discard(statement?: Statement): Promise<void>;
  /** Takes the run out of the ledger: nothing of it can be reused or resumed afterwards. */
  forget(): Promise<void>;
  /** @returns the SQL of a node as the warehouse would get it */
  compile(id: string, statement?: Statement): Promise<string>;
}

/** A project as it was read, and what of it will run. */
export interface ReadTransform {
  environment: Environment;
  plan: TransformPlan;
}
/** Projects by their context; a run asks for the same one at every node. */
const LOADED = new Map<string, ReadTransform & { signature: string }>();
const KEPT = 8;
const NOTHING: Selection = { ids: new Set(), warnings: [], deferred: new Map() };

/**
 * Reads a project, and makes it ready to run.
 *
 * @throws MillraceError DbtProjectInvalid, DuplicateNode, RefNotFound, CyclicGraph, JinjaError, SelectionInvalid, Unsupported
 */
export async function loadTransform(context: TransformContext): Promise<Transform> {
  const { warehouse } = context;
  const { command = 'build', flags = {}, reuse = true } = context;
  // a pipeline's ledger must hear of what others build, or it would take it for its own
  const ledger = (await hasLedger(warehouse)) || (context.ledger ?? true);
  const { environment, plan } = readTransform(context);
  const { nodes } = environment.manifest;
  const steps = [...plan.start, ...plan.nodes, ...plan.end];
  if (steps.some(({ id }) => isRemembered(ledger, nodes.get(id))))
    await prepareLedger(warehouse, context.run);
  return new LoadedTransform(warehouse, environment, plan, { command, flags, reuse }, ledger);
}

/** Whether the ledger knows of a node. */
function isRemembered(ledger: boolean | 'appends', node: Node | undefined): boolean {
  return ledger === 'appends' ? node !== undefined && mayNotBeTwice(node) : ledger;
}

/**
 * Reads a project, or takes it from memory while none of its files has changed.
 *
 * @throws MillraceError as {@link loadTransform}
 */
export function readTransform(context: ReadContext): ReadTransform {
  const { dir, warehouse, schema, vars, interval, sources, run, select, exclude, env = {} } = context;
  const invocation = { command: context.command ?? 'build', flags: context.flags ?? {} };
  const audit = context.audit ?? true;
  const startedAt = context.startedAt ?? interval.end;
  const { database, dialect: type } = warehouse;
  const target = { name: 'dev', threads: 4, ...context.target, schema, database, type };
  const options = { target, vars, env, sources, invocation, run: { run, interval, startedAt } };
  const key = JSON.stringify([dir, options, select, exclude, context.only, audit]);
  const signature = folderSignature(dir);
  const known = LOADED.get(key);
  if (known?.signature === signature) return known;
  const environment = loadProject({ dir, ...options });
  const { manifest } = environment;
  topological(manifest);
  // a pipeline names its nodes itself, a command line does it by flags
  const terms = { select: select === true ? undefined : select || undefined, exclude };
  const { ids, warnings, deferred } = select === false ? NOTHING : selectionOf(environment, terms);
  const chosen = context.only ? new Set(context.only) : ids;
  if (deferred.size > 0) environment.deferred = deferred;
  environment.selected = [...chosen];
  manifest.warnings.push(...warnings.map(({ message }) => message));
  const plan = makePlan(manifest, chosen, { command: invocation.command, audit });
  const loaded = { signature, environment, plan };
  LOADED.delete(key);
  LOADED.set(key, loaded);
  if (LOADED.size > KEPT) LOADED.delete(LOADED.keys().next().value ?? '');
  return loaded;
}

/** of exposures and saved queries */
const NO_OP: Outcome = { status: 'no-op', key: '', message: 'NO-OP', failures: 0 };

class LoadedTransform implements Transform {
  constructor(
    private readonly warehouse: Warehouse,
    readonly environment: Environment,
    private readonly planned: TransformPlan,
    private readonly options: Omit<RunOptions, 'ledger'>,
    private readonly ledger: boolean | 'appends',
  ) {}

  plan(): TransformPlan {
    return this.planned;
  }

  run(id: string, { signal, results = [] }: RunStatement = {}): Promise<NodeRecord> {
    const { manifest, target } = this.environment;
    const { database } = target;
    const source = manifest.sources.get(id);
    if (source) return record(source, database, () => sourceFreshness(this.job(id, signal, results), source));
    const idle = manifest.exposures.get(id) ?? manifest.semantics.get(id);
    if (idle) return record(idle, database, () => Promise.resolve(NO_OP));
    const node = this.node(id);
    const step = this.step(id);
    const audits = step?.audit === undefined ? undefined : this.planned.nodes[step.audit]?.id;
    const role = {
      audited: (step?.audits ?? []).length > 0,
      audits: audits === undefined ? undefined : manifest.nodes.get(audits),
    };
    return record(node, database, () => runNode(this.job(id, signal, results), node, role));
  }

  async publish(id: string, { signal }: Statement = {}): Promise<NodeResult> {
    const node = this.node(id);
    return (
      await record(node, this.environment.target.database, () => publishNode(this.job(id, signal), node))
    ).result;
  }

  discard(statement: Statement = {}): Promise<void> {
    const relations = this.planned.nodes.flatMap(({ relation }) => relation ?? []);
    const { run } = this.environment.run;
    return this.warehouse.transaction((session) => dropAudits(session, relations, run), statement);
  }

  forget(): Promise<void> {
    return forgetRun(this.warehouse, this.environment.run.run);
  }

  compile(id: string, { signal }: Statement = {}): Promise<string> {
    const node = this.node(id);
    return new Compiler(this.environment, this.warehouse, signal).compile(node);
  }

  private job(node: string, signal: AbortSignal | undefined, results: Job['results'] = []): Job {
    const { environment, options } = this;
    // what Snowflake shows of a statement to whoever pays for it
    const tag = { project: environment.manifest.project, run: environment.run.run, node };
    const warehouse =
      this.warehouse.dialect === 'snowflake' ? withDefaults(this.warehouse, { tag }) : this.warehouse;
    const ledger = isRemembered(this.ledger, environment.manifest.nodes.get(node));
    return { warehouse, environment, options: { ...options, ledger }, signal, results };
  }

  private step(id: string): PlanNode | undefined {
    return this.planned.nodes.find((node) => node.id === id);
  }

  private node(id: string): Node {
    const node = this.environment.manifest.nodes.get(id);
    if (node) return node;
    throw new MillraceError('RefNotFound', {
      what: `There is no node '${id}' in this project`,
      fix: 'Take ids from the plan of the same project and selection',
    });
  }
}
