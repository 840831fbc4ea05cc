/** Commands of `millrace dbt`, by dbt's names; two words are one command. */
export const COMMANDS = [
  'build',
  'clean',
  'clone',
  'compile',
  'debug',
  'deps',
  'docs generate',
  'docs serve',
  'list',
  'ls',
  'parse',
  'publish',
  'retry',
  'run',
  'run-operation',
  'seed',
  'show',
  'snapshot',
  'source freshness',
  'test',
] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Commands whose results `retry` can go on from. */
export const RETRYABLE: ReadonlySet<CommandName> = new Set<CommandName>([
  'build',
  'clone',
  'run',
  'seed',
  'snapshot',
  'test',
]);

type Kind =
  /** `--x`, and often `--no-x` */
  | 'flag'
  /** one value */
  | 'text'
  | 'number'
  /** a YAML dictionary */
  | 'yaml'
  /** every value up to the next option; may be repeated */
  | 'list'
  /** a day or a moment, as text */
  | 'date';

export interface OptionSpec {
  /** dbt's parameter, as `args` of run_results.json and `flags` in templates have it */
  name: string;
  kind: Kind;
  /** as written on the command line */
  on: string[];
  /** switches it off */
  off?: string[];
  /** environment variable */
  env?: string;
  choices?: readonly string[];
  /** shown by `--help` */
  help: string;
  /** only these commands have it; all when left out */
  only?: readonly CommandName[];
}

const RESOURCE_TYPES = [
  'metric',
  'semantic_model',
  'saved_query',
  'source',
  'analysis',
  'model',
  'test',
  'unit_test',
  'exposure',
  'snapshot',
  'seed',
  'default',
  'all',
] as const;

const SELECTING: readonly CommandName[] = [
  'build',
  'clone',
  'compile',
  'docs generate',
  'list',
  'ls',
  'run',
  'seed',
  'show',
  'snapshot',
  'source freshness',
  'test',
];
const LISTING: readonly CommandName[] = ['ls', 'list'];

const flag = (name: string, help: string, more: Partial<OptionSpec> = {}): OptionSpec => {
  const dashed = name.replaceAll('_', '-');
  return {
    ...{ name, kind: 'flag', on: [`--${dashed}`], off: [`--no-${dashed}`], help },
    ...{ env: `DBT_${name.toUpperCase()}` },
    ...more,
  };
};
const value = (name: string, kind: Kind, help: string, more: Partial<OptionSpec> = {}): OptionSpec => ({
  ...{ name, kind, on: [`--${name.replaceAll('_', '-')}`], help },
  ...more,
});

/** Every option, dbt's by dbt's names and Millrace's own at the end. */
export const OPTIONS: readonly OptionSpec[] = [
  // what is selected
  value('select', 'list', 'nodes to work on', { on: ['-s', '--select'], only: SELECTING }),
  value('models', 'list', 'the same; ls: models only', {
    on: ['-m', '--model', '--models'],
    only: SELECTING,
  }),
  value('exclude', 'list', 'nodes to leave out', { only: SELECTING }),
  value('selector', 'text', 'a selector of selectors.yml', { only: SELECTING }),
  value('resource_types', 'list', 'kinds of nodes', {
    ...{ on: ['--resource-type', '--resource-types'], env: 'DBT_RESOURCE_TYPES' },
    ...{ choices: RESOURCE_TYPES, only: SELECTING },
  }),
  value('exclude_resource_types', 'list', 'kinds of nodes to leave out', {
    ...{ on: ['--exclude-resource-type', '--exclude-resource-types'], env: 'DBT_EXCLUDE_RESOURCE_TYPES' },
    ...{ choices: RESOURCE_TYPES, only: SELECTING },
  }),
  value('indirect_selection', 'text', 'which tests come with what is selected', {
    ...{ env: 'DBT_INDIRECT_SELECTION', choices: ['eager', 'cautious', 'buildable', 'empty'] },
  }),
  // what a run does
  flag('full_refresh', 'build incremental models and seeds anew', { on: ['-f', '--full-refresh'], off: [] }),
  flag('fail_fast', 'stop at the first failure', { on: ['-x', '--fail-fast'] }),
  flag('empty', 'read no row of any ref or source'),
  flag('store_failures', 'keep the rows that tests find', { off: [] }),
  value('event_time_start', 'date', 'microbatch: first moment', { env: 'DBT_EVENT_TIME_START' }),
  value('event_time_end', 'date', 'microbatch: the moment after the last', { env: 'DBT_EVENT_TIME_END' }),
  flag('show', 'show rows of each seed', { off: [], env: 'DBT_SHOW', only: ['seed', 'build'] }),
  value('threads', 'number', 'nodes at once'),
  value('vars', 'yaml', "variables, as '{name: value}'"),
  // another state
  value('state', 'text', "folder with another run's artifacts", { env: 'DBT_STATE' }),
  flag('defer', 'read what is not selected from the relations of --state'),
  value('defer_state', 'text', 'the same from this folder', { env: 'DBT_DEFER_STATE' }),
  flag('favor_state', 'prefer those relations even where there are own ones'),
  // where things are
  value('project_dir', 'text', 'folder with dbt_project.yml', { env: 'DBT_PROJECT_DIR' }),
  value('profiles_dir', 'text', 'folder with profiles.yml', { env: 'DBT_PROFILES_DIR' }),
  value('profile', 'text', 'profile to use', { env: 'DBT_PROFILE' }),
  value('target', 'text', 'target of the profile', { on: ['-t', '--target'], env: 'DBT_TARGET' }),
  value('target_path', 'text', 'folder for artifacts (default: target)', { env: 'DBT_TARGET_PATH' }),
  value('log_path', 'text', 'folder for dbt.log', { env: 'DBT_LOG_PATH' }),
  // what is said
  flag('quiet', 'only errors and results', { on: ['-q', '--quiet'] }),
  flag('debug', 'more about errors', { on: ['-d', '--debug'] }),
  flag('print', 'what print() writes'),
  flag('use_colors', 'colours on the terminal'),
  value('log_format', 'text', 'text or json, a line an event', {
    ...{ env: 'DBT_LOG_FORMAT', choices: ['text', 'debug', 'json', 'default'] },
  }),
  value('log_level', 'text', 'least severity that is shown', {
    ...{ env: 'DBT_LOG_LEVEL', choices: ['debug', 'info', 'warn', 'error', 'none'] },
  }),
  flag('warn_error', 'warnings are errors', { off: [] }),
  value('warn_error_options', 'yaml', "which warnings are errors: '{error: all, warn: [...]}'", {
    env: 'DBT_WARN_ERROR_OPTIONS',
  }),
  flag('version_check', 'heed require-dbt-version'),
  flag('write_json', 'write artifacts'),
  flag('partial_parse', 'parse only what changed'),
  // single commands
  value('output', 'text', 'ls: name, path, selector, json; show: text, json; source freshness: a file', {
    on: ['-o', '--output'],
  }),
  value('output_keys', 'list', 'ls --output json: its keys', { only: LISTING }),
  value('limit', 'number', 'show: rows (-1 for all)', { only: ['show'] }),
  value('inline', 'text', 'a query that is no node', { only: ['show', 'compile'] }),
  value('inline_direct', 'text', 'the same, run as it is written', { only: ['show'] }),
  flag('introspect', 'let templates ask the warehouse', { only: ['compile', 'show'] }),
  value('args', 'yaml', "arguments of the macro, as '{name: value}'", { only: ['run-operation'] }),
  flag('upgrade', 'deps: newest versions', { off: [], only: ['deps'], env: 'DBT_UPGRADE' }),
  flag('lock', 'deps: only write package-lock.yml', { off: [], only: ['deps'], env: 'DBT_LOCK' }),
  value('add_package', 'text', 'deps: add name@version to packages.yml', { only: ['deps'] }),
  value('source', 'text', 'deps --add-package: hub, git or local', {
    ...{ only: ['deps'], choices: ['hub', 'git', 'local'] },
  }),
  flag('compile', 'docs generate: compile first', { only: ['docs generate'], env: 'DBT_COMPILE_DOCS' }),
  flag('static', 'docs generate: one page (it always is one)', { off: [], only: ['docs generate'] }),
  flag('empty_catalog', 'docs generate: ask nothing of the warehouse', { off: [], only: ['docs generate'] }),
  flag('browser', 'docs serve: open it', { only: ['docs serve'] }),
  value('host', 'text', 'docs serve: address', { only: ['docs serve'], env: 'DBT_HOST' }),
  value('port', 'number', 'docs serve: port', { only: ['docs serve'] }),
  flag('connection', 'debug: only test the connection', { off: [], only: ['debug'] }),
  flag('config_dir', 'debug: only say where profiles.yml is', { off: [], only: ['debug'] }),
  flag('clean_project_files_only', 'clean: nothing outside the project', { only: ['clean'] }),
  // accepted for dbt's sake: there is nothing here that they would change
  ...[
    'anonymous_usage_stats',
    'send_anonymous_usage_stats',
    'cache_selected_only',
    'log_cache_events',
    'populate_cache',
    'static_parser',
    'use_experimental_parser',
    'use_colors_file',
    'macro_debugging',
    'single_threaded',
    'show_all_deprecations',
    'upload_to_artifacts_ingest_api',
    'use_fast_test_edges',
    'inject_ephemeral_ctes',
    'show_resource_report',
    'partial_parse_file_diff',
    'export_saved_queries',
    'include_saved_query',
  ].map((name) => flag(name, '')),
  ...(['log_format_file', 'log_level_file', 'partial_parse_file_path', 'record_timing_info'] as const).map(
    (name) =>
      value(name, 'text', '', name === 'record_timing_info' ? { on: ['-r', '--record-timing-info'] } : {}),
  ),
  ...(['printer_width', 'log_file_max_bytes'] as const).map((name) => value(name, 'number', '')),
  value('sample', 'text', ''),
  // Millrace's own
  value('database', 'text', 'a DuckDB file, instead of the profile'),
  flag('local', 'in this process, without Temporal', { off: [], env: 'MILLRACE_DBT_LOCAL' }),
  flag('reuse', 'keep what is current by its SQL and inputs', { env: 'MILLRACE_DBT_REUSE' }),
  flag('from_failure', 'go on with the run that failed', { off: [], env: 'MILLRACE_DBT_FROM_FAILURE' }),
  value('environment', 'text', 'build what changed beside production', { on: ['--env'] }),
];
