import { MillraceError } from '../../../schemas/errors.js';
import { quoteIdent, type ColumnInfo } from '../../warehouse/port.js';
import { Column } from '../context/column.js';
import type { Relation } from '../context/relation.js';
import { str, type Dict, type Value } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import type { Made, Task } from './task.js';

/** of the staging table, not of the snapshot */
const STAGING = /^dbt_(?:change_type|unique_key(?:_\d+)?)$/i;

/**
 * Adds to a snapshot what has changed in its query since the last time, as dbt does: rows of the query become a staging
 * table of insertions, updates and deletions, which is merged into the snapshot.
 *
 * @throws MillraceError DbtProjectInvalid, SchemaMismatch, SqlError, JinjaError
 */
export async function materializeSnapshot(task: Task): Promise<Made> {
  const { node, target, there } = task;
  if (there !== null && there !== 'table')
    throw new MillraceError('SqlError', {
      what: `The snapshot '${node.name}' is a table, and '${target.schema}.${target.name}' is a ${there}`,
      where: { file: node.file },
      fix: `Drop the ${there}, or give the snapshot another alias or schema`,
    });
  const strategyName = checkedStrategy(node);
  const query = await task.compile();
  const relation = task.relation('table');
  const strategy = await task.call('snapshot_strategy_of', [strategyName, query, relation, there !== null]);
  if (there !== null) return mergeChanges(task, relation, query, strategy);

  const sql = await task.macro('build_snapshot_table', [strategy, query]);
  const answer = await task.run(await task.macro('create_table_as', [false, relation, sql]));
  const count = Object.values(answer?.rows[0] ?? {})[0];
  return { type: 'table', rows: typeof count === 'number' ? count : null };
}

async function mergeChanges(task: Task, relation: Relation, query: string, strategy: Value): Promise<Made> {
  const { session, target } = task;
  const former = (await session.describe(target))?.columns ?? [];
  const added = (await task.call('snapshot_columns', [])) as Dict;
  refuseForeign(task.node, former, added, strategy);
  const staging = await task.call('build_snapshot_staging_table', [strategy, query, relation]);
  const staged = (await columnsOf(task, staging)).filter(({ name }) => !STAGING.test(name));
  await task.call('snapshot_expand_columns', [staging, relation]);
  const known = new Set(former.map(({ name }) => name.toLowerCase()));
  const missing = staged.filter(({ name }) => !known.has(name.toLowerCase()));
  if (missing.length > 0)
    await task.call('create_columns', [relation, missing.map(({ name, type }) => new Column(name, type))]);
  const merge = await task.macro('snapshot_merge_sql', [
    ...[relation, staging],
    staged.map(({ name }) => quoteIdent(name)),
  ]);
  const answer = await task.run(merge);
  await task.call('post_snapshot', [staging]);
  return { type: 'table', rows: answer?.changed ?? null };
}

/** by a query: the staging table may be a temporary one, which no catalog shows */
async function columnsOf({ session, job: { signal } }: Task, relation: Value): Promise<ColumnInfo[]> {
  return (await session.execute(`select * from ${str(relation)} where false`, { signal })).columns;
}

/** A table that no snapshot has made would be filled with rows that do not fit. */
function refuseForeign(node: Node, columns: readonly ColumnInfo[], added: Dict, strategy: Value): void {
  const there = new Set(columns.map(({ name }) => name.toLowerCase()));
  const recordsDeletes = strategy instanceof Map && strategy.get('hard_deletes') === 'new_record';
  const needed = [
    'dbt_scd_id',
    'dbt_valid_from',
    'dbt_valid_to',
    ...(recordsDeletes ? ['dbt_is_deleted'] : []),
  ];
  const missing = needed
    .map((name) => str(added.get(name) ?? name))
    .filter((name) => !there.has(name.toLowerCase()));
  if (missing.length === 0) return;
  throw new MillraceError('SchemaMismatch', {
    what: `Snapshot target is missing configured columns (missing "${missing.join('", "')}"): the table of the snapshot '${node.name}' is no snapshot, or was made with other settings`,
    where: { file: node.file },
    fix:
      missing.length === 1 && recordsDeletes
        ? `Add it: alter table … add column ${missing[0]} varchar default 'False'`
        : 'Rename the table that is in the way, or set snapshot_meta_column_names to the names it has',
  });
}

/** What the parser does not look at. @returns the strategy's name */
function checkedStrategy({ name, file, config }: Node): string {
  const hardDeletes = config.get('hard_deletes') ?? null;
  const invalidates = config.get('invalidate_hard_deletes') ?? null;
  const refuse = (what: string, fix: string): MillraceError =>
    new MillraceError('DbtProjectInvalid', { what: `The snapshot '${name}' ${what}`, where: { file }, fix });
  if (hardDeletes !== null && !['ignore', 'invalidate', 'new_record'].includes(str(hardDeletes)))
    throw refuse(`has hard_deletes '${str(hardDeletes)}'`, "Use 'ignore', 'invalidate' or 'new_record'");
  if (hardDeletes !== null && invalidates !== null)
    throw refuse('has both hard_deletes and invalidate_hard_deletes', 'Remove invalidate_hard_deletes');
  return str(config.get('strategy') ?? '');
}
