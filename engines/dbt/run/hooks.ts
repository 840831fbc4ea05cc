import { fromJson } from '../jinja/json.js';
import { fromPlain, str, truthy, type Dict, type Value } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { asList } from '../parse/config.js';

/** SQL that is run before or after a node. */
export interface Hook {
  /** a template */
  sql: string;
  /** part of the node's transaction */
  transaction: boolean;
}

/** The hooks of a node, in dbt's order: the project's first, then folder by folder, the node's own at last. */
export const hooksOf = (node: Node, when: 'pre_hook' | 'post_hook'): Hook[] =>
  asList(node.config.get(when)).map(readHook);

/** A text, `{sql: …, transaction: …}`, or JSON of the latter, as `before_begin()` writes it. */
function readHook(value: Value): Hook {
  const given = value instanceof Map ? value : fromText(str(value));
  if (!given) return { sql: str(value), transaction: true };
  const transaction = given.get('transaction');
  return {
    sql: str(given.get('sql') ?? ''),
    transaction: transaction === undefined || transaction === null ? true : truthy(transaction),
  };
}

function fromText(text: string): Dict | null {
  if (!text.trim().startsWith('{"')) return null;
  try {
    const read = fromJson(text);
    return read instanceof Map && read.has('sql') ? read : null;
  } catch {
    return null;
  }
}

/** `pre_hooks` and `post_hooks` in a template. */
export const hookDicts = (hooks: readonly Hook[]): Value =>
  hooks.map(({ sql, transaction }, index) => fromPlain({ sql, transaction, index: index + 1 }));
