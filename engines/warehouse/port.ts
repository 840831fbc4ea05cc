/** One row as plain values: bigint beyond 2^53 and decimals come as text, dates and timestamps as ISO text. */
export type Row = Record<string, unknown>;

export interface Statement {
  signal?: AbortSignal | undefined;
}

/** What runs SQL. Inside {@link Warehouse.transaction} every statement of the session is part of it. */
export interface Session {
  /** Runs one statement. @throws MillraceError SqlError for several, and runs none of them */
  query<T extends Row = Row>(sql: string, statement?: Statement): Promise<T[]>;
  /** Runs one or several statements. @returns rows changed by the last one, where the warehouse tells */
  run(sql: string, statement?: Statement): Promise<number>;
}

export interface RelationName {
  schema: string;
  name: string;
}

export type RelationType = 'table' | 'view';

export interface ColumnInfo {
  name: string;
  /** as the warehouse writes it */
  type: string;
}

export interface RelationInfo {
  type: RelationType;
  columns: ColumnInfo[];
}

/**
 * The smallest surface the engines need of a database. An aborted signal stops the statement in the warehouse
 * itself, not only the wait for it.
 */
export interface Warehouse extends Session {
  readonly dialect: 'duckdb';
  /** the catalog that unqualified relations live in */
  readonly database: string;
  /**
   * All or nothing: an exception rolls back. `work` runs again when the warehouse reports a conflict with another
   * transaction, so it may have no effect but through its session.
   */
  transaction<T>(work: (session: Session) => Promise<T>, statement?: Statement): Promise<T>;
  /** @returns null when there is no such relation */
  describe(relation: RelationName): Promise<RelationInfo | null>;
  close(): Promise<void>;
}

export const quoteIdent = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const quoteRelation = ({ schema, name }: RelationName): string =>
  `${quoteIdent(schema)}.${quoteIdent(name)}`;
