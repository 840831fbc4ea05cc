import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { MillraceError } from '../../schemas/errors.js';
import type { DbtFlags } from '../../schemas/dbt.js';
import { isRecord } from '../../engines/dbt/parse/config.js';
import { readText } from '../../engines/dbt/project/files.js';
import { readYaml } from '../../engines/dbt/project/yaml.js';
import type { CommandName } from './options.js';
import { withDefaults, type Arguments, type Given } from './parse-arguments.js';

/** One invocation of `millrace dbt`, ready to be carried out. */
export interface Settings {
  command: CommandName;
  operands: string[];
  /** every option that has a value, by dbt's name */
  given: Given;
  /** what of it changes a run */
  flags: DbtFlags;
  /** absolute folder of the dbt project */
  dir: string;
  /** dbt_project.yml as it is written */
  yaml: Record<string, unknown>;
  /** absolute folder for artifacts */
  target: string;
  /** as written on the command line */
  invocation: string;
}

/**
 * Brings the command line, the environment and dbt_project.yml together.
 *
 * @throws MillraceError DbtProjectInvalid when there is no project, ProjectInvalid for a wrong value
 */
export function settle(parsed: Arguments & { command: CommandName }, argv: readonly string[]): Settings {
  const { env } = process;
  const early = withDefaults(parsed.given, env);
  const dir = projectDir(text(early, 'project_dir'));
  const yaml = projectYaml(dir);
  const given = withDefaults(parsed.given, env, isRecord(yaml['flags']) ? yaml['flags'] : {});
  const target =
    text(given, 'target_path') ?? (typeof yaml['target-path'] === 'string' ? yaml['target-path'] : 'target');
  const folder = isAbsolute(target) ? target : join(dir, target);
  const environment = parsed.command === 'publish' ? undefined : text(given, 'environment');
  return {
    ...{ command: parsed.command, operands: parsed.operands, given, dir, yaml },
    flags: {
      ...flagsOf(given, parsed),
      ...(environment !== undefined && {
        environment,
        state: text(given, 'state') ?? productionFolder(folder),
      }),
    },
    target: environment === undefined ? folder : environmentFolder(folder, environment),
    invocation: ['dbt', ...argv].join(' '),
  };
}

/** Where the manifest of what is live is kept: environments are compared with it. */
export const productionFolder = (target: string): string => join(target, 'production');
export const environmentFolder = (target: string, name: string): string =>
  join(target, 'environments', name.replace(/[^A-Za-z0-9_-]+/g, '_'));

export const text = (given: Readonly<Record<string, unknown>>, name: string): string | undefined =>
  typeof given[name] === 'string' ? given[name] : undefined;

/** The folder named, or the nearest one from here upwards that holds a project. */
function projectDir(named: string | undefined): string {
  if (named !== undefined) return resolve(named);
  for (let dir = process.cwd(); ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'dbt_project.yml'))) return dir;
    if (dirname(dir) === dir) return process.cwd();
  }
}

function projectYaml(dir: string): Record<string, unknown> {
  const file = join(dir, 'dbt_project.yml');
  if (!existsSync(file))
    throw new MillraceError('DbtProjectInvalid', {
      what: 'There is no dbt_project.yml',
      where: { file },
      fix: 'Go to the folder that holds it, or name it by --project-dir',
    });
  const { data } = readYaml(readText(file), 'dbt_project.yml');
  return isRecord(data) ? data : {};
}

/** What of the options changes a run. */
export function flagsOf(
  given: Given,
  { operands, command }: Pick<Arguments, 'operands' | 'command'>,
): DbtFlags {
  const flags: Record<string, unknown> = {};
  const take = (name: string, key: keyof DbtFlags): void => {
    if (given[name] !== undefined) flags[key] = given[name];
  };
  for (const name of [
    'select',
    'exclude',
    'selector',
    'empty',
    'state',
    'defer',
    'vars',
    'target',
    'threads',
  ] as const)
    take(name, name);
  for (const name of ['limit', 'inline', 'args'] as const) take(name, name);
  const models = given['models'];
  if (Array.isArray(models)) {
    flags['select'] = [...((given['select'] as string[] | undefined) ?? []), ...(models as string[])];
    // to dbt ls it says what kind is meant, too
    if (command === 'ls' || command === 'list') flags['resourceTypes'] = ['model'];
  }
  take('resource_types', 'resourceTypes');
  take('exclude_resource_types', 'excludeResourceTypes');
  take('indirect_selection', 'indirectSelection');
  take('full_refresh', 'fullRefresh');
  take('store_failures', 'storeFailures');
  take('fail_fast', 'failFast');
  take('event_time_start', 'eventTimeStart');
  take('event_time_end', 'eventTimeEnd');
  take('defer_state', 'deferState');
  take('favor_state', 'favorState');
  // who asks for a sample must not get, and pay for, the whole
  if (typeof given['sample'] === 'string' && given['sample'] !== '')
    throw new MillraceError('Unsupported', {
      what: '--sample is not supported',
      fix: 'Leave it out; --event-time-start and --event-time-end narrow microbatch models, --empty reads no rows',
    });
  const warnError = warnErrorOf(given);
  if (warnError !== undefined) flags['warnError'] = warnError;
  if (command === 'run-operation' && operands[0] !== undefined) flags['macro'] = operands[0];
  return flags;
}

/** `--warn-error`, or the kinds that `--warn-error-options` names. */
function warnErrorOf(given: Given): DbtFlags['warnError'] {
  if (given['warn_error'] === true) return true;
  const options = given['warn_error_options'];
  if (!isRecord(options)) return undefined;
  const errors = options['error'] ?? options['include'];
  if (errors === 'all' || errors === '*') return true;
  return Array.isArray(errors) ? errors.map(String) : undefined;
}
