import { parseTemplate } from '../jinja/parser.js';
import { renderParts } from '../jinja/render.js';
import { JinjaFault } from '../jinja/fault.js';
import type { Environment } from '../context/environment.js';
import type { Node } from '../manifest.js';
import { readNode, type Reading } from './read-node.js';

const CALL = /\bdbt\.(ref|source|config)\s*\(/g;

/** What a Python model refers to: its calls of `dbt.ref`, `dbt.source` and `dbt.config`, read without running it. */
export function readPython(environment: Environment, node: Node): Reading {
  const calls = [...node.raw.matchAll(CALL)].flatMap((found) => {
    const text = callText(node.raw, found.index + 'dbt.'.length);
    return text !== null && isReadable(text) ? [`{{ ${text} }}`] : [];
  });
  const template = parseTemplate(calls.join('\n'), node.file);
  return readNode(environment, node, (context) => renderParts(template, context.root()));
}

/** `dbt.config.get(…)` and computed names have no meaning here */
function isReadable(text: string): boolean {
  try {
    parseTemplate(`{{ ${text} }}`, '');
    return true;
  } catch (cause) {
    if (cause instanceof JinjaFault) return false;
    throw cause;
  }
}

/** from the name to its closing bracket */
function callText(code: string, start: number): string | null {
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    const char = code[at] ?? '';
    if (char === '"' || char === "'") {
      const end = code.indexOf(char, at + 1);
      if (end < 0) return null;
      at = end;
    } else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return code.slice(start, at + 1);
  }
  return null;
}
