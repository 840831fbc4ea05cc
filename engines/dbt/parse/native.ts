import { evaluate } from '../jinja/evaluate.js';
import { JinjaFault } from '../jinja/fault.js';
import { NativeText } from '../jinja/native-text.js';
import { parseTemplate } from '../jinja/parser.js';
import { renderParts } from '../jinja/render.js';
import type { Scope } from '../jinja/scope.js';
import { isNumber, str, toPlain, type Value } from '../jinja/values.js';
import type { Expression } from '../jinja/ast.js';

const HAS_JINJA = /\{[{%#]|[#}%]\}/;

export const hasJinja = (text: string): boolean => HAS_JINJA.test(text);
const LITERAL = /^\s*(?:True|False|None|[+-]?[\d.]|[[({'"])/;

const isLiteral = (node: Expression): boolean =>
  node.kind === 'literal' ||
  node.kind === 'float' ||
  ((node.kind === 'list' || node.kind === 'tuple') && node.items.every(isLiteral)) ||
  (node.kind === 'dict' && node.entries.every((pair) => pair.every(isLiteral))) ||
  (node.kind === 'unary' && node.operator !== 'not' && isLiteral(node.operand));

/** `ast.literal_eval`: the value a text is the Python notation of, or the text itself */
function literal(text: string, scope: Scope): Value {
  if (!LITERAL.test(text)) return text;
  try {
    const [statement, ...rest] = parseTemplate(`{{ ${text} }}`, '').body;
    if (rest.length > 0 || statement?.kind !== 'output' || !isLiteral(statement.value)) return text;
    return evaluate(statement.value, scope);
  } catch {
    return text;
  }
}

/** a text that `as_native`, `as_bool` or `as_number` says to read */
function marked({ text, kind }: NativeText, scope: Scope, file: string): Value {
  const value = literal(text, scope);
  const fits = {
    native: true,
    bool: typeof value === 'boolean',
    number: isNumber(value) && typeof value !== 'boolean',
  };
  if (fits[kind]) return value;
  throw new JinjaFault(`Could not convert value '${text}' into type '${kind}'`, { file, line: 1, column: 1 });
}

/** Renders a text of a YAML file to a value: `"{{ var('on', true) }}"` is a boolean, as in dbt. */
export function renderNative(text: string, scope: Scope, file: string): Value {
  if (!HAS_JINJA.test(text)) return text;
  const parts = renderParts(parseTemplate(text, file), scope);
  if (parts.length === 1) {
    const [only] = parts as [Value];
    return only instanceof NativeText ? marked(only, scope, file) : only;
  }
  return parts.map(str).join('');
}

/** {@link renderNative} for every text inside plain data; the result is plain again. */
export function renderDeep(value: unknown, scope: Scope, file: string): unknown {
  if (typeof value === 'string')
    return HAS_JINJA.test(value) ? toPlain(renderNative(value, scope, file)) : value;
  if (Array.isArray(value)) return value.map((item) => renderDeep(item, scope, file));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, renderDeep(item, scope, file)]));
}
