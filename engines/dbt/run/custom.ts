import { MillraceError } from '../../../schemas/errors.js';
import type { ListedRelation, Session } from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';
import { Relation } from '../context/relation.js';
import { MacroObject } from '../jinja/render.js';
import type { Macro } from '../jinja/ast.js';
import { iterate, type Value } from '../jinja/values.js';
import { BUILT_IN } from '../macros.js';
import { materialization, type Node } from '../manifest.js';
import { catalogOf } from './catalog.js';
import { Compiler, type Substitutes } from './compile.js';
import { explainStatement } from './explain.js';
import { hookDicts } from './hooks.js';
import { ownTransactions } from './own-transactions.js';
import { rowsOf } from './create.js';
import { nodeHooks } from './make.js';
import { MATERIALIZATIONS } from './materializations.js';
import type { Made, Making } from './task.js';

/**
 * The `{% materialization %}` that makes a node, where the project or a package has one. As in dbt, a package cannot
 * replace a built-in one: only the project itself can.
 */
export function customMacro({ macros, target }: Environment, node: Node): Macro | undefined {
  const name = materialization(node);
  for (const adapter of [target.type, 'default']) {
    const macro = `materialization_${name}_${adapter}`;
    const own = macros.in(macros.root, macro);
    if (own) return own;
    if (Object.hasOwn(MATERIALIZATIONS, name)) continue;
    for (const owner of macros.packageNames()) {
      const found = owner === BUILT_IN ? undefined : macros.in(owner, macro);
      if (found) return found;
    }
  }
  return undefined;
}

/**
 * Makes a node by a materialization in Jinja. It says itself when it commits; what it leaves open is committed with
 * `record`.
 */
export async function makeCustom(
  { job, node, target, compiled = '' }: Pick<Making, 'job' | 'node' | 'target' | 'compiled'>,
  macro: Macro,
  record?: (session: Session, made: Made) => Promise<void>,
): Promise<Made> {
  const { warehouse, environment, signal } = job;
  const substitutes: Substitutes = new Map([[node.id, target]]);
  const hooks = nodeHooks(node);
  const names: Record<string, Value> = {
    ...{ sql: compiled, compiled_code: compiled },
    pre_hooks: hookDicts(hooks.pre),
    post_hooks: hookDicts(hooks.post),
  };
  let rows: number | null = null;
  const note = (session: Session): Session => ({
    ...session,
    execute: async (sql, statement) => {
      try {
        const answer = await session.execute(sql, statement);
        if (compiled !== '' && sql.includes(compiled)) rows = rowsOf(answer);
        return answer;
      } catch (cause) {
        throw explainStatement(cause, node, sql, compiled);
      }
    },
  });
  try {
    return await warehouse.connection(
      (connection) =>
        ownTransactions(connection, async (session) => {
          const compiler = new Compiler(environment, note(session), signal);
          const result = await compiler.rendered(node, { substitutes, names, compiled }, (context) =>
            new MacroObject(macro, context.root()).call([], {}, { file: node.file, line: 1, column: 1 }),
          );
          const made: Made = { type: typeOfResult(node, result), rows };
          await record?.(session, made);
          return made;
        }),
      { signal },
    );
  } finally {
    catalogOf(environment, warehouse).forget();
  }
}

/** What a materialization returns: `{'relations': [...]}`. */
function typeOfResult(node: Node, result: Value): ListedRelation['type'] {
  const relations = result instanceof Map ? result.get('relations') : undefined;
  if (relations === undefined)
    throw new MillraceError('Unsupported', {
      what: `${node.id}: the materialization '${materialization(node)}' does not say what it made`,
      where: { file: node.file, line: 1 },
      fix: "End it with {{ return({'relations': [target_relation]}) }}",
    });
  const [first] = iterate(relations);
  return first instanceof Relation && first.parts.type === 'view' ? 'view' : 'table';
}
