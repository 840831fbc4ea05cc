import { MillraceError } from '../../../schemas/errors.js';
import { quoteText } from '../../warehouse/port.js';
import { isNumber, iterate, str, type Dict, type Value } from '../jinja/values.js';
import { materialization } from '../manifest.js';
import { asList } from '../parse/config.js';
import type { Made, Task } from './task.js';

/** dbt-duckdb's `external`: the rows become a file, and the relation is a view that reads it. */
export async function materializeExternal(task: Task): Promise<Made> {
  requireDuckDb(task);
  const { node, there } = task;
  const own = node.config.get('options');
  const options: Dict = new Map(own instanceof Map ? [...own] : []);
  for (const name of ['format', 'delimiter'])
    if (node.config.get(name)) options.set(name, node.config.get(name) ?? null);
  const given = node.config.get('location') ?? null;
  const location = given === null ? defaultLocation(task, options) : await task.text(str(given));
  const format = str(options.get('format') ?? /\.(csv|json)(\.\w+)?$/.exec(location)?.[1] ?? 'parquet');
  if (!FORMATS.includes(format))
    throw new MillraceError('DbtProjectInvalid', {
      what: `${node.id}: '${format}' is no format of an external file`,
      where: { file: node.file, line: 1 },
      fix: `Take one of ${FORMATS.join(', ')}`,
    });
  options.set('format', format);
  const written = [...options].map(([name, value]) => `${str(name)} ${optionText(str(name), value)}`);
  const answer = await task.run(
    `copy (\n${await task.compile()}\n) to ${quoteText(location)} (${written.join(', ')})`,
  );
  const parts = options.has('partition_by') ? `${location}/**/*.${format}` : location;
  const reading = node.config.get(`${format}_read_options`);
  const settings = reading instanceof Map ? [...reading] : [];
  const read = settings.map(([name, value]) => `, ${str(name)} = ${optionText('', value)}`).join('');
  const relation = task.relation('view').toString();
  if (there !== null && there !== 'view') await task.run(`drop ${there} ${relation}`);
  await task.run(
    `create or replace view ${relation} as (select * from read_${format}(${quoteText(parts)}${read}))`,
  );
  return { type: 'view', rows: answer?.changed ?? null };
}
const FORMATS = ['parquet', 'csv', 'json'];

/** below the profile's `external_root`, by the relation's name */
function defaultLocation({ node, job }: Task, options: Dict): string {
  const root = (job.environment.target as { external_root?: unknown }).external_root;
  const folder = typeof root === 'string' ? root : '.';
  if (options.has('partition_by')) return `${folder}/${node.relation?.name ?? node.name}`;
  return `${folder}/${node.relation?.name ?? node.name}.${str(options.get('format') ?? 'parquet')}`;
}

function optionText(name: string, value: Value): string {
  if (name === 'partition_by') {
    const columns = typeof value === 'string' ? value.replace(/^\(|\)$/g, '').split(',') : asList(value);
    return `(${[...iterate(columns)].map((column) => str(column).trim()).join(', ')})`;
  }
  return typeof value === 'boolean' || isNumber(value) ? str(value) : quoteText(str(value));
}

/** dbt-duckdb's `table_function`: the query with parameters, to be selected from by a call. */
export async function materializeTableFunction(task: Task): Promise<Made> {
  requireDuckDb(task);
  const parameters = asList(task.node.config.get('parameters')).map(str).join(', ');
  const name = task.relation('view').toString();
  await task.run(`create or replace function ${name}(${parameters}) as table (\n${await task.compile()}\n)`);
  return { type: 'view', rows: null };
}

function requireDuckDb({ node, job: { warehouse } }: Task): void {
  if (warehouse.dialect === 'duckdb') return;
  throw new MillraceError('Unsupported', {
    what: `${node.id}: the materialization '${materialization(node)}' is DuckDB's own, and not there on ${warehouse.dialect}`,
    where: { file: node.file, line: 1 },
    fix: 'Make it a table or a view',
  });
}
