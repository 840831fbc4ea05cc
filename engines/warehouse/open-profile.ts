import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { MillraceError } from '../../schemas/errors.js';
import { openDuckDb } from './duckdb.js';
import { quoteIdent, quoteText, type Warehouse } from './port.js';
import { openPostgresWarehouse } from './postgres.js';
import type { SnowflakeAuth } from './snowflake-options.js';
import { openSnowflake } from './snowflake.js';

/** One output of dbt's profiles.yml, rendered. */
export interface ProfileSettings {
  type: 'duckdb' | 'snowflake' | 'postgres';
  settings: Readonly<Record<string, unknown>>;
  threads?: number | undefined;
  /** part of the query tag of every statement, where the warehouse has them */
  tag?: Readonly<Record<string, string>> | undefined;
}

/**
 * Opens the warehouse of a dbt profile.
 *
 * @throws MillraceError DbtProjectInvalid for a setting that is missing; what opening that warehouse throws
 */
export async function openProfile(profile: ProfileSettings): Promise<Warehouse> {
  const settings = new Settings(profile.settings);
  switch (profile.type) {
    case 'duckdb':
      return openDuckDbProfile(settings);
    case 'postgres':
      return openPostgresWarehouse({
        ...{ host: settings.needed('host'), user: settings.needed('user') },
        ...{ password: settings.text('password'), database: settings.needed('database') },
        ...{ port: Number(settings.text('port') ?? 5432), role: settings.text('role') },
        ...{ sslmode: settings.text('sslmode'), searchPath: settings.text('search_path') },
        ca: await settings.file('sslrootcert'),
        connections: connectionsFor(profile),
      });
    case 'snowflake':
      return openSnowflake({
        ...{ account: settings.needed('account'), user: settings.needed('user') },
        ...{ database: settings.needed('database'), schema: settings.text('schema') },
        ...{ warehouse: settings.text('warehouse'), role: settings.text('role') },
        auth: await snowflakeAuth(settings),
        url: snowflakeUrl(settings),
        tag: { ...queryTag(settings), ...profile.tag },
        connections: connectionsFor(profile),
      });
  }
}

/** Each thread has a session, and what looks around beside them two. */
const connectionsFor = ({ threads = 1 }: ProfileSettings): number => threads + 2;

class Settings {
  constructor(private readonly values: Readonly<Record<string, unknown>>) {}

  get(name: string): unknown {
    return this.values[name];
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    if (value === undefined || value === null || value === '') return undefined;
    return typeof value === 'string' ? value : JSON.stringify(value);
  }

  needed(name: string): string {
    const value = this.text(name);
    if (value !== undefined) return value;
    throw new MillraceError('DbtProjectInvalid', {
      what: `the output of the profile has no '${name}'`,
      where: { file: 'profiles.yml' },
      fix: `Write '${name}: …' into the output`,
    });
  }

  /** @returns what the file says that the setting names */
  async file(name: string): Promise<string | undefined> {
    const path = this.text(name)?.replace(/^~(?=\/)/, homedir());
    if (path === undefined) return undefined;
    return readFile(path, 'utf8').catch((cause: unknown) => {
      throw new MillraceError('DbtProjectInvalid', {
        what: `'${name}' of the profile names a file that cannot be read: ${path}`,
        where: { file: 'profiles.yml' },
        fix: 'Correct the path',
        cause,
      });
    });
  }
}

async function snowflakeAuth(settings: Settings): Promise<SnowflakeAuth> {
  const authenticator = (settings.text('authenticator') ?? '').toLowerCase();
  const passphrase = settings.text('private_key_passphrase');
  const key = settings.text('private_key') ?? (await settings.file('private_key_path'));
  if (key !== undefined) return { kind: 'key', privateKey: key, passphrase };
  if (authenticator === 'oauth') return { kind: 'oauth', token: settings.needed('token') };
  if (authenticator === 'programmatic_access_token')
    return { kind: 'token', token: settings.text('token') ?? settings.needed('password') };
  if (authenticator !== '' && authenticator !== 'snowflake' && authenticator !== 'username_password_mfa')
    throw new MillraceError('Unsupported', {
      what: `the authenticator '${authenticator}' needs a browser or a cloud's identity`,
      where: { file: 'profiles.yml' },
      fix: 'Use a private key (private_key_path), `authenticator: oauth` with a token, or a password',
    });
  return { kind: 'password', password: settings.needed('password') };
}

function snowflakeUrl(settings: Settings): string | undefined {
  const host = settings.text('host');
  if (host === undefined) return undefined;
  const port = settings.text('port');
  return `${settings.text('protocol') ?? 'https'}://${host}${port === undefined ? '' : `:${port}`}`;
}

/** dbt's is any text; here it is one member of a tag. */
function queryTag(settings: Settings): Record<string, string> {
  const tag = settings.text('query_tag');
  return tag === undefined ? {} : { query_tag: tag };
}

async function openDuckDbProfile(settings: Settings): Promise<Warehouse> {
  const options = { ...record(settings.get('config_options')), ...record(settings.get('settings')) };
  const { memory_limit: memoryLimit, threads, ...others } = options;
  const warehouse = await openDuckDb({
    path: settings.text('path') ?? ':memory:',
    memoryLimit: typeof memoryLimit === 'string' ? memoryLimit : undefined,
    ...(threads !== undefined && { threads: Number(threads) }),
  });
  try {
    const extensions = settings.get('extensions');
    for (const name of Array.isArray(extensions) ? extensions : []) await loadExtension(warehouse, name);
    for (const [name, value] of Object.entries(others))
      await warehouse.run(`SET GLOBAL ${quoteIdent(name)} = ${quoteText(String(value))}`);
    const attached = settings.get('attach');
    for (const each of Array.isArray(attached) ? attached : []) await attach(warehouse, record(each));
    return warehouse;
  } catch (cause) {
    await warehouse.close();
    throw cause;
  }
}

async function loadExtension(warehouse: Warehouse, extension: unknown): Promise<void> {
  const { name, repo } =
    typeof extension === 'string' ? { name: extension, repo: undefined } : record(extension);
  const from = typeof repo === 'string' ? ` FROM ${quoteText(repo)}` : '';
  await warehouse.run(`INSTALL ${quoteIdent(String(name))}${from}; LOAD ${quoteIdent(String(name))}`);
}

async function attach(warehouse: Warehouse, attached: Record<string, unknown>): Promise<void> {
  const { path, alias, type, read_only: readOnly } = attached;
  const named = typeof alias === 'string' ? ` AS ${quoteIdent(alias)}` : '';
  const options = [
    ...(typeof type === 'string' ? [`TYPE ${quoteIdent(type)}`] : []),
    ...(readOnly === true ? ['READ_ONLY'] : []),
  ];
  const given = options.length > 0 ? ` (${options.join(', ')})` : '';
  await warehouse.run(`ATTACH IF NOT EXISTS ${quoteText(String(path))}${named}${given}`);
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
