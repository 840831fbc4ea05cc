/**
 * One row as plain values, the same of every warehouse: integers and floats as numbers, integers beyond 2^53 and
 * decimals as text, dates, times and timestamps as ISO text (one with a zone in UTC, ending in `Z`), JSON as its text,
 * bytes as hexadecimal text.
 */
export type Row = Record<string, unknown>;

export interface Statement {
  signal?: AbortSignal | undefined;
  /** what the warehouse keeps beside the statement, where it has query tags */
  tag?: Readonly<Record<string, string>> | undefined;
  /** told while the statement goes on, where the warehouse runs statements asynchronously */
  onPoll?: ((poll: Poll) => void) | undefined;
}

/** A statement that goes on in the warehouse. */
export interface Poll {
  queryId: string;
  /** in the warehouse's words */
  state: string;
  seconds: number;
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
  /**
   * Runs one statement. Names that it does not quote come in lower case, also where the warehouse folds them otherwise;
   * `execute` gives them as they are. @throws MillraceError SqlError for several, and runs none of them
   */
  query<T extends Row = Row>(sql: string, statement?: Statement): Promise<T[]>;
  /** Runs one or several statements. @returns what the last one answered */
  execute(sql: string, statement?: Statement): Promise<Answer>;
  /** Runs one or several statements. @returns rows changed by the last one, where the warehouse tells */
  run(sql: string, statement?: Statement): Promise<number>;
  /** Names are matched without regard to case. @returns null when there is no such relation */
  describe(relation: RelationName, statement?: Statement): Promise<RelationInfo | null>;
  /** Every relation of a schema, without columns. A schema that does not exist has none. */
  relations(schema: SchemaName, statement?: Statement): Promise<ListedRelation[]>;
  /**
   * Puts a relation in the place of another one of its schema, which goes.
   *
   * @param former what stands there now, null for nothing
   */
  replace(made: ListedRelation, live: RelationName, former: RelationType | null): Promise<void>;
  /** Drops a relation as `relations` lists it; where the warehouse keeps track of that, what reads it goes too. */
  drop(relation: ListedRelation): Promise<void>;
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

/** The one of that name; names are matched without regard to case. */
export const findNamed = (listed: readonly ListedRelation[], name: string): ListedRelation | undefined =>
  listed.find((each) => each.name.toLowerCase() === name.toLowerCase());

export interface ColumnInfo {
  name: string;
  /** as the warehouse writes it */
  type: string;
}

export interface RelationInfo {
  type: RelationType;
  columns: ColumnInfo[];
}

/** Parquet files of this machine, and the columns of a table that take their values by name. */
export interface LoadFiles {
  table: RelationName;
  columns: { name: string; bronze: string; type: string }[];
  files: string[];
}

export type Dialect = 'duckdb' | 'snowflake' | 'postgres';

/**
 * The smallest surface the engines need of a database. An aborted signal stops the statement in the warehouse
 * itself, not only the wait for it.
 */
export interface Warehouse extends Session {
  readonly dialect: Dialect;
  /** the catalog that unqualified relations live in */
  readonly database: string;
  /**
   * All or nothing: an exception rolls back. `work` runs again when the warehouse reports a conflict with another
   * transaction, so it may have no effect but through its session. Where DDL commits by itself (Snowflake), what
   * precedes a DDL statement is committed with it, and only the statements that change rows after the last one are
   * all or nothing.
   */
  transaction<T>(work: (session: Session) => Promise<T>, statement?: Statement): Promise<T>;
  /** One connection for all of `work`, and no transaction: for statements that begin and commit by themselves. */
  connection<T>(work: (session: Session) => Promise<T>, statement?: Statement): Promise<T>;
  /**
   * Adds the rows of files to a table; `before` is part of the same transaction. Only where files of the lake cannot be
   * read in place.
   */
  load?(files: LoadFiles, before: (session: Session) => Promise<void>, statement?: Statement): Promise<void>;
  close(): Promise<void>;
}

export const quoteIdent = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** `"schema"."name"`, with its database before it where it names one */
export const quoteRelation = ({ database, schema, name }: RelationName): string =>
  [...(database === undefined ? [] : [database]), schema, name].map(quoteIdent).join('.');

/**
 * `"schema"."name"` of a relation whose name is meant as dbt writes it, without quotes: Snowflake keeps plain names in
 * upper case, so `orders` is `"ORDERS"` there; the others find it as it is.
 */
export const quoteStored = (dialect: Dialect, { database, schema, name }: RelationName): string =>
  [...(database === undefined ? [] : [database]), schema, name]
    .map((part) => quoteIdent(stored(dialect, part)))
    .join('.');

/** A plain name as the warehouse keeps it; any other is what it is. */
export const stored = (dialect: Dialect, name: string): string =>
  dialect === 'snowflake' && /^[a-z_][a-z0-9_$]*$/i.test(name) ? name.toUpperCase() : name;
