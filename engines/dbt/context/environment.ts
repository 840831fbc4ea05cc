import type { DbtCommand, DbtFlags } from '../../../schemas/dbt.js';
import type { Interval } from '../../../schemas/interval.js';
import type { RelationName } from '../../warehouse/port.js';
import { fromPlain, type Value } from '../jinja/values.js';
import type { MacroSet } from '../macros.js';
import type { Manifest } from '../manifest.js';
import type { Package } from '../project/package.js';
import type { LogEntry } from './queries.js';

/** A target as a profile describes it. */
export interface TargetSettings {
  /** dbt's target name */
  name: string;
  threads?: number | undefined;
  /** name of the profile */
  profile?: string | undefined;
  /** the rest of the profile's output, without secrets: `target.warehouse`, `target.role` … */
  fields?: Readonly<Record<string, unknown>> | undefined;
}

/** What a project is rendered with. */
export interface Target extends TargetSettings {
  schema: string;
  /** catalog of the warehouse */
  database: string;
  type: string;
  threads: number;
}

export interface RunInfo {
  run: string;
  interval: Interval;
  /** ISO 8601; what templates get for "now", so that a retry renders the same */
  startedAt: string;
}

export interface Environment {
  packages: Package[];
  macros: MacroSet;
  target: Target;
  run: RunInfo;
  /** `flags` and `invocation_args_dict` in templates */
  invocation: { command: DbtCommand; flags: DbtFlags };
  /** set from outside; they win over those of dbt_project.yml */
  vars: Record<string, unknown>;
  /** what `env_var()` can read */
  env: Readonly<Record<string, string | undefined>>;
  /** where Millrace has put a source, by `source.table` */
  sources: Record<string, { relation: RelationName; key: string }>;
  manifest: Manifest;
  /** ids of what the run selects, for `selected_resources` */
  selected?: readonly string[] | undefined;
  /** takes what templates tell */
  log?: ((entry: LogEntry) => void) | undefined;
  /** nodes that are not part of the run, and where another target has them: `--defer` */
  deferred?: ReadonlyMap<string, RelationName>;
}

const MERGED = new WeakMap<Environment, Map<string, Map<string, Value>>>();

/** Variables as a node of `packageName` sees them. */
export function varsFor(environment: Environment, packageName: string): Map<string, Value> {
  let known = MERGED.get(environment);
  if (!known) MERGED.set(environment, (known = new Map<string, Map<string, Value>>()));
  let merged = known.get(packageName);
  if (!merged) known.set(packageName, (merged = mergeVars(environment, packageName)));
  return merged;
}

function mergeVars(environment: Environment, packageName: string): Map<string, Value> {
  const merged = new Map<string, Value>();
  const names = new Set(environment.packages.map(({ name }) => name));
  const add = (vars: Record<string, unknown>): void => {
    for (const [name, value] of Object.entries(vars)) merged.set(name, fromPlain(value));
  };
  const addScoped = (vars: Record<string, unknown>): void => {
    add(Object.fromEntries(Object.entries(vars).filter(([name]) => !names.has(name))));
    const own = vars[packageName];
    if (typeof own === 'object' && own !== null && !Array.isArray(own)) add(own as Record<string, unknown>);
  };
  const own = environment.packages.find(({ name }) => name === packageName);
  const root = environment.packages[0];
  if (own && own !== root) addScoped(own.yaml.vars);
  if (root) addScoped(root.yaml.vars);
  add({ interval_start: environment.run.interval.start, interval_end: environment.run.interval.end });
  add(environment.vars);
  return merged;
}
