import { MillraceError, formatPosition } from '../../../schemas/errors.js';
import type { Site } from './ast.js';

/** Something a template did wrong; it gathers its position and the macros it passed through on its way out. */
export class JinjaFault extends Error {
  /** innermost first, `macro name (file:line:column of the call)` */
  readonly stack_: string[] = [];
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
    const through = this.stack_.length > 0 ? `, through ${this.stack_.join(', ')}` : '';
    return new MillraceError('JinjaError', {
      what: this.message + through,
      ...(this.site && { where: this.site }),
      ...(this.fix !== undefined && { fix: this.fix }),
      cause: this,
    });
  }
}

/** Gives a fault that came out of a built-in function the position of the expression that called it. */
export function locate(cause: unknown, site: Site): unknown {
  if (cause instanceof JinjaFault) {
    cause.site ??= site;
    return cause;
  }
  if (cause instanceof RangeError && /call stack/i.test(cause.message))
    return new JinjaFault('Macros call one another without end', site, 'Give the recursion an end');
  return cause;
}

export const passedThrough = (cause: unknown, macro: string, site: Site): unknown => {
  if (cause instanceof JinjaFault && cause.stack_.length < 20)
    cause.stack_.push(`macro ${macro} (called at ${formatPosition(site)})`);
  return cause;
};
