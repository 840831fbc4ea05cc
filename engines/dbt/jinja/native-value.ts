import type { Expression } from './ast.js';
import { evaluate } from './evaluate.js';
import { JinjaFault } from './fault.js';
import { NativeText } from './native-text.js';
import { parseTemplate } from './parser.js';
import { Scope } from './scope.js';
import { isNumber, type Value } from './values.js';

const LITERAL = /^\s*(?:True|False|None|[+-]?[\d.]|[[({'"])/;
const NO_NAMES = new Scope({ get: () => undefined, names: () => [], lenient: false });

const isLiteral = (node: Expression): boolean =>
  node.kind === 'literal' ||
  node.kind === 'float' ||
  ((node.kind === 'list' || node.kind === 'tuple') && node.items.every(isLiteral)) ||
  (node.kind === 'dict' && node.entries.every((pair) => pair.every(isLiteral))) ||
  (node.kind === 'unary' && node.operator !== 'not' && isLiteral(node.operand));

/** `ast.literal_eval`: the value a text is the Python notation of, or the text itself */
function literal(text: string): Value {
  if (!LITERAL.test(text)) return text;
  try {
    const [statement, ...rest] = parseTemplate(`{{ ${text} }}`, '').body;
    if (rest.length > 0 || statement?.kind !== 'output' || !isLiteral(statement.value)) return text;
    return evaluate(statement.value, NO_NAMES);
  } catch {
    return text;
  }
}

/**
 * What a single value of rendered YAML stands for. As in dbt a text stays a text, unless a filter has marked it.
 *
 * @throws JinjaFault when it is not of the type that it was marked with
 */
export function nativeValue(value: Value): Value {
  if (!(value instanceof NativeText)) return value;
  const { text, kind } = value;
  const read = literal(text);
  const isBoolean = typeof read === 'boolean';
  if (kind === 'native' || (kind === 'bool' ? isBoolean : isNumber(read) && !isBoolean)) return read;
  throw new JinjaFault(`Could not convert value '${text}' into type '${kind}'`);
}
