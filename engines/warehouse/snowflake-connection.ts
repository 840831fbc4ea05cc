import { createPrivateKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as Snowflake from 'snowflake-sdk';
import type {
  Column,
  Connection,
  ConnectionOptions,
  QueryStatus,
  RowStatement,
  StatementOption,
} from 'snowflake-sdk';
import { MillraceError } from '../../schemas/errors.js';
import type { Answer, Row, Statement } from './port.js';
import { snowflakeError } from './snowflake-errors.js';
import type { SnowflakeAuth, SnowflakeOptions } from './snowflake-options.js';
import { plainValue, typeName } from './snowflake-values.js';
import { uniqueNames } from './unique-names.js';

/** A cancelled statement that the server does not confirm within this time leaves its session behind. */
const CONFIRM_MS = 5_000;
const POLL_MS = { first: 50, most: 2_000 };
/** Snowflake's limit of a query tag */
const LONGEST_TAG = 2_000;

type Driver = typeof Snowflake;
let driver: Promise<Driver> | undefined;

/** Loaded when first needed: it takes most of a second. It is kept from logging and from asking the cloud who we are. */
function loadDriver(): Promise<Driver> {
  driver ??= (async () => {
    process.env['SNOWFLAKE_DISABLE_PLATFORM_DETECTION'] ??= 'true';
    const { default: sdk } = (await import('snowflake-sdk')) as unknown as { default: Driver };
    sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });
    return sdk;
  })();
  return driver;
}

/** One session of Snowflake. */
export class SnowflakeConnection {
  /** it is of no more use */
  broken = false;

  private constructor(
    private readonly connection: Connection,
    private readonly options: SnowflakeOptions,
  ) {}

  /** @throws MillraceError AccessDenied, ProjectInvalid (a key that is none), WarehouseUnavailable */
  static async open(options: SnowflakeOptions): Promise<SnowflakeConnection> {
    const sdk = await loadDriver();
    try {
      const connection = sdk.createConnection(connectionOptions(options));
      await new Promise<void>((resolve, reject) => {
        // a refused login is told to the callback only
        connection.connectAsync((error) => (error ? reject(error) : resolve())).catch(reject);
      });
      const opened = new SnowflakeConnection(connection, options);
      const parameters = {
        TIMEZONE: 'UTC',
        TIME_OUTPUT_FORMAT: 'HH24:MI:SS.FF9',
        ...FORMATS,
        ...options.parameters,
      };
      const settings = Object.entries(parameters).map(([name, value]) => `${name} = ${literal(value)}`);
      await opened.send(`alter session set ${settings.join(' ')}`, {});
      return opened;
    } catch (cause) {
      throw snowflakeError(cause, null, options.account);
    }
  }

  /**
   * Runs one statement. With `onPoll` it runs detached and is asked after, otherwise the driver waits for it; an
   * aborted signal stops it on the server either way.
   */
  async send(sql: string, statement: Statement): Promise<Answer> {
    statement.signal?.throwIfAborted();
    try {
      return await (statement.onPoll ? this.detached(sql, statement) : this.attached(sql, statement));
    } catch (cause) {
      const known = snowflakeError(cause, sql, this.options.account);
      this.broken ||= known instanceof MillraceError && known.type === 'WarehouseUnavailable';
      statement.signal?.throwIfAborted();
      throw known;
    }
  }

  close(): void {
    this.connection.destroy(() => undefined);
  }

  private async attached(sql: string, { signal, tag }: Statement): Promise<Answer> {
    let running: RowStatement | undefined;
    const answer = new Promise<Answer>((resolve, reject) => {
      running = this.connection.execute(this.request(sql, tag, resolve, reject));
    });
    return this.stoppable(answer, signal, () => running?.cancel(() => undefined));
  }

  private async detached(sql: string, { signal, tag, onPoll }: Statement): Promise<Answer> {
    const began = performance.now();
    const queryId = await new Promise<string>((resolve, reject) => {
      this.connection.execute({
        ...{ sqlText: sql, asyncExec: true, parameters: this.parameters(tag) },
        complete: (error, statement) => (error ? reject(error) : resolve(statement.getQueryId())),
      });
    });
    const result = (): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const request = { ...this.request(sql, tag, resolve, reject), queryId };
        Promise.resolve(this.connection.getResultsFromQueryId(request)).catch(reject);
      });
    const waited = (async (): Promise<Answer> => {
      for (let pause = POLL_MS.first; ; pause = Math.min(POLL_MS.most, pause * 2)) {
        const state = await this.connection.getQueryStatus(queryId);
        if (!this.connection.isStillRunning(state as QueryStatus)) return await result();
        onPoll?.({ queryId, state, seconds: (performance.now() - began) / 1000 });
        await sleep(pause, undefined, { signal });
      }
    })();
    return this.stoppable(waited, signal, () => this.stop(queryId));
  }

  /** A statement that only knows its id can be stopped by that. */
  private stop(queryId: string): void {
    const statement = this.connection.fetchResult({ queryId, sqlText: '', complete: () => undefined });
    statement.cancel(() => undefined);
  }

  /** Waits for an answer; when the signal aborts, the server is told, and it has a moment to confirm. */
  private async stoppable(
    answer: Promise<Answer>,
    signal: AbortSignal | undefined,
    stop: () => void,
  ): Promise<Answer> {
    let given: NodeJS.Timeout | undefined;
    const abandoned = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener(
        'abort',
        () => {
          stop();
          given = setTimeout(() => {
            this.broken = true;
            reject(signal.reason as Error);
          }, CONFIRM_MS);
        },
        { once: true },
      );
    });
    try {
      return await Promise.race([answer, abandoned]);
    } finally {
      clearTimeout(given);
    }
  }

  private request(
    sql: string,
    tag: Statement['tag'],
    resolve: (answer: Answer) => void,
    reject: (cause: unknown) => void,
  ): StatementOption {
    return {
      ...{ sqlText: sql, rowMode: 'array', fetchAsString: ['Number', 'JSON'] },
      parameters: this.parameters(tag),
      complete: (error, statement, rows) =>
        error ? reject(error) : resolve(answerOf(statement, rows as unknown[][] | undefined)),
    };
  }

  private parameters(tag: Statement['tag']): Record<string, string> {
    const all = { ...this.options.tag, ...tag };
    return Object.keys(all).length === 0 ? {} : { QUERY_TAG: JSON.stringify(all).slice(0, LONGEST_TAG) };
  }
}

/** The driver writes texts by them. */
const FORMATS = { BINARY_OUTPUT_FORMAT: 'HEX', JSON_INDENT: 0, STRICT_JSON_OUTPUT: true };

const literal = (value: string | number | boolean): string =>
  typeof value === 'string' ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'` : String(value);

function answerOf(statement: RowStatement, rows: unknown[][] = []): Answer {
  const described: Column[] = statement.getColumns() ?? [];
  const names = uniqueNames(described.map((column) => column.getName()));
  const changed = statement.getNumUpdatedRows();
  return {
    columns: described.map((column, index) => ({ name: names[index] ?? '', type: typeName(column) })),
    rows: rows.map((values): Row =>
      Object.fromEntries(
        described.map((column, index) => [names[index] ?? '', plainValue(values[index], column)]),
      ),
    ),
    changed: changed === undefined || changed < 0 ? 0 : changed,
    queryId: statement.getQueryId(),
  };
}

function connectionOptions(options: SnowflakeOptions): ConnectionOptions {
  const { account, user, auth, database, schema, warehouse, role, url } = options;
  return {
    ...{ account, username: user, database, application: 'Millrace', ...credentials(auth) },
    ...{ clientSessionKeepAlive: true, representNullAsStringNull: false },
    ...(schema !== undefined && { schema }),
    ...(warehouse !== undefined && { warehouse }),
    ...(role !== undefined && { role }),
    ...(url !== undefined && { accessUrl: url }),
  };
}

function credentials(auth: SnowflakeAuth): ConnectionOptions {
  switch (auth.kind) {
    case 'password':
      return { password: auth.password, ...(auth.passcode !== undefined && { passcode: auth.passcode }) };
    case 'key':
      return { authenticator: 'SNOWFLAKE_JWT', privateKey: plainKey(auth) };
    case 'oauth':
      return { authenticator: 'OAUTH', token: auth.token };
    case 'token':
      return { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: auth.token };
  }
}

/** The driver takes a key that is not encrypted; what is wrong with one is said without showing it. */
function plainKey({ privateKey, passphrase }: SnowflakeAuth & { kind: 'key' }): string {
  // profiles often hold the key without its header, in one line
  const pem = privateKey.includes('-----')
    ? privateKey
    : `-----BEGIN PRIVATE KEY-----\n${privateKey.trim()}\n-----END PRIVATE KEY-----`;
  try {
    const key = createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) });
    return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch {
    throw new MillraceError('ProjectInvalid', {
      what: 'The private key of the Snowflake user cannot be read: it is no PKCS#8 in PEM, or its passphrase is another',
      fix: 'Make one with `openssl genrsa 2048 | openssl pkcs8 -topk8 -inform PEM`, and give its passphrase where it has one',
    });
  }
}
