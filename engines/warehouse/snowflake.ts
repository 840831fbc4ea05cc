import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../schemas/errors.js';
import { Pool } from './pool.js';
import type {
  Answer,
  ListedRelation,
  LoadFiles,
  RelationInfo,
  RelationName,
  RelationType,
  Row,
  SchemaName,
  Session,
  Statement,
  Warehouse,
} from './port.js';
import { SnowflakeConnection } from './snowflake-connection.js';
import type { SnowflakeOptions } from './snowflake-options.js';
import { insertStaged, stageFiles } from './snowflake-load.js';
import { SnowflakeSession } from './snowflake-session.js';

const CONNECTIONS = 8;
const CONFLICT_ATTEMPTS = 8;

/**
 * Opens a Snowflake account as a warehouse.
 *
 * @throws MillraceError AccessDenied, ProjectInvalid (a key that is none), WarehouseUnavailable
 */
export async function openSnowflake(options: SnowflakeOptions): Promise<Warehouse> {
  const pool = new Pool(
    options.connections ?? CONNECTIONS,
    () => SnowflakeConnection.open(options),
    (connection) => !connection.broken,
  );
  // credentials are wrong now, not at the first model
  await pool.use(() => Promise.resolve());
  return new Snowflake(pool, options.database);
}

class Snowflake implements Warehouse {
  readonly dialect = 'snowflake';

  constructor(
    private readonly pool: Pool<SnowflakeConnection>,
    readonly database: string,
  ) {}

  query<T extends Row = Row>(sql: string, statement: Statement = {}): Promise<T[]> {
    return this.connection((session) => session.query<T>(sql), statement);
  }

  execute(sql: string, statement: Statement = {}): Promise<Answer> {
    return this.connection((session) => session.execute(sql), statement);
  }

  run(sql: string, statement: Statement = {}): Promise<number> {
    return this.connection((session) => session.run(sql), statement);
  }

  describe(relation: RelationName, statement: Statement = {}): Promise<RelationInfo | null> {
    return this.connection((session) => session.describe(relation), statement);
  }

  relations(schema: SchemaName, statement: Statement = {}): Promise<ListedRelation[]> {
    return this.connection((session) => session.relations(schema), statement);
  }

  replace(made: ListedRelation, live: RelationName, former: RelationType | null): Promise<void> {
    return this.connection((session) => session.replace(made, live, former));
  }

  drop(relation: ListedRelation): Promise<void> {
    return this.connection((session) => session.drop(relation));
  }

  connection<T>(work: (session: Session) => Promise<T>, statement: Statement = {}): Promise<T> {
    return this.pool.use(
      (connection) => work(new SnowflakeSession(connection, this.database, statement)),
      statement.signal,
    );
  }

  transaction<T>(work: (session: Session) => Promise<T>, statement: Statement = {}): Promise<T> {
    return this.pool.use(async (connection) => {
      for (let attempt = 1; ; attempt++) {
        const session = new SnowflakeSession(connection, this.database, statement, true);
        try {
          const result = await work(session);
          await session.end('commit');
          return result;
        } catch (cause) {
          // a session that cannot roll back is closed, which does it
          await session.end('rollback').catch(() => (connection.broken = true));
          const conflict = cause instanceof MillraceError && cause.type === 'CommitConflict';
          if (!conflict || attempt >= CONFLICT_ATTEMPTS) throw cause;
          // full jitter: losers of one conflict must not meet again
          await sleep(Math.random() * Math.min(2_000, 20 * 2 ** attempt), undefined, {
            signal: statement.signal,
          });
        }
      }
    }, statement.signal);
  }

  load(
    files: LoadFiles,
    before: (session: Session) => Promise<void>,
    statement: Statement = {},
  ): Promise<void> {
    return this.transaction(async (session) => {
      await stageFiles(session, files);
      await before(session);
      await insertStaged(session, files);
    }, statement);
  }

  async close(): Promise<void> {
    await this.pool.close((connection) => connection.close());
  }
}
