import { operationId, runOperation } from '../../../../engines/dbt/run/operation.js';
import { failedRecord, record } from '../../../../engines/dbt/run/record.js';
import { MillraceError } from '../../../../schemas/errors.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import { writeArtifacts } from '../../../dbt/finish.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { problemText } from '../../../dbt/log/problem-text.js';
import { withProject } from '../../../dbt/open.js';
import { TargetFolder } from '../../../dbt/write-target.js';

/** `run-operation`: calls one macro with `--args`. */
export function operation(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  const { macro, args = {} } = settings.flags;
  if (macro === undefined)
    throw new MillraceError('ProjectInvalid', {
      what: 'run-operation names no macro',
      fix: 'Write millrace dbt run-operation NAME, and its arguments as --args',
    });
  const reading = { command: 'run-operation', planned: false } as const;
  return withProject(invocation, reading, async ({ environment, warehouse, signal }) => {
    const began = new Date();
    const id = operationId(environment.macros, macro);
    const options = { command: reading.command, flags: settings.flags, reuse: false, ledger: false };
    const job = { warehouse, environment, options, signal, results: [] };
    let done;
    try {
      done = await record({ id, relation: null }, environment.target.database, () =>
        runOperation(job, macro, args),
      );
    } catch (error) {
      signal.throwIfAborted();
      log.error(`Encountered an error while running operation: ${problemText(error)}`);
      done = failedRecord(id, began, error);
    }
    const seconds = (Date.now() - began.getTime()) / 1000;
    writeArtifacts(invocation, environment, new TargetFolder(settings.target), [done], seconds);
    return done.result.status === 'error' ? DBT_EXIT.failed : DBT_EXIT.ok;
  });
}
