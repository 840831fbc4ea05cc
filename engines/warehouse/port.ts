/** One row as plain values: bigint beyond 2^53 and decimals come as text, dates and timestamps as ISO text. */
export type Row = Record<string, unknown>;

export interface Statement {
  signal?: AbortSignal | undefined;
}

/** The answer to one statement. */
export interface Answer<T extends Row = Row> {
  /** in order, also when there is no row; types as the warehouse writes them */
  columns: ColumnInfo[];
  rows: T[];
  /** rows the statement inserted, updated or deleted, where the warehouse tells */
  changed: number;
  /** the warehouse's own id of the statement */
  queryId?: string | undefined;
  /** bytes the statement read, where the warehouse tells */
  bytes?: number | undefined;
}

/** What runs SQL. Inside {@link Warehouse.transaction} every statement of the session is part of it. */
export interface Session {
  /** Runs one statement. @throws MillraceError SqlError for several, and runs none of them */
  query<T extends Row = Row>(sql: string, statement?: Statement): Promise<T[]>;
  /** Runs one or several statements. @returns what the last one answered */
  execute(sql: string, statement?: Statement): Promise<Answer>;
  /** Runs one or several statements. @returns rows changed by the last one, where the warehouse tells */
  run(sql: string, statement?: Statement): Promise<number>;
  /** Names are matched without regard to case. @returns null when there is no such relation */
  describe(relation: RelationName, statement?: Statement): Promise<RelationInfo | null>;
  /** Every relation of a schema, without columns. A schema that does not exist has none. */
  relations(schema: SchemaName, statement?: Statement): Promise<ListedRelation[]>;
}

export interface SchemaName {
  /** the warehouse's own database when it is left out */
  database?: string | undefined;
  schema: string;
}

export interface RelationName extends SchemaName {
  name: string;
}

export type RelationType = 'table' | 'view' | 'materialized_view' | 'external';

export interface ListedRelation extends RelationName {
  type: RelationType;
}

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
  readonly dialect: 'duckdb' | 'snowflake' | 'postgres';
  /** the catalog that unqualified relations live in */
  readonly database: string;
  /**
   * All or nothing: an exception rolls back. `work` runs again when the warehouse reports a conflict with another
   * transaction, so it may have no effect but through its session.
   */
  transaction<T>(work: (session: Session) => Promise<T>, statement?: Statement): Promise<T>;
  close(): Promise<void>;
}

export const quoteIdent = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** `"schema"."name"`, with its database before it where it names one */
export const quoteRelation = ({ database, schema, name }: RelationName): string =>
  [...(database === undefined ? [] : [database]), schema, name].map(quoteIdent).join('.');
