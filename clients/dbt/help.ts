import { COMMANDS, OPTIONS, type CommandName, type OptionSpec } from './options.js';

const ABOUT: Record<CommandName, string> = {
  build: 'seeds, models, snapshots and tests, in the order of the graph',
  clean: 'delete the folders that clean-targets names',
  clone: 'make what --state has here, without computing it again',
  compile: 'write the SQL of nodes, run none',
  debug: 'look at the set-up: versions, project, profile, connection',
  deps: 'install the packages of packages.yml',
  'docs generate': 'catalog.json and one page of documentation',
  'docs serve': 'show that page in the browser',
  list: 'the same as ls',
  ls: 'list what a selection comes to',
  parse: 'read the project and write manifest.json',
  publish: 'make what --env built visible in production',
  retry: 'run again what failed or was skipped last time',
  run: 'models',
  'run-operation': 'call a macro: run-operation NAME --args ...',
  seed: 'CSV files',
  show: 'the first rows of a model or of a query',
  snapshot: 'snapshots',
  'source freshness': 'how old the newest rows of sources are',
  test: 'data tests and unit tests',
};

const usual = (command: CommandName) => (spec: OptionSpec) =>
  spec.help !== '' && (!spec.only || spec.only.includes(command));

function optionLine({ on, off = [], kind, help, choices }: OptionSpec): string {
  const value = {
    flag: '',
    text: ' <text>',
    number: ' <n>',
    yaml: ' <yaml>',
    list: ' <...>',
    date: ' <date>',
  }[kind];
  const names = `${on.join(', ')}${value}${off.length > 0 ? ` / ${off.join(', ')}` : ''}`;
  const among = choices && choices.length <= 5 ? ` (${choices.join(', ')})` : '';
  return `  ${names.padEnd(46)}  ${help}${among}`;
}

/** `millrace dbt --help`, or that of one command. */
export function helpText(command: CommandName | null): string {
  if (command === null)
    return [
      'Usage: millrace dbt [options] <command> [options]',
      '',
      'Runs a dbt project as it is, with dbt’s commands, options and exit codes.',
      '',
      'Commands:',
      ...COMMANDS.map((name) => `  ${name.padEnd(18)}  ${ABOUT[name]}`),
      '',
      'millrace dbt <command> --help lists the options of a command.',
    ].join('\n');
  return [
    `Usage: millrace dbt ${command} [options]${command === 'run-operation' ? ' <macro>' : ''}`,
    '',
    `${ABOUT[command].slice(0, 1).toUpperCase()}${ABOUT[command].slice(1)}`,
    '',
    'Options:',
    ...OPTIONS.filter(usual(command)).map(optionLine),
  ].join('\n');
}
