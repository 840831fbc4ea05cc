import type { SelectionWarning } from '../../../engines/dbt/select/select-nodes.js';
import { MillraceError } from '../../../schemas/errors.js';
import type { DbtFlags } from '../../../schemas/dbt.js';
import type { Log } from './log.js';

/**
 * Tells warnings, or makes errors of them.
 *
 * @throws MillraceError DbtProjectInvalid for the first one that `--warn-error` (or its options) is about
 */
export function tellWarnings(
  log: Log,
  { warnError = false }: DbtFlags,
  warnings: readonly (string | SelectionWarning)[],
): void {
  for (const warning of warnings) {
    const { event, message } = typeof warning === 'string' ? { event: '', message: warning } : warning;
    if (warnError === true || (Array.isArray(warnError) && warnError.includes(event)))
      throw new MillraceError('DbtProjectInvalid', {
        what: message,
        fix: 'Correct it, or leave out --warn-error: then it is a warning only',
      });
    log.warn(message);
  }
}
