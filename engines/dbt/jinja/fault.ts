import { MillraceError, formatPosition } from '../../../schemas/errors.js';
import type { Site } from './ast.js';

/** Something a template did wrong; it gathers its position and the macros it passed through on its way out. */
export class JinjaFault extends Error {
  /** innermost first, `macro name (file:line:column of the call)` */
  readonly through: string[] = [];
  site: Site | undefined;

  constructor(
    message: string,
    site?: Site,
    readonly fix?: string,
  ) {
    super(message);
    this.site = site;
  }

  toError(): MillraceError {
    const through = this.through.length > 0 ? `, through ${this.through.join(', ')}` : '';
    return new MillraceError('JinjaError', {
      what: this.message + through,
      ...(this.site && { where: this.site }),
      fix: this.fix ?? 'Correct the template at that place',
      cause: this,
    });
  }
}

/** Gives a fault that came out of a built-in function the position of the expression that called it. */
export function locate(cause: unknown, site: Site): unknown {
  if (cause instanceof JinjaFault) cause.site ??= site;
  return cause;
}

export const passedThrough = (cause: unknown, macro: string, site: Site): unknown => {
  if (cause instanceof JinjaFault && cause.through.length < 20)
    cause.through.push(`macro ${macro}${site.file === '' ? '' : ` (called at ${formatPosition(site)})`}`);
  return cause;
};
