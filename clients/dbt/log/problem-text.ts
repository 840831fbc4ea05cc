import { formatPosition, MillraceError } from '../../../schemas/errors.js';

/** An error line by line: what, where, what to do. */
export function problemText(error: unknown): string {
  if (!(error instanceof MillraceError)) return error instanceof Error ? error.message : String(error);
  const where = formatPosition(error.where);
  const { type, what, fix } = error;
  return [
    `${type}: ${what}`,
    ...(where ? [`  at   ${where.replace(/^at /, '')}`] : []),
    ...(fix === undefined ? [] : [`  fix  ${fix}`]),
  ].join('\n');
}
