import type { Answer, RelationName, RelationType } from '../../warehouse/port.js';
import { str } from '../jinja/values.js';
import { materialization, type Manifest, type Node } from '../manifest.js';
import type { Task } from './task.js';

/** Makes the target a table of the node's query, in place of whatever is there. */
export const createTable = (task: Task): Promise<Answer | null> =>
  replaceBy(task, 'table', CREATING.table, [false]);

/** `should_full_refresh()`, which a project may have its own version of */
export const fullRefresh = async (task: Task): Promise<boolean> => {
  const wanted = await task.call('should_full_refresh');
  return wanted === true || str(wanted).trim() === 'True';
};

/**
 * Creates the target by a macro that gets a relation and the node's SQL. Where the statement cannot replace what is
 * there, the new relation is made aside and put into its place.
 */
export async function replaceBy(
  task: Task,
  type: RelationType,
  macro: string,
  before: boolean[],
): Promise<Answer | null> {
  const { session, target, there } = task;
  const sql = await task.compile();
  const create = (ending = ''): Promise<string> =>
    task.macro(macro, [...before, task.relation(type, ending), sql]);
  if (there === 'table' && mayHaveDependents(task))
    await task.call('drop_foreign_key_dependents', [task.relation('table')]);
  const statement = await create();
  if (there === null || (there === type && REPLACES.test(statement))) return task.run(statement);
  const aside: RelationName = { ...target, name: `${target.name}${ASIDE}` };
  const answer = await task.run(await create(ASIDE));
  await session.replace({ ...aside, type }, target, there);
  return answer;
}

/**
 * The one statement that makes a view or a table, which needs no transaction around it.
 *
 * @returns null where it takes more than one, or where that cannot be told
 */
export async function singleStatement(task: Task): Promise<{ sql: string; type: RelationType } | null> {
  const { node, there } = task;
  const type = materialization(node) === 'view' ? 'view' : 'table';
  if (there !== null && (there !== type || mayHaveDependents(task))) return null;
  const compiled = await task.compile();
  const before = type === 'table' ? [false] : [];
  const sql = await task.macro(CREATING[type], [...before, task.relation(type), compiled]);
  const single = !sql.trim().slice(0, -1).includes(';');
  return single && (there === null || REPLACES.test(sql)) ? { sql, type } : null;
}
export const CREATING = { view: 'get_create_view_as_sql', table: 'get_create_table_as_sql' } as const;

const ASIDE = '__dbt_tmp';
/** the last statement that creates something also replaces it */
const REPLACES = /\bcreate\s+or\s+replace\b/i;

/** only DuckDB keeps a table because a foreign key refers to it, and only where a model declares one */
function mayHaveDependents({ job: { warehouse, environment } }: Task): boolean {
  if (warehouse.dialect !== 'duckdb') return false;
  const { manifest } = environment;
  let any = FOREIGN_KEYS.get(manifest);
  if (any === undefined) FOREIGN_KEYS.set(manifest, (any = [...manifest.nodes.values()].some(hasForeignKey)));
  return any;
}
const FOREIGN_KEYS = new WeakMap<Manifest, boolean>();

export const hasForeignKey = ({ columns, constraints = [] }: Node): boolean =>
  [...constraints, ...columns.flatMap((column) => column.constraints ?? [])].some(
    ({ type }) => type === 'foreign_key',
  );

/** Rows a statement made or changed: DuckDB tells them as a row, others beside it. */
export function rowsOf(answer: Answer | null): number | null {
  if (!answer) return null;
  const [row] = answer.rows;
  const [column, ...others] = answer.columns;
  const count =
    column && others.length === 0 && /^count$/i.test(column.name) ? row?.[column.name] : undefined;
  return count === undefined || count === null ? answer.changed : Number(count);
}
