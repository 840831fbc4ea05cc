// The command line as it explains itself.
import { page, table } from './markdown.mjs';

/** @param {() => import('commander').Command} createProgram @param {Record<string, number>} exits */
export function cliPage(createProgram, exits) {
  const project = process.env.MILLRACE_PROJECT;
  delete process.env.MILLRACE_PROJECT;
  const program = createProgram();
  if (project !== undefined) process.env.MILLRACE_PROJECT = project;
  return page(
    '# `millrace`, command by command',
    'In a checkout it is `npx millrace …`, from any folder below. Every command takes `-C <folder>` for a project ' +
      'elsewhere (or `MILLRACE_PROJECT`), and `--json` for one JSON document on standard output. ' +
      'Errors go to standard error.',
    '## Exit codes',
    table(['code', 'meaning'], exitRows(exits)),
    '## Commands',
    table(
      ['command', 'what it does'],
      leaves(program).map((command) => [
        `[\`${nameOf(command)}\`](#${anchor(command)})`,
        command.description(),
      ]),
    ),
    ...[program, ...leaves(program)].flatMap((command) => [
      `### ${nameOf(command)}`,
      ['```text', helpOf(command), '```'].join('\n'),
    ]),
  );
}

const MEANINGS = {
  ok: 'done',
  failed: 'the run failed, or something unexpected happened',
  usage: 'the command, the project or what it names is wrong',
  unreachable: 'no Temporal server answers',
  waiting: 'the run waits for an approval (`show`)',
  interrupted: 'ended by Ctrl-C',
};

const exitRows = (exits) =>
  Object.entries(exits).map(([name, code]) => [String(code), MEANINGS[name] ?? name]);

/** Commands that do something, in their order. @returns {import('commander').Command[]} */
export const leaves = (command) =>
  command.commands.flatMap((below) => (below.commands.length > 0 ? leaves(below) : [below]));

const nameOf = (command) => (command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name());
const anchor = (command) => nameOf(command).replaceAll(' ', '-');

function helpOf(command) {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 110 });
  command.outputHelp();
  return text.trim();
}
