import { MillraceError } from '../../../schemas/errors.js';
import { str, truthy } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { readText } from '../project/files.js';
import { quoteIdent, quoteStored, quoteText, type Dialect } from '../../warehouse/port.js';
import { parseCsv, type CsvRecord } from './seed-csv.js';
import { guessType, isNull } from './seed-types.js';
import type { Made, Task } from './task.js';

export interface SeedColumn {
  name: string;
  type: string;
}

interface SeedFile {
  columns: SeedColumn[];
  rows: string[][];
  delimiter: string;
}

/** rows of one insert, where a warehouse cannot read the file itself; dbt's number */
const BATCH = 10_000;

/**
 * Loads a seed as dbt does: a table that is there is emptied and filled again, `--full-refresh` makes it anew. Outside
 * of `millrace dbt` it is also made anew when its columns have changed.
 *
 * @throws MillraceError FormatMismatch, SourceEmpty, SchemaMismatch, SqlError
 */
export async function materializeSeed(task: Task): Promise<Made> {
  const { node, session, target, there } = task;
  const seed = readSeed(node);
  const { dialect } = task.job.warehouse;
  const name = quoteStored(dialect, target);
  if (there !== null && there !== 'table')
    throw new MillraceError('SqlError', {
      what: `Cannot seed to '${target.schema}.${target.name}', it is a ${there}`,
      where: { file: node.file },
      fix: `Drop the ${there}, or give the seed another alias or schema`,
    });
  const refresh = truthy(await task.call('should_full_refresh', []));
  const former = there === null ? null : await session.describe(target);
  const fits = former?.columns.length === seed.columns.length;
  if (former && !refresh && !fits && !task.job.options.ledger)
    throw new MillraceError('SchemaMismatch', {
      what: `The seed '${node.name}' has ${seed.columns.length} columns, the table it is loaded into has ${former.columns.length}`,
      where: { file: node.file },
      fix: 'Run it with --full-refresh, which makes the table anew',
    });
  if (former && !refresh && fits)
    await task.run(await task.macro('get_truncate_seed_sql', [task.relation('table')]));
  else {
    if (former) await task.run(`drop table ${name}`);
    await task.run(createTable(node, name, seed.columns, dialect));
  }
  if (seed.rows.length > 0) await load(task, seed);
  const code = refresh ? 'CREATE' : 'INSERT';
  const rows = seed.rows.length;
  return {
    rows,
    type: 'table',
    response: { _message: `${code} ${rows}`, code, rows_affected: rows },
  };
}

async function load(task: Task, { columns, rows, delimiter }: SeedFile): Promise<void> {
  const { node, target } = task;
  const bulk = await task.macro('get_seed_file_load_sql', [
    task.relation('table'),
    node.absolute ?? '',
    delimiter,
  ]);
  // only a file whose nulls are all empty fields means the same to the warehouse as to dbt
  const plain = columns.every(
    ({ type }, at) => isText(type) || rows.every((cells) => cells[at] === '' || !isNull(cells[at] ?? '')),
  );
  if (bulk.trim() !== '' && plain) {
    await task.run(bulk);
    return;
  }
  const literals = columns.map(({ type }) => {
    if (!isText(type)) return (cell: string) => (isNull(cell) ? 'null' : quoteText(cell.trim()));
    // where the warehouse reads files itself, a text of 'null' stays one
    if (bulk.trim() !== '') return (cell: string) => (cell === '' ? 'null' : quoteText(cell));
    return (cell: string) => (isNull(cell) ? 'null' : quoteText(cell));
  });
  const names = columns.map((column) => columnName(node, column.name, task.job.warehouse.dialect)).join(', ');
  for (let from = 0; from < rows.length; from += BATCH) {
    const values = rows
      .slice(from, from + BATCH)
      .map((cells) => `(${cells.map((cell, at) => literals[at]?.(cell)).join(', ')})`);
    await task.run(
      `insert into ${quoteStored(task.job.warehouse.dialect, target)} (${names}) values\n${values.join(',\n')}`,
    );
  }
}

const isText = (type: string): boolean => /char|text|string|json|blob|bytea/i.test(type);

const createTable = (node: Node, name: string, columns: readonly SeedColumn[], dialect: Dialect): string =>
  `create table ${name} (${columns.map((column) => `${columnName(node, column.name, dialect)} ${column.type}`).join(', ')})`;

/** quoted or not as `quote_columns` says; by default only where that changes nothing of how it is found */
function columnName(node: Node, name: string, dialect: Dialect): string {
  const quote = node.config.get('quote_columns') ?? dialect !== 'snowflake';
  return quote === false ? name : quoteIdent(name);
}

/**
 * Reads and checks a seed's CSV.
 *
 * @throws MillraceError SourceEmpty; FormatMismatch with the line of a row that has too few or too many fields
 */
export function readSeed(node: Node): SeedFile {
  const delimiter = str(node.config.get('delimiter') ?? ',');
  const [header, ...records] = parseCsv(readText(node.absolute ?? ''), delimiter, node.file);
  if (!header)
    throw new MillraceError('SourceEmpty', {
      what: `The seed '${node.name}' is empty`,
      where: { file: node.file },
      fix: 'Give it a header line',
    });
  const names = distinct(header.cells);
  for (const record of records) if (record.cells.length !== names.length) throw ragged(node, record, names);
  const rows = records.map(({ cells }) => cells);
  const declared = node.config.get('column_types');
  const columns = names.map((name, at): SeedColumn => {
    const given = declared instanceof Map ? declared.get(name) : undefined;
    return { name, type: given !== undefined ? str(given) : guessType(rows.map((cells) => cells[at] ?? '')) };
  });
  return { columns, rows, delimiter };
}

const ragged = (node: Node, { cells, line }: CsvRecord, names: readonly string[]): MillraceError =>
  new MillraceError('FormatMismatch', {
    what: `The seed '${node.name}' has ${cells.length} fields in a row and ${names.length} columns`,
    where: { file: node.file, line },
    fix: 'Give every row as many fields as the header; quote fields that hold the delimiter',
  });

/** a column without a name is called by its letter, one of a name that is taken gets a number */
function distinct(names: readonly string[]): string[] {
  const found: string[] = [];
  for (const [at, given] of names.entries()) {
    const base = given === '' ? letterName(at) : given;
    let name = base;
    for (let count = 2; found.includes(name); count++) name = `${base}_${count}`;
    found.push(name);
  }
  return found;
}

const letterName = (at: number): string =>
  String.fromCharCode(97 + (at % 26)).repeat(Math.floor(at / 26) + 1);
