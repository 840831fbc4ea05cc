import { readFile } from 'node:fs/promises';
import { MillraceError } from '../../schemas/errors.js';
import type { WarehouseSpec } from '../../schemas/warehouse.js';
import { openDuckDb } from './duckdb.js';
import type { Warehouse } from './port.js';
import { openPostgresWarehouse, type PostgresOptions } from './postgres.js';
import type { SnowflakeAuth } from './snowflake-options.js';
import { openSnowflake } from './snowflake.js';

export interface OpenOptions {
  /** gives what a reference leads to */
  secret: (reference: string) => Promise<string>;
  /** where a path of the project is on this machine */
  locate: (path: string) => string;
  /** part of the query tag of every statement */
  tag?: Readonly<Record<string, string>>;
}

/**
 * Opens the warehouse that a project names.
 *
 * @throws MillraceError WarehouseBusy, WarehouseUnavailable, AccessDenied, SecretUnresolved, ProjectInvalid
 */
export async function openWarehouse(spec: WarehouseSpec, options: OpenOptions): Promise<Warehouse> {
  switch (spec.kind) {
    case 'duckdb': {
      const { path, memoryLimit, threads } = spec;
      return openDuckDb({ path: options.locate(path), memoryLimit, threads });
    }
    case 'postgres': {
      const { url, role, connections } = spec;
      return openPostgresWarehouse({
        ...(await postgresOptions(await options.secret(url))),
        role,
        connections,
      });
    }
    case 'snowflake': {
      const auth = await snowflakeAuth(spec.login, options.secret);
      return openSnowflake({ ...spec, auth, tag: options.tag });
    }
  }
}

/** What tells one warehouse from another: two projects over the same one share its queue. */
export function warehouseIdentity(spec: WarehouseSpec, locate: OpenOptions['locate']): string {
  switch (spec.kind) {
    case 'duckdb':
      return locate(spec.path);
    case 'postgres':
      return JSON.stringify([spec.kind, spec.url, spec.role ?? null]);
    case 'snowflake':
      return JSON.stringify([spec.kind, spec.account, spec.user, spec.database, spec.role ?? null]);
  }
}

/** @throws MillraceError ProjectInvalid when the text is no address; the text itself is never shown */
async function postgresOptions(url: string): Promise<PostgresOptions> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw new MillraceError('ProjectInvalid', {
      what: 'The URL of the warehouse is no address of a PostgreSQL database',
      where: { path: 'warehouse.url' },
      fix: 'Write postgres://user:password@host:port/database, special characters in the password as %XX',
    });
  const text = (part: string): string => decodeURIComponent(part);
  const authority = parsed.searchParams.get('sslrootcert');
  return {
    host: parsed.searchParams.get('host') ?? (text(parsed.hostname) || 'localhost'),
    port: Number(parsed.port || 5432),
    database: text(parsed.pathname.slice(1)) || text(parsed.username),
    ...{ user: text(parsed.username), password: text(parsed.password) },
    sslmode: parsed.searchParams.get('sslmode') ?? undefined,
    ca: authority === null ? undefined : await readFile(authority, 'utf8'),
  };
}

type Login = Extract<WarehouseSpec, { kind: 'snowflake' }>['login'];

async function snowflakeAuth(login: Login, secret: OpenOptions['secret']): Promise<SnowflakeAuth> {
  if ('privateKey' in login) {
    const { privateKey, passphrase } = login;
    return {
      kind: 'key',
      privateKey: await secret(privateKey),
      ...(passphrase !== undefined && { passphrase: await secret(passphrase) }),
    };
  }
  if ('oauthToken' in login) return { kind: 'oauth', token: await secret(login.oauthToken) };
  if ('accessToken' in login) return { kind: 'token', token: await secret(login.accessToken) };
  return { kind: 'password', password: await secret(login.password) };
}
