import type { Environment } from '../../engines/dbt/context/environment.js';
import { select } from '../../engines/dbt/select/selection.js';
import type { SelectingCommand } from '../../engines/dbt/select/kinds.js';
import type { Invocation } from './invocation.js';
import { tellWarnings } from './log/warnings.js';

/** Selects nodes for a command that plans by itself; templates see what was selected and what is deferred. */
export function choose(
  { settings, log }: Invocation,
  environment: Environment,
  command: SelectingCommand,
): ReadonlySet<string> {
  const { ids, warnings, deferred } = select(environment, { command });
  tellWarnings(log, settings.flags, warnings);
  environment.selected = [...ids];
  environment.deferred = deferred;
  return ids;
}
