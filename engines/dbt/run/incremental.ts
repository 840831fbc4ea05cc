import { MillraceError } from '../../../schemas/errors.js';
import { Column } from '../context/column.js';
import type { Relation } from '../context/relation.js';
import { isNumber, iterate, str, truthy, type Dict, type Value } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { asList } from '../parse/config.js';
import { createTable, fullRefresh, rowsOf } from './create.js';
import type { Made, Task } from './task.js';

/** dbt's own strategies, and the dialects that have them; any other name is a macro of the project. */
const STRATEGIES: Readonly<Record<string, readonly string[]>> = {
  append: ['duckdb', 'snowflake', 'postgres'],
  'delete+insert': ['duckdb', 'snowflake', 'postgres'],
  merge: ['duckdb', 'snowflake', 'postgres'],
  microbatch: ['duckdb', 'snowflake', 'postgres'],
  insert_overwrite: ['snowflake'],
};

/** Adds new rows to the table that is there, by the strategy of the config; makes the table where there is none. */
export async function materializeIncremental(task: Task): Promise<Made> {
  const { node, there } = task;
  if (there !== 'table' || (await fullRefresh(task)))
    return { type: 'table', rows: rowsOf(await createTable(task)) };
  const target = task.relation('table');
  const temporary = await temporaryOf(task, target);
  await task.run(await task.macro('create_table_as', [true, temporary, await task.compile()]));
  const columns = await syncColumns(task, temporary, target);
  const uniqueKey = node.config.get('unique_key') ?? null;
  requireKey(node, uniqueKey, columns);
  const predicates = node.config.get('predicates') ?? node.config.get('incremental_predicates') ?? null;
  const given: Dict = new Map<Value, Value>([
    ['target_relation', target],
    ['temp_relation', temporary],
    ['unique_key', uniqueKey],
    ['dest_columns', columns],
    ['incremental_predicates', predicates],
  ]);
  const answer = await task.run(await task.macro(strategyMacro(task), [given]));
  await task.run(`drop table if exists ${temporary.toString()}`);
  return { type: 'table', rows: rowsOf(answer), continued: true };
}

/** where the new rows are put first: a temporary table, without a schema where those have none */
async function temporaryOf(task: Task, target: Relation): Promise<Relation> {
  const made = await task.call('make_temp_relation', [target]);
  return made as Relation;
}

/** Brings the target's columns in line as `on_schema_change` says. @returns the columns that rows are written to */
async function syncColumns(task: Task, temporary: Relation, target: Relation): Promise<Value[]> {
  const wanted = str(task.node.config.get('on_schema_change') ?? 'ignore');
  const rule = await task.call('incremental_validate_on_schema_change', [wanted, 'ignore']);
  const synced = await task.call('process_schema_changes', [rule, temporary, target]);
  if (truthy(synced)) return [...iterate(synced)];
  return [...iterate(await task.call('get_columns_in_relation', [target]))];
}

function strategyMacro({ node, job }: Task): string {
  const strategy = str(node.config.get('incremental_strategy') ?? 'default') || 'default';
  const dialects = STRATEGIES[strategy];
  if (dialects && !dialects.includes(job.warehouse.dialect))
    throw new MillraceError('Unsupported', {
      what: `${node.id}: the incremental strategy '${strategy}' is not there on ${job.warehouse.dialect}`,
      where: { file: node.file, line: 1 },
      fix: `Take one of ${Object.keys(STRATEGIES)
        .filter((each) => STRATEGIES[each]?.includes(job.warehouse.dialect))
        .join(', ')}`,
    });
  const macro = `get_incremental_${strategy.replaceAll('+', '_')}_sql`;
  if (job.environment.macros.find(macro, node.package)) return macro;
  throw new MillraceError('Unsupported', {
    what: `${node.id}: there is no macro '${macro}' for its incremental strategy '${strategy}'`,
    where: { file: node.file, line: 1 },
    fix: `Define the macro, or take one of ${Object.keys(STRATEGIES).join(', ')}`,
  });
}

/** A key that the query does not give is better told by its name than by the warehouse's words. */
function requireKey(node: Node, uniqueKey: Value, columns: Value[]): void {
  const names = new Set(
    columns.flatMap((column) => (column instanceof Column ? [column.name.toLowerCase()] : [])),
  );
  for (const key of asList(uniqueKey)) {
    const name = isNumber(key) ? '' : str(key);
    // an expression is the warehouse's business
    if (!/^[a-z_]\w*$/i.test(name) || names.has(name.toLowerCase())) continue;
    throw new MillraceError('SqlError', {
      what: `${node.id}: its unique_key '${name}' is none of its columns (${[...names].join(', ')})`,
      where: { file: node.file, line: 1 },
      fix: 'Name a column of the model under unique_key, or leave it out. If the table was changed by hand, build it with --full-refresh',
    });
  }
}
