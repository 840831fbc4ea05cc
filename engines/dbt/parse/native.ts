import { nativeValue } from '../jinja/native-value.js';
import { parseTemplate } from '../jinja/parser.js';
import { renderParts } from '../jinja/render.js';
import type { Scope } from '../jinja/scope.js';
import { str, toPlain, type Value } from '../jinja/values.js';

const HAS_JINJA = /\{[{%#]|[#}%]\}/;

export const hasJinja = (text: string): boolean => HAS_JINJA.test(text);
/** Renders a text of a YAML file to a value: `"{{ var('on', true) }}"` is a boolean, as in dbt. */
export function renderNative(text: string, scope: Scope, file: string): Value {
  if (!HAS_JINJA.test(text)) return text;
  const parts = renderParts(parseTemplate(text, file), scope);
  if (parts.length === 1) {
    return nativeValue(parts[0] as Value);
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
