import { MillraceError, type Position } from '../../../schemas/errors.js';
import type { Argument, Expression } from '../jinja/ast.js';
import { JinjaFault } from '../jinja/fault.js';
import { parseTemplate } from '../jinja/parser.js';
import type { Reference } from '../manifest.js';

/** Reads a text such as `ref('orders', v=2)` or `source('shop', 'orders')` without running it; null for anything else. */
export function staticReference(text: string, where: Position): Reference | null {
  const call = readCall(text);
  if (call?.callee.kind !== 'name') return null;
  const { name } = call.callee;
  if (name !== 'ref' && name !== 'source') return null;
  const path = call.args.flatMap((argument) =>
    argument.name === undefined ? (literal(argument) ?? []) : [],
  );
  const version = call.args.find((argument) => argument.name === 'v' || argument.name === 'version');
  if (path.length < (name === 'ref' ? 1 : 2) || path.length > 2) return null;
  const named = version && literal(version);
  return { kind: name, path, ...(named !== undefined && { version: named }), where };
}

/** {@link staticReference} for what must be one. @throws MillraceError DbtProjectInvalid */
export function requiredReference(text: string, of: string, where: Position): Reference {
  const found = staticReference(text, where);
  if (found) return found;
  throw new MillraceError('DbtProjectInvalid', {
    what: `${of}: '${text}' is neither a ref() nor a source()`,
    where,
    fix: "Write ref('model') or source('source', 'table')",
  });
}

/** Arguments of `metric('name')` or `metric('package', 'name')`; null for anything else. */
export function staticMetric(text: string): string[] | null {
  const call = readCall(text);
  if (call?.callee.kind !== 'name' || call.callee.name !== 'metric') return null;
  return call.args.flatMap((argument) => literal(argument) ?? []);
}

function readCall(text: string): (Expression & { kind: 'call' }) | null {
  try {
    const bare = text.trim().replace(/^\{\{|\}\}$/g, '');
    const [statement, ...rest] = parseTemplate(`{{ ${bare} }}`, '').body;
    if (rest.length > 0 || statement?.kind !== 'output' || statement.value.kind !== 'call') return null;
    return statement.value;
  } catch (cause) {
    if (cause instanceof JinjaFault) return null;
    throw cause;
  }
}

const literal = ({ value }: Argument): string | undefined =>
  value.kind === 'literal' || value.kind === 'float' ? String(value.value) : undefined;
