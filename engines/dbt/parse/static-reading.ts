import type { Argument, Expression, Template } from '../jinja/ast.js';
import { JinjaFault } from '../jinja/fault.js';
import { Float, type Dict, type Value } from '../jinja/values.js';
import type { Reference } from '../manifest.js';
import { collectConfig } from './config.js';
import type { Reading } from './read-node.js';

const READ = new WeakMap<Template, Reading | null>();

/** {@link readWithoutRendering}, once for each template. */
export function readStatically(template: Template): Reading | null {
  let reading = READ.get(template);
  if (reading === undefined) READ.set(template, (reading = readWithoutRendering(template)));
  return reading;
}

/**
 * What a template refers to and sets, when that can be seen without running it: it holds text, and calls of `ref`,
 * `source` and `config` with literals. Most models are like that, and this is many times faster.
 *
 * @returns null for a template that must be rendered
 */
function readWithoutRendering({ body }: Template): Reading | null {
  const references: Reference[] = [];
  const calls: [Value, Value][][] = [];
  for (const statement of body) {
    if (statement.kind === 'text') continue;
    if (statement.kind !== 'output' || statement.value.kind !== 'call') return null;
    const { callee, args, site } = statement.value;
    if (callee.kind !== 'name') return null;
    if (callee.name === 'config') {
      const given = keywords(args);
      if (!given) return null;
      calls.push(given);
    } else if (callee.name === 'ref' || callee.name === 'source') {
      const reference = readReference(callee.name, args);
      if (!reference) return null;
      references.push({ ...reference, where: site });
    } else return null;
  }
  const config: Dict = new Map();
  try {
    for (const given of calls) collectConfig(config, given);
  } catch (cause) {
    throw cause instanceof JinjaFault ? cause.toError() : cause;
  }
  return { references, config, macros: [] };
}

function readReference(kind: 'ref' | 'source', args: readonly Argument[]): Omit<Reference, 'where'> | null {
  const path: string[] = [];
  let version: string | undefined;
  for (const { name, spread, value } of args) {
    if (spread || value.kind !== 'literal') return null;
    if (name === undefined && typeof value.value === 'string') path.push(value.value);
    else if ((name === 'v' || name === 'version') && value.value !== null) version = String(value.value);
    else return null;
  }
  if (path.length < (kind === 'ref' ? 1 : 2) || path.length > 2) return null;
  return { kind, path, ...(version !== undefined && { version }) };
}

function keywords(args: readonly Argument[]): [Value, Value][] | null {
  const given: [Value, Value][] = [];
  for (const { name, spread, value } of args) {
    const read = literal(value);
    if (name === undefined || spread || read === undefined) return null;
    given.push([name, read]);
  }
  return given;
}

/** @returns undefined for what has to be worked out */
function literal(value: Expression): Value | undefined {
  switch (value.kind) {
    case 'literal':
      return value.value;
    case 'float':
      return Number.isInteger(value.value) ? new Float(value.value) : value.value;
    case 'list': {
      const items = value.items.map(literal);
      return items.includes(undefined) ? undefined : (items as Value[]);
    }
    case 'dict': {
      const made: Dict = new Map();
      for (const [key, item] of value.entries) {
        const [name, read] = [literal(key), literal(item)];
        if (name === undefined || read === undefined) return undefined;
        made.set(name, read);
      }
      return made;
    }
    default:
      return undefined;
  }
}
