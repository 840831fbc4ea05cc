import { columnOf, type ColumnLineage, type QueryLineage } from './column-lineage.js';
import { Tracer, type Catalog } from './trace.js';

/** Parses SQL; it takes a third of a second to load, so it is loaded when it is first needed. */
export type Parse = (sql: string, dialect: string) => unknown[];

export async function loadParser(): Promise<Parse> {
  const { parse } = await import('@polyglot-sql/sdk');
  return (sql, dialect) => {
    const { success, ast, error } = parse(sql, dialect as Parameters<typeof parse>[1]);
    if (!success) throw new Error(error ?? 'the SQL could not be parsed');
    return ast ?? [];
  };
}

/**
 * Where each output column of a query comes from. What cannot be told is said, never guessed.
 *
 * @param outputs the query's columns as the warehouse names them, where they are known
 */
export function queryLineage(
  parse: Parse,
  sql: string,
  dialect: string,
  catalog: Catalog,
  outputs: readonly string[] | null = null,
): QueryLineage {
  let statements;
  try {
    statements = parse(sql, dialect);
  } catch (cause) {
    return unknown(cause instanceof Error ? firstLine(cause.message) : String(cause), outputs);
  }
  const [statement, ...more] = statements;
  if (statement === undefined || more.length > 0) return unknown('it is not one query', outputs);
  const { columns, rest } = new Tracer(catalog).query(statement);
  const listed = columns.map(({ name, sources }): ColumnLineage => ({
    name,
    sources: sources.list(),
    unknown: sources.unknown,
  }));
  if (rest === null) return { columns: withNames(listed, outputs), through: null, unknown: null };
  const through = rest.kind === 'table' ? { relation: rest.relation, without: [...rest.without] } : null;
  const reason = rest.kind === 'unknown' ? rest.reason : `the columns of ${restName(rest)} are not known`;
  const lineage = { columns: listed, through, unknown: reason };
  if (!outputs) return lineage;
  return {
    columns: outputs.map((name) => columnOf(lineage, name) ?? without(name, reason)),
    ...{ through: null, unknown: null },
  };
}

const restName = (rest: { kind: string; relation?: string }): string => rest.relation ?? 'a function';

/** the warehouse's names, where there are as many */
const withNames = (columns: ColumnLineage[], outputs: readonly string[] | null): ColumnLineage[] =>
  outputs?.length === columns.length
    ? columns.map((column, at) => ({ ...column, name: outputs[at] ?? column.name }))
    : columns;

const without = (name: string, reason: string): ColumnLineage => ({ name, sources: [], unknown: reason });

const unknown = (reason: string, outputs: readonly string[] | null): QueryLineage => ({
  columns: (outputs ?? []).map((name) => without(name, reason)),
  through: null,
  unknown: outputs ? null : reason,
});

const firstLine = (text: string): string => text.split('\n')[0] ?? text;
