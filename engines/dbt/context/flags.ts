import type { DbtCommand, DbtFlags } from '../../../schemas/dbt.js';
import { fromPlain, Module, truthy, type Dict, type Value } from '../jinja/values.js';
import type { Environment } from './environment.js';

/** `dbt build --select x`, as dbt's flags tell it */
function commandLine({ command, flags }: Environment['invocation']): string {
  const { select, exclude } = flags;
  const option = (name: string, values: string[] | undefined): string[] =>
    values && values.length > 0 ? [name, ...values] : [];
  return ['dbt', command, ...option('--select', select), ...option('--exclude', exclude)].join(' ');
}

/** the name of the sub-command: `docs generate` is `generate` */
const which = (command: DbtCommand): string => command.split(' ').at(-1) ?? command;

const given = ({ warnError, ...flags }: DbtFlags): Record<string, unknown> => ({
  full_refresh: flags.fullRefresh ?? false,
  store_failures: flags.storeFailures ?? false,
  empty: flags.empty ?? false,
  fail_fast: flags.failFast ?? false,
  indirect_selection: flags.indirectSelection ?? 'eager',
  warn_error: warnError === true || null,
  warn_error_options: { error: Array.isArray(warnError) ? warnError : [], warn: [], silence: [] },
  defer: flags.defer ?? false,
  favor_state: flags.favorState ?? false,
  state: flags.state ?? null,
  target: flags.target ?? null,
});

const FIXED = {
  cache_selected_only: false,
  debug: false,
  introspect: true,
  log_cache_events: false,
  log_format: 'default',
  partial_parse: true,
  printer_width: 80,
  quiet: false,
  static_parser: true,
  use_colors: true,
  use_experimental_parser: false,
  version_check: true,
  write_json: true,
  send_anonymous_usage_stats: false,
};

/** `flags` in a template */
export function flagsModule({ invocation, packages }: Environment): Module {
  const all = {
    ...FIXED,
    ...packages[0]?.yaml.flags,
    ...given(invocation.flags),
    which: which(invocation.command),
    invocation_command: commandLine(invocation),
  };
  return new Module('flags', upperCased(all));
}

const upperCased = (flags: Record<string, unknown>): Record<string, Value> =>
  Object.fromEntries(Object.entries(flags).map(([name, value]) => [name.toUpperCase(), fromPlain(value)]));

/** `invocation_args_dict` */
export const invocationArguments = ({ invocation, packages }: Environment): Dict =>
  fromPlain({
    ...FIXED,
    ...packages[0]?.yaml.flags,
    ...given(invocation.flags),
    which: which(invocation.command),
    invocation_command: commandLine(invocation),
    select: invocation.flags.select ?? [],
    exclude: invocation.flags.exclude ?? [],
    vars: invocation.flags.vars ?? {},
    ...(invocation.flags.selector !== undefined && { selector: invocation.flags.selector }),
    ...(invocation.flags.macro !== undefined && { macro: invocation.flags.macro }),
    ...(invocation.flags.args !== undefined && { args: invocation.flags.args }),
  }) as Dict;

/** `adapter.behavior`: dbt's behaviour flags as dbt_project.yml sets them, each asked as `.no_warn` */
export function behaviorModule({ packages }: Environment): Module {
  const flags = packages[0]?.yaml.flags ?? {};
  return new (class extends Module {
    override attribute(name: string): Value {
      const on = truthy(fromPlain(flags[name] ?? false));
      return new Module(name, { no_warn: on, setting: on });
    }
  })('behavior', {});
}
