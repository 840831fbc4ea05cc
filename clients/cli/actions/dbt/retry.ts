import { readArtifact } from '../../../../engines/dbt/state/artifact.js';
import { MillraceError } from '../../../../schemas/errors.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { COMMANDS, OPTIONS, RETRYABLE, type CommandName } from '../../../dbt/options.js';
import { flagsOf, text } from '../../../dbt/settings.js';
import { run } from './run.js';

const AGAIN = new Set(['error', 'fail', 'skipped', 'runtime error', 'partial success']);
/** What a retry takes over from the call before: what changes results, not where things are. */
const KEPT = new Set(
  OPTIONS.filter(
    ({ name }) => !/_dir$|_path$|^(select|exclude|selector|models|state|database|local)$/.test(name),
  ).map(({ name }) => name),
);

/** `retry`: what failed or was skipped in the run that `target/run_results.json` (or `--state`) tells of. */
export function retry(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  const folder = text(settings.given, 'state') ?? settings.target;
  const previous = readArtifact(folder, 'run_results.json');
  if (!previous)
    throw new MillraceError('ObjectMissing', {
      what: 'There is no run to retry: run_results.json is missing',
      where: { file: folder },
      fix: 'Run a command first, or name the target folder of a former run by --state. A workflow whose command was killed goes on when the same command is given again',
    });
  const { args } = previous as unknown as { args?: Record<string, unknown> };
  const which = COMMANDS.find((name) => name === args?.['which']);
  if (which === undefined || !RETRYABLE.has(which))
    throw new MillraceError('ProjectInvalid', {
      what: `The former command, '${String(args?.['which'])}', cannot be retried`,
      fix: `Commands that can: ${[...RETRYABLE].join(', ')}`,
    });
  const only = previous.results.filter(({ status }) => AGAIN.has(status)).map(({ unique_id: id }) => id);
  if (only.length === 0) {
    log.info('Nothing to do. Try checking your model configs and model specification args');
    return Promise.resolve(DBT_EXIT.ok);
  }
  return run({ ...invocation, settings: retried(invocation, which, args ?? {}), only });
}

function retried(
  { settings }: Invocation,
  command: CommandName,
  args: Record<string, unknown>,
): Invocation['settings'] {
  const former = Object.fromEntries(
    Object.entries(args).filter(([name, value]) => KEPT.has(name) && value !== null && value !== undefined),
  );
  const given = { ...former, ...settings.given };
  return { ...settings, command, given, flags: flagsOf(given, { command, operands: settings.operands }) };
}
