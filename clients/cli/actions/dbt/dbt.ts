import { parseArguments } from '../../../dbt/parse-arguments.js';
import { Interrupted } from '../../../dbt/interrupted.js';
import { beginInvocation, type Invocation } from '../../../dbt/invocation.js';
import { settle } from '../../../dbt/settings.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import { DBT_VERSION } from '../../../../engines/dbt/project/dbt-version.js';
import { reportError, say } from '../../output.js';
import type { CommandName } from '../../../dbt/options.js';

type Action = (invocation: Invocation) => Promise<number>;

const run = async (): Promise<Action> => (await import('./run.js')).run;

/** Each command's code, loaded when it is called. */
const ACTIONS: Record<CommandName, () => Promise<Action>> = {
  build: run,
  run,
  test: run,
  seed: run,
  snapshot: run,
  compile: async () => (await import('./compile.js')).compile,
  show: async () => (await import('./show.js')).show,
  ls: async () => (await import('./ls.js')).ls,
  list: async () => (await import('./ls.js')).ls,
  parse: async () => (await import('./parse.js')).parse,
  debug: async () => (await import('./debug.js')).debug,
  retry: async () => (await import('./retry.js')).retry,
  deps: async () => (await import('./deps.js')).deps,
  'docs generate': async () => (await import('./docs.js')).generate,
  'docs serve': async () => (await import('./docs.js')).serve,
  publish: async () => (await import('./publish.js')).publish,
  clean: async () => (await import('./clean.js')).clean,
  clone: run,
  'run-operation': async () => (await import('./operation.js')).operation,
  'source freshness': run,
};

/**
 * `millrace dbt …`, with dbt's command line.
 *
 * @param argv what follows `dbt`
 * @returns dbt's exit codes: 0, 1 when a node failed, 2 when nothing could be run
 */
export async function dbt(argv: readonly string[]): Promise<number> {
  try {
    const parsed = parseArguments(argv);
    const { command } = parsed;
    if (parsed.version) {
      say(`Core:\n  - installed: ${DBT_VERSION} (Millrace)`);
      return DBT_EXIT.ok;
    }
    if (parsed.help || command === null) {
      const { helpText } = await import('../../../dbt/help.js');
      say(helpText(command));
      return parsed.help ? DBT_EXIT.ok : DBT_EXIT.invalid;
    }
    const load = ACTIONS[command];
    const invocation = beginInvocation(settle({ ...parsed, command }, argv));
    try {
      const again = invocation.settings.given['from_failure'] === true;
      const action = await (again ? ACTIONS.retry : load)();
      return await action(invocation);
    } finally {
      invocation.log.close();
    }
  } catch (error) {
    reportError(error, {});
    return error instanceof Interrupted ? DBT_EXIT.interrupted : DBT_EXIT.invalid;
  }
}
