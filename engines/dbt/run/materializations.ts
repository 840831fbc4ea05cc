import { MillraceError } from '../../../schemas/errors.js';
import { materialization, type Node } from '../manifest.js';
import { CREATING, createTable, fullRefresh, replaceBy, rowsOf } from './create.js';
import { materializeExternal, materializeTableFunction } from './duckdb-only.js';
import { materializeIncremental } from './incremental.js';
import { materializeSeed } from './seed.js';
import { materializeSnapshot } from './snapshot.js';
import type { Made, Materialization, Task } from './task.js';

/** How each kind of node is made; a project's `{% materialization %}` of the same name wins. */
export const MATERIALIZATIONS: Readonly<Record<string, Materialization>> = {
  view: materializeView,
  table: materializeTable,
  incremental: materializeIncremental,
  materialized_view: materializeMaterializedView,
  /** Snowflake's name of it */
  dynamic_table: materializeMaterializedView,
  external: materializeExternal,
  table_function: materializeTableFunction,
  seed: materializeSeed,
  snapshot: materializeSnapshot,
};

/** @throws MillraceError Unsupported for a name that nobody defines */
export function builtIn(node: Node): Materialization {
  const name = materialization(node);
  const found = MATERIALIZATIONS[name];
  if (found) return found;
  throw new MillraceError('Unsupported', {
    what: `${node.id}: there is no materialization '${name}'`,
    where: { file: node.file, line: 1 },
    fix: `Take one of ${Object.keys(MATERIALIZATIONS).join(', ')}, or define it: {% materialization ${name}, default %}`,
  });
}

/** A view of the node's query, in the place of what stands there. */
export async function materializeView(task: Task): Promise<Made> {
  await replaceBy(task, 'view', CREATING.view, []);
  return { type: 'view', rows: null };
}

/** A table of the node's query, in the place of what stands there. */
export async function materializeTable(task: Task): Promise<Made> {
  const answer = await createTable(task);
  return { type: 'table', rows: rowsOf(answer) };
}

async function materializeMaterializedView(task: Task): Promise<Made> {
  if (task.there === 'materialized_view' && !(await fullRefresh(task))) {
    await task.run(await task.macro('refresh_materialized_view', [task.relation('materialized_view')]));
    return { type: 'materialized_view', rows: null };
  }
  await replaceBy(task, 'materialized_view', 'get_create_materialized_view_as_sql', []);
  return { type: 'materialized_view', rows: null };
}
