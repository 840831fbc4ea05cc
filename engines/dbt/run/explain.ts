import { MillraceError } from '../../../schemas/errors.js';
import type { Node } from '../manifest.js';
import { sourceLine } from './source-line.js';

/**
 * Gives a warehouse's error the node it belongs to, and the line of its template.
 *
 * @param above lines of the statement before the compiled SQL: a model's stands inside a CREATE
 * @param compiled the node's SQL, where it is known
 */
export function explain(cause: unknown, node: Node, above = 1, compiled?: string): unknown {
  if (!(cause instanceof MillraceError) || cause.type !== 'SqlError') return cause;
  if (cause.what.startsWith(`${node.id}: `)) return cause;
  const inQuery = (line: number): number => Math.max(1, line - above);
  const { line } = cause.where;
  const own = line === undefined ? null : inQuery(line);
  const source = own === null || compiled === undefined ? null : sourceLine(node.raw, compiled, own);
  return new MillraceError('SqlError', {
    what: `${node.id}: ${cause.what.replace(/^LINE (\d+):/m, (_, at: string) => `LINE ${inQuery(Number(at))}:`)}`,
    where: {
      file: node.file,
      ...(source !== null && { line: source }),
      ...(own !== null && { path: `line ${own} of its compiled SQL` }),
    },
    fix: cause.fix ?? 'Correct it, then repeat the run with --from-failure: what is built is kept',
    cause,
  });
}

/** The same for a statement that holds the node's SQL somewhere; another statement's lines are its own. */
export function explainStatement(
  cause: unknown,
  node: Node,
  statement: string,
  compiled: string | undefined,
): unknown {
  const at = compiled === undefined || compiled === '' ? -1 : statement.indexOf(compiled);
  if (at >= 0) return explain(cause, node, statement.slice(0, at).split('\n').length - 1, compiled);
  return explain(cause, node, 0);
}
