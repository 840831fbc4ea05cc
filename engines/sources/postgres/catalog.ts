import type pg from 'pg';
import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import { quoteIdent, quoteRelation, type RelationName } from '../../warehouse/port.js';
import { Types } from './types.js';

export interface SourceColumn {
  name: string;
  /** of bronze */
  type: string;
  nullable: boolean;
  /** computed by the server; not part of the replication stream */
  generated: boolean;
}

/** What the server says about a table. */
export interface Table {
  oid: number;
  relation: RelationName;
  /** `schema.name`, as people and rows name it */
  label: string;
  /** for SQL, quoted */
  sql: string;
  kind: 'table' | 'partitioned' | 'view' | 'foreign';
  columns: SourceColumn[];
  /** columns of the primary key, empty without one */
  primaryKey: string[];
  /** rows by the server's own estimate, for progress; -1 before its first ANALYZE */
  estimatedRows: number;
  /** pages of 8 kB */
  pages: number;
}

interface Relation {
  oid: string;
  schema: string;
  name: string;
  kind: string;
  rows: number;
  pages: number;
}

/**
 * @param table `schema.table`, or `table` of the search path; names are taken as they are written, upper case too
 * @throws MillraceError SourceMissing with the closest names
 */
export async function describeTable(client: pg.ClientBase, table: string): Promise<Table> {
  const found = await findRelation(client, table);
  const { rows } = await client.query<{
    name: string;
    oid: string;
    modifier: number;
    nullable: boolean;
    generated: boolean;
  }>(
    `SELECT attname AS name, atttypid::int8::text AS oid, atttypmod AS modifier, NOT attnotnull AS nullable,
       attgenerated <> '' AS generated
     FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [found.oid],
  );
  const types = new Types();
  await types.learn(
    client,
    rows.map(({ oid }) => Number(oid)),
  );
  const { rows: keys } = await client.query<{ name: string }>(
    `SELECT a.attname AS name FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, position)
     JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = k.attnum
     WHERE i.indrelid = $1 AND i.indisprimary ORDER BY k.position`,
    [found.oid],
  );
  const relation = { schema: found.schema, name: found.name };
  return {
    ...{
      oid: Number(found.oid),
      relation,
      label: `${found.schema}.${found.name}`,
      sql: quoteRelation(relation),
    },
    kind: ({ p: 'partitioned', v: 'view', m: 'view', f: 'foreign' } as const)[found.kind] ?? 'table',
    columns: rows.map(({ name, oid, modifier, nullable, generated }) => ({
      ...{ name, nullable, generated },
      type: types.bronzeOf({ oid: Number(oid), modifier }),
    })),
    primaryKey: keys.map(({ name }) => name),
    ...{ estimatedRows: found.rows, pages: found.pages },
  };
}

async function findRelation(client: pg.ClientBase, table: string): Promise<Relation> {
  const dot = table.indexOf('.');
  const [schema, name] = dot < 0 ? [null, table] : [table.slice(0, dot), table.slice(dot + 1)];
  const { rows } = await client.query<Relation>(
    `SELECT c.oid::int8::text AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
       c.reltuples::float8 AS rows, c.relpages AS pages
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
    [schema === null ? quoteIdent(name) : quoteRelation({ schema, name })],
  );
  if (rows[0]) return rows[0];
  const { rows: others } = await client.query<{ name: string }>(
    `SELECT CASE WHEN n.nspname = ANY(current_schemas(false)) THEN c.relname ELSE n.nspname || '.' || c.relname END AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_|^information_schema$' LIMIT 5000`,
  );
  throw new MillraceError('SourceMissing', {
    what: `The database has no table '${table}'`,
    fix: `${didYouMean(
      table,
      others.map(({ name: other }) => other),
    )} Check the stream’s table, and that the user may use its schema`.trim(),
  });
}

/** @throws MillraceError ColumnMissing with the closest name */
export function columnOf(table: Table, name: string, what: string): SourceColumn {
  const found = table.columns.find((column) => column.name === name);
  if (found) return found;
  const names = table.columns.map((column) => column.name);
  throw new MillraceError('ColumnMissing', {
    what: `The table ${table.label} has no column '${name}', which is in ${what} of the stream`,
    fix: didYouMean(name, names) || `It has: ${names.join(', ')}`,
  });
}

/** The columns that a stream reads, in the table's order. @throws MillraceError ColumnMissing */
export function selectedColumns(table: Table, select: string[] | undefined): SourceColumn[] {
  if (!select) return table.columns;
  const wanted = new Set(select.map((name) => columnOf(table, name, 'select').name));
  return table.columns.filter(({ name }) => wanted.has(name));
}

/** What tells the rows of a stream apart: the declared key, or the primary one. @throws MillraceError ColumnMissing */
export const keyOf = (table: Table, key: string[] | undefined): string[] =>
  key ? key.map((name) => columnOf(table, name, 'key').name) : table.primaryKey;
