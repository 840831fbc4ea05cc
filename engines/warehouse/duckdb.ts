import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance, type DuckDBConnection, type DuckDBMaterializedResult } from '@duckdb/node-api';
import { MillraceError } from '../../schemas/errors.js';
import { openError, sqlError } from './duckdb-errors.js';
import { plainValue } from './duckdb-values.js';
import { Pool } from './pool.js';
import {
  quoteIdent,
  quoteRelation,
  quoteText,
  type Answer,
  type ColumnInfo,
  type ListedRelation,
  type RelationInfo,
  type RelationName,
  type RelationType,
  type Row,
  type SchemaName,
  type Session,
  type Statement,
  type Warehouse,
} from './port.js';
import { severalStatements } from './several-statements.js';

export interface DuckDbOptions {
  /** file, or `:memory:` */
  path: string;
  threads?: number | undefined;
  /** e.g. `1GB`; beyond it DuckDB spills to disk beside the file. Without it DuckDB takes most of the memory there is */
  memoryLimit?: string | undefined;
  /** created when missing */
  schema?: string | undefined;
}

/**
 * A statement occupies one thread of libuv's pool while it runs, and files and DNS use the same pool: one thread
 * always stays free for them.
 */
const CONNECTIONS = Math.max(1, (Number(process.env['UV_THREADPOOL_SIZE']) || 4) - 1);

const CONFLICT_ATTEMPTS = 12;

/**
 * Opens a DuckDB file as a warehouse; this process then holds it alone.
 *
 * @throws MillraceError WarehouseBusy, ObjectCorrupt, DiskFull, WarehouseUnavailable
 */
export async function openDuckDb({ path, threads, memoryLimit, schema }: DuckDbOptions): Promise<Warehouse> {
  const memory = path === ':memory:';
  const file = memory ? path : resolve(path);
  let instance: DuckDBInstance;
  try {
    if (!memory) await mkdir(dirname(file), { recursive: true });
    instance = await DuckDBInstance.create(file, {
      ...(memoryLimit !== undefined && { memory_limit: memoryLimit }),
      preserve_insertion_order: 'true',
      ...(threads !== undefined && { threads: String(threads) }),
      ...(!memory && { temp_directory: join(dirname(file), '.duckdb-tmp') }),
    });
  } catch (cause) {
    throw openError(cause, file);
  }
  const pool = new Pool(CONNECTIONS, () => instance.connect());
  const warehouse = new DuckDb(instance, pool);
  try {
    // a database setting, but only a connection can give it: its extension loads after the instance
    await warehouse.run("SET GLOBAL TimeZone = 'UTC'");
    if (schema !== undefined) await warehouse.run(`CREATE SCHEMA IF NOT EXISTS ${quoteIdent(schema)}`);
    const [row] = await warehouse.query<{ name: string }>('SELECT current_database() AS name');
    warehouse.database = row?.name ?? 'memory';
    return warehouse;
  } catch (cause) {
    await warehouse.close();
    throw cause;
  }
}

class DuckDb implements Warehouse {
  readonly dialect = 'duckdb';
  database = 'memory';

  constructor(
    private readonly instance: DuckDBInstance,
    private readonly pool: Pool<DuckDBConnection>,
  ) {}

  query<T extends Row = Row>(sql: string, statement: Statement = {}): Promise<T[]> {
    return this.pool.use((connection) => session(connection).query<T>(sql, statement), statement.signal);
  }

  run(sql: string, statement: Statement = {}): Promise<number> {
    return this.pool.use((connection) => session(connection).run(sql, statement), statement.signal);
  }

  transaction<T>(work: (session: Session) => Promise<T>, statement: Statement = {}): Promise<T> {
    return this.pool.use(async (connection) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.attempt(connection, work, statement);
        } catch (cause) {
          const conflict = cause instanceof MillraceError && cause.type === 'CommitConflict';
          if (!conflict || attempt >= CONFLICT_ATTEMPTS) throw cause;
          // full jitter: losers of one conflict must not meet again
          await sleep(Math.random() * Math.min(500, 5 * 2 ** attempt), undefined, {
            signal: statement.signal,
          });
        }
      }
    }, statement.signal);
  }

  connection<T>(work: (session: Session) => Promise<T>, { signal }: Statement = {}): Promise<T> {
    return this.pool.use((connection) => work(session(connection, signal)), signal);
  }

  private async attempt<T>(
    connection: DuckDBConnection,
    work: (session: Session) => Promise<T>,
    { signal }: Statement,
  ): Promise<T> {
    const inner = session(connection, signal);
    await inner.run('BEGIN TRANSACTION');
    try {
      const result = await work(inner);
      await inner.run('COMMIT');
      return result;
    } catch (cause) {
      // a failed COMMIT has ended the transaction already; the first error is the one to report
      await connection.run('ROLLBACK').catch(() => undefined);
      throw cause;
    }
  }

  execute(sql: string, statement: Statement = {}): Promise<Answer> {
    return this.pool.use((connection) => session(connection).execute(sql, statement), statement.signal);
  }

  describe(relation: RelationName, statement: Statement = {}): Promise<RelationInfo | null> {
    return this.pool.use((connection) => session(connection).describe(relation, statement), statement.signal);
  }

  relations(schema: SchemaName, statement: Statement = {}): Promise<ListedRelation[]> {
    return this.pool.use((connection) => session(connection).relations(schema, statement), statement.signal);
  }

  replace(made: ListedRelation, live: RelationName, former: RelationType | null): Promise<void> {
    return this.transaction((inner) => inner.replace(made, live, former));
  }

  drop(relation: ListedRelation): Promise<void> {
    return this.transaction((inner) => inner.drop(relation));
  }

  async close(): Promise<void> {
    await this.pool.close((connection) => connection.closeSync());
    this.instance.closeSync();
  }
}

/** @param outer signal of the transaction that the statements belong to */
function session(connection: DuckDBConnection, outer?: AbortSignal): Session {
  const execute = async <T>(
    sql: string,
    signal: AbortSignal | undefined,
    read: (result: DuckDBMaterializedResult) => T | Promise<T>,
    single = false,
  ): Promise<T> => {
    signal?.throwIfAborted();
    const stop = (): void => connection.interrupt();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      // the text of a model stands inside a statement of ours: it must not end that one and begin another
      if (single && (await connection.extractStatements(sql)).count > 1) throw severalStatements();
      return await read(await connection.run(sql));
    } catch (cause) {
      signal?.throwIfAborted();
      throw sqlError(cause, sql);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  };
  const query = <T extends Row>(sql: string, { signal = outer }: Statement = {}): Promise<T[]> =>
    execute(sql, signal, async (result) => (await result.convertRowObjects(plainValue)) as T[], true);
  return {
    query,
    execute: (sql, { signal = outer } = {}) =>
      execute(sql, signal, async (result): Promise<Answer> => {
        const names = result.deduplicatedColumnNames();
        const types = result.columnTypes();
        return {
          columns: names.map((name, index) => ({ name, type: String(types[index]) })),
          rows: await result.convertRowObjects(plainValue),
          changed: result.rowsChanged,
        };
      }),
    run: (sql, { signal = outer } = {}) => execute(sql, signal, (result) => result.rowsChanged),
    describe: async ({ database, schema, name }, statement) => {
      const rows = await query<{ kind: RelationType; column: string; type: string }>(
        `SELECT t.kind, c.column_name AS "column", c.data_type AS type
           FROM (${CATALOG}) t
           JOIN duckdb_columns() c ON c.database_name = t.database AND c.schema_name = t.schema AND c.table_name = t.name
          WHERE ${within(database, schema)} AND lower(t.name) = ${quoteText(name.toLowerCase())}
          ORDER BY c.column_index`,
        statement,
      );
      const [first] = rows;
      if (!first) return null;
      const columns = rows.map(({ column, type }): ColumnInfo => ({ name: column, type }));
      return { type: first.kind, columns };
    },
    relations: async ({ database, schema }, statement) => {
      const rows = await query<Row & RelationName & { kind: RelationType }>(
        `SELECT t.* FROM (${CATALOG}) t WHERE ${within(database, schema)}`,
        statement,
      );
      return rows.map(({ kind, ...relation }) => ({ ...relation, type: kind }));
    },
    replace: (made, live, former) => {
      const drop = former === null ? '' : `DROP ${former} ${quoteRelation(live)};`;
      const rename = `ALTER ${made.type} ${quoteRelation(made)} RENAME TO ${quoteIdent(live.name)}`;
      return execute(`${drop} ${rename}`, outer, () => undefined);
    },
    drop: (relation) => execute(`DROP ${relation.type} ${quoteRelation(relation)}`, outer, () => undefined),
  };
}

const CATALOG = `SELECT database_name AS database, schema_name AS schema, table_name AS name, 'table' AS kind FROM duckdb_tables()
  UNION ALL SELECT database_name, schema_name, view_name, 'view' FROM duckdb_views()`;

const within = (database: string | undefined, schema: string): string =>
  `t.database = ${database === undefined ? 'current_database()' : quoteText(database)}` +
  ` AND lower(t.schema) = ${quoteText(schema.toLowerCase())}`;
