import { MillraceError, formatPosition, type ErrorType } from '../../../schemas/errors.js';
import type { Site } from './ast.js';

/** Something a template did wrong; it gathers its position and the macros it passed through on its way out. */
export class JinjaFault extends Error {
  /** innermost first */
  readonly through: Call[] = [];
  site: Site | undefined;

  constructor(
    message: string,
    site?: Site,
    readonly fix?: string,
    readonly type: ErrorType = 'JinjaError',
  ) {
    super(message);
    this.site = site;
  }

  /** @param isBuiltIn files that nobody can mend: the fault is where the project's own text led there */
  toError(isBuiltIn: (file: string) => boolean = () => false): MillraceError {
    let [site, calls] = [this.site, this.through];
    const own = calls.findIndex((call) => !isBuiltIn(call.site.file));
    if (site && isBuiltIn(site.file) && own >= 0) {
      site = calls[own]?.site;
      calls = calls.slice(own + 1);
    }
    const through = calls.length > 0 ? `, through ${calls.map(callText).join(', ')}` : '';
    return new MillraceError(this.type, {
      what: this.message + through,
      ...(site && { where: site }),
      fix: this.fix ?? 'Correct the template at that place',
      cause: this,
    });
  }
}

/** A macro that a fault passed through, and where it was called. */
interface Call {
  macro: string;
  site: Site;
}
const callText = ({ macro, site }: Call): string =>
  `macro ${macro}${site.file === '' ? '' : ` (called at ${formatPosition(site)})`}`;

/** Gives a fault that came out of a built-in function the position of the expression that called it. */
export function locate(cause: unknown, site: Site): unknown {
  if (cause instanceof JinjaFault) cause.site ??= site;
  return cause;
}

export const passedThrough = (cause: unknown, macro: string, site: Site): unknown => {
  if (cause instanceof JinjaFault && cause.through.length < 20) cause.through.push({ macro, site });
  return cause;
};
