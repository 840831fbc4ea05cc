import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { MillraceError } from '../../schemas/errors.js';
import {
  quoteIdent,
  quoteRelation,
  quoteText,
  type Answer,
  type ColumnInfo,
  type ListedRelation,
  type LoadFiles,
  type RelationInfo,
  type RelationName,
  type RelationType,
  type Row,
  type SchemaName,
  type Session,
  type Statement,
} from './port.js';
import { postgresError, type PostgresAddress } from './postgres-errors.js';
import { plainValues } from './postgres-values.js';
import { severalStatements } from './several-statements.js';
import { splitStatements } from './split-statements.js';
import { uniqueNames } from './unique-names.js';

/** One connection. */
export class PostgresSession implements Session {
  /** the connection is of no more use */
  broken = false;

  constructor(
    private readonly client: pg.PoolClient,
    private readonly config: pg.ClientConfig,
    private readonly address: PostgresAddress,
    private readonly outer: AbortSignal | undefined,
  ) {}

  async query<T extends Row = Row>(sql: string, statement: Statement = {}): Promise<T[]> {
    if (splitStatements(sql, 'postgres').length > 1) throw severalStatements();
    return (await this.execute(sql, statement)).rows as T[];
  }

  async run(sql: string, statement: Statement = {}): Promise<number> {
    return (await this.send(sql, statement)).rowCount ?? 0;
  }

  async execute(sql: string, statement: Statement = {}): Promise<Answer> {
    const { fields, rows, rowCount, command } = await this.send(sql, statement);
    const names = uniqueNames(fields.map(({ name }) => name));
    const types = await this.typeNames(fields);
    return {
      columns: names.map((name, index) => ({ name, type: types[index] ?? '' })),
      rows: rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]]))),
      changed: command === 'SELECT' && fields.length > 0 ? 0 : (rowCount ?? 0),
    };
  }

  async describe(
    { database, schema, name }: RelationName,
    statement?: Statement,
  ): Promise<RelationInfo | null> {
    if (!this.here(database)) return null;
    const rows = await this.query<{
      kind: RelationType;
      exact: boolean;
      column: string | null;
      type: string | null;
    }>(
      `SELECT ${KIND} AS kind, c.relname = ${quoteText(name)} AS exact, a.attname AS "column",
              format_type(a.atttypid, a.atttypmod) AS type
         FROM ${CATALOG} LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE ${within(schema)} AND lower(c.relname) = lower(${quoteText(name)})
        ORDER BY exact DESC, c.oid, a.attnum`,
      statement,
    );
    const [first] = rows;
    if (!first) return null;
    const columns = rows
      .filter(({ exact }) => exact === first.exact)
      .flatMap(({ column, type }): ColumnInfo[] =>
        column === null ? [] : [{ name: column, type: type ?? '' }],
      );
    return { type: first.kind, columns };
  }

  async relations({ database, schema }: SchemaName, statement?: Statement): Promise<ListedRelation[]> {
    if (!this.here(database)) return [];
    return this.query<Row & ListedRelation>(
      `SELECT current_database()::text AS database, n.nspname AS schema, c.relname AS name, ${KIND} AS type
         FROM ${CATALOG} WHERE ${within(schema)}`,
      statement,
    );
  }

  async drop(relation: ListedRelation): Promise<void> {
    await this.run(`DROP ${keyword(relation.type)} ${quoteRelation(relation)} CASCADE`);
  }

  async replace(made: ListedRelation, live: RelationName, former: RelationType | null): Promise<void> {
    const drop = former === null ? '' : `DROP ${keyword(former)} ${quoteRelation(live)} CASCADE;`;
    await this.run(
      `${drop} ALTER ${keyword(made.type)} ${quoteRelation(made)} RENAME TO ${quoteIdent(live.name)}`,
    );
  }

  /** Adds the rows of a CSV file without a header. */
  async copyIn({ table, columns }: LoadFiles, csv: string): Promise<void> {
    this.outer?.throwIfAborted();
    const names = columns.map(({ name }) => quoteIdent(name)).join(', ');
    const into = this.client.query(
      copyFrom(`COPY ${quoteRelation(table)} (${names}) FROM STDIN (FORMAT csv)`),
    );
    try {
      await pipeline(createReadStream(csv), into, { signal: this.outer });
    } catch (cause) {
      this.outer?.throwIfAborted();
      throw postgresError(cause, null, this.address);
    }
  }

  /** Also of a transaction whose signal has aborted. A failure has ended the connection already. */
  async rollback(): Promise<void> {
    await this.client.query('ROLLBACK').catch(() => (this.broken = true));
  }

  /** A session sees its own database only. */
  private here(database: string | undefined): boolean {
    return database === undefined || database.toLowerCase() === this.address.database.toLowerCase();
  }

  private async send(sql: string, { signal = this.outer }: Statement): Promise<pg.QueryArrayResult> {
    signal?.throwIfAborted();
    let cancelled: Promise<void> | undefined;
    const stop = (): void => void (cancelled = this.cancel());
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const result: unknown = await this.client.query({ text: sql, rowMode: 'array', types: plainValues });
      return (Array.isArray(result) ? result.at(-1) : result) as pg.QueryArrayResult;
    } catch (cause) {
      const known = postgresError(cause, sql, this.address);
      this.broken ||= !(known instanceof MillraceError) || known.type === 'WarehouseUnavailable';
      signal?.throwIfAborted();
      throw known;
    } finally {
      signal?.removeEventListener('abort', stop);
      // a request that comes late would stop the next statement of this connection
      await cancelled;
    }
  }

  /** Only another session can stop what this one runs. */
  private async cancel(): Promise<void> {
    const { processID } = this.client as unknown as { processID: number };
    const other = new pg.Client(this.config);
    other.on('error', () => undefined);
    try {
      await other.connect();
      await other.query('SELECT pg_cancel_backend($1)', [processID]);
    } catch {
      // the statement must not go on for nobody: a closed connection ends it, if later
      this.broken = true;
      (this.client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    } finally {
      await other.end().catch(() => undefined);
    }
  }

  private async typeNames(fields: pg.FieldDef[]): Promise<string[]> {
    if (fields.length === 0) return [];
    const pairs = fields.map(({ dataTypeID, dataTypeModifier }) => `(${dataTypeID}, ${dataTypeModifier})`);
    const texts = pairs.map((pair) => TYPE_NAMES.get(pair));
    if (texts.every((text) => text !== undefined)) return texts;
    const { rows } = await this.client.query<[string]>({
      text: `SELECT format_type(t.oid::oid, t.modifier) FROM unnest($1::bigint[], $2::int[]) WITH ORDINALITY t(oid, modifier, at) ORDER BY at`,
      values: [
        fields.map(({ dataTypeID }) => dataTypeID),
        fields.map(({ dataTypeModifier }) => dataTypeModifier),
      ],
      rowMode: 'array',
    });
    const names = rows.map(([name]) => name);
    // only the types that are the same in every database
    fields.forEach(({ dataTypeID }, index) => {
      if (dataTypeID < FIRST_OWN_TYPE) TYPE_NAMES.set(pairs[index] ?? '', names[index] ?? '');
    });
    return names;
  }
}

/** What a database defines itself has numbers from here on. */
const FIRST_OWN_TYPE = 16_384;
const TYPE_NAMES = new Map<string, string>();

const CATALOG = 'pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace';
const KIND = `CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'external' ELSE 'table' END`;
const within = (schema: string): string =>
  `c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (n.nspname = ${quoteText(schema)} OR lower(n.nspname) = lower(${quoteText(schema)}))`;
const keyword = (type: RelationType): string =>
  ({ table: 'TABLE', view: 'VIEW', materialized_view: 'MATERIALIZED VIEW', external: 'FOREIGN TABLE' })[type];
