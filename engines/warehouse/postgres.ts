import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { MillraceError } from '../../schemas/errors.js';
import { postgresError, type PostgresAddress } from './postgres-errors.js';
import { withCsv } from './postgres-load.js';
import { PostgresSession } from './postgres-session.js';
import {
  quoteIdent,
  type Answer,
  type ListedRelation,
  type LoadFiles,
  type RelationInfo,
  type RelationName,
  type RelationType,
  type Row,
  type SchemaName,
  type Session,
  type Statement,
  type Warehouse,
} from './port.js';

export interface PostgresOptions {
  host: string;
  port?: number | undefined;
  database: string;
  user: string;
  password?: string | undefined;
  /** `SET ROLE` of every session */
  role?: string | undefined;
  /** of libpq: `disable`, `prefer`, `require`, `verify-ca`, `verify-full` */
  sslmode?: string | undefined;
  /** PEM of the authority that signed the server's certificate */
  ca?: string | undefined;
  /** schemas that names without one are looked up in */
  searchPath?: string | undefined;
  /** sessions at once */
  connections?: number | undefined;
}

const CONNECTIONS = 8;
const CONNECT_MS = 15_000;
const CONFLICT_ATTEMPTS = 12;

/**
 * Opens a PostgreSQL database as a warehouse.
 *
 * @throws MillraceError AccessDenied, CertificateInvalid, ProjectInvalid (no such database), WarehouseUnavailable
 */
export async function openPostgresWarehouse(options: PostgresOptions): Promise<Warehouse> {
  const { host, port = 5432, database, user, password, connections = CONNECTIONS } = options;
  const address = { host, port, database };
  const settings = [
    ...["TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'", "IntervalStyle = 'postgres'", "bytea_output = 'hex'"],
    ...['extra_float_digits = 1', 'standard_conforming_strings = on'],
    ...(options.role === undefined ? [] : [`ROLE ${quoteIdent(options.role)}`]),
    ...(options.searchPath === undefined ? [] : [`search_path = ${options.searchPath}`]),
  ];
  const config: pg.PoolConfig = {
    ...{ ...address, user, password: password ?? '', max: connections, ssl: tls(options) },
    ...{ application_name: 'millrace', keepAlive: true, connectionTimeoutMillis: CONNECT_MS },
  };
  const pool = new pg.Pool({
    ...config,
    // the pool waits for it, whatever its types say
    onConnect: ((client) =>
      client.query(settings.map((each) => `SET ${each}`).join('; '))) as pg.PoolConfig['onConnect'],
  });
  // a connection that breaks while idle leaves the pool; the next statement opens another
  pool.on('error', () => undefined);
  // one that breaks while it is lent says so to its statement; without a listener it would end the process, too
  pool.on('connect', (client) => client.on('error', () => undefined));
  const warehouse = new Postgres(pool, config, address);
  try {
    await warehouse.query('select 1 as one');
    return warehouse;
  } catch (cause) {
    await warehouse.close();
    throw cause;
  }
}

/** The meaning of each mode is libpq's: only the `verify` modes, or a given authority, prove who the server is. */
function tls({ host, sslmode = 'disable', ca }: PostgresOptions): pg.PoolConfig['ssl'] {
  if (sslmode === 'disable' || sslmode === 'allow' || sslmode === 'prefer' || host.startsWith('/'))
    return false;
  const verify = sslmode.startsWith('verify') || ca !== undefined;
  return { rejectUnauthorized: verify, ...(ca !== undefined && { ca }) };
}

class Postgres implements Warehouse {
  readonly dialect = 'postgres';
  readonly database: string;

  constructor(
    private readonly pool: pg.Pool,
    private readonly config: pg.ClientConfig,
    private readonly address: PostgresAddress,
  ) {
    this.database = address.database;
  }

  query<T extends Row = Row>(sql: string, statement: Statement = {}): Promise<T[]> {
    return this.use((session) => session.query<T>(sql, statement), statement);
  }

  execute(sql: string, statement: Statement = {}): Promise<Answer> {
    return this.use((session) => session.execute(sql, statement), statement);
  }

  run(sql: string, statement: Statement = {}): Promise<number> {
    return this.use((session) => session.run(sql, statement), statement);
  }

  describe(relation: RelationName, statement: Statement = {}): Promise<RelationInfo | null> {
    return this.use((session) => session.describe(relation, statement), statement);
  }

  relations(schema: SchemaName, statement: Statement = {}): Promise<ListedRelation[]> {
    return this.use((session) => session.relations(schema, statement), statement);
  }

  replace(made: ListedRelation, live: RelationName, former: RelationType | null): Promise<void> {
    return this.transaction((session) => session.replace(made, live, former));
  }

  drop(relation: ListedRelation): Promise<void> {
    return this.transaction((session) => session.drop(relation));
  }

  transaction<T>(work: (session: Session) => Promise<T>, statement: Statement = {}): Promise<T> {
    return this.use(async (session) => {
      for (let attempt = 1; ; attempt++) {
        try {
          // what a transaction reads stays as it is until its end; a change by another one is a conflict
          await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ');
          const result = await work(session);
          await session.run('COMMIT');
          return result;
        } catch (cause) {
          await session.rollback();
          const conflict = cause instanceof MillraceError && cause.type === 'CommitConflict';
          if (!conflict || attempt >= CONFLICT_ATTEMPTS) throw cause;
          // full jitter: losers of one conflict must not meet again
          await sleep(Math.random() * Math.min(500, 5 * 2 ** attempt), undefined, {
            signal: statement.signal,
          });
        }
      }
    }, statement);
  }

  connection<T>(work: (session: Session) => Promise<T>, statement: Statement = {}): Promise<T> {
    return this.use(work, statement);
  }

  load(
    files: LoadFiles,
    before: (session: Session) => Promise<void>,
    statement: Statement = {},
  ): Promise<void> {
    return withCsv(files, (csv) =>
      this.transaction(async (session) => {
        await before(session);
        await (session as PostgresSession).copyIn(files, csv);
      }, statement),
    );
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async use<R>(work: (session: PostgresSession) => Promise<R>, { signal }: Statement): Promise<R> {
    signal?.throwIfAborted();
    if (this.pool.ending)
      throw new MillraceError('WarehouseUnavailable', {
        what: 'The warehouse was closed',
        fix: 'Open it again; a worker that shuts down closes it last',
      });
    let client: pg.PoolClient;
    try {
      client = await this.pool.connect();
    } catch (cause) {
      throw postgresError(cause, null, this.address);
    }
    const session = new PostgresSession(client, this.config, this.address, signal);
    try {
      return await work(session);
    } finally {
      client.release(session.broken);
    }
  }
}
