import type { Template } from '../jinja/ast.js';
import { JinjaFault } from '../jinja/fault.js';
import { parseTemplate } from '../jinja/parser.js';

const PARSED = new Map<string, { text: string; template: Template }>();
/** about ten large projects; the oldest go first */
const KEPT = 20_000;

/** A file's template; parsed once while its text stays the same. @throws MillraceError JinjaError */
export function templateOf(text: string, file: string): Template {
  const key = `${file}\0${text.length}`;
  const known = PARSED.get(key);
  if (known?.text === text) return known.template;
  let template;
  try {
    template = parseTemplate(text, file);
  } catch (cause) {
    throw cause instanceof JinjaFault ? cause.toError() : cause;
  }
  PARSED.set(key, { text, template });
  if (PARSED.size > KEPT) PARSED.delete(PARSED.keys().next().value ?? '');
  return template;
}
