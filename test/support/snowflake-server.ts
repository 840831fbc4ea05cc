import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { homeDir } from '../../deploy/local/home.js';
import { anyFreePort } from '../../deploy/local/ports.js';
import type { SnowflakeOptions } from '../../engines/warehouse/snowflake-options.js';

const PASSWORD = 'password-of-tests';
const TOKEN = 'token-of-tests';

/** What the server noted of a request. */
export interface Noted {
  id?: string;
  sql?: string;
  parameters?: Record<string, unknown>;
  asynchronous?: boolean;
  /** id of a statement that was stopped */
  stopped?: string;
  login?: string;
  role?: string;
  warehouse?: string;
}

export interface SnowflakeServer {
  /** of a database of its own, by password unless told otherwise */
  options(database: string, more?: Partial<SnowflakeOptions>): SnowflakeOptions;
  /** that it lets in */
  auth: { key: SnowflakeOptions['auth']; oauth: SnowflakeOptions['auth'] };
  /** everything it was asked, in order */
  noted(): Promise<Noted[]>;
  stop(): Promise<void>;
}

/** What set-up has made, or null: then nothing of Snowflake can be tested here. */
export function snowflakePython(): string | null {
  try {
    const stamp = readFileSync(join(homeDir(), 'setup', 'snowflake-server.json'), 'utf8');
    return (JSON.parse(stamp) as { python: string }).python;
  } catch {
    return null;
  }
}

/** Snowflake's protocol over a database in memory, on a free port of this machine. */
export async function startSnowflake(): Promise<SnowflakeServer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'phrase' },
  });
  const port = await anyFreePort();
  const script = fileURLToPath(new URL('snowflake-server.py', import.meta.url));
  const server = spawn(snowflakePython() ?? 'python3', [script, String(port)], {
    env: { ...process.env, TEST_PASSWORD: PASSWORD, TEST_TOKEN: TOKEN, TEST_PUBLIC_KEY: publicKey },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  const atExit = (): void => void server.kill('SIGKILL');
  process.once('exit', atExit);
  const url = `http://127.0.0.1:${port}`;
  const noted = async (): Promise<Noted[]> => (await (await fetch(`${url}/test/queries`)).json()) as Noted[];
  for (let waited = 0; !(await noted().catch(() => null)); waited += 100) {
    if (server.exitCode !== null || waited > 40_000)
      throw new Error(`the stand-in for Snowflake did not start: ${said}`);
    await sleep(100);
  }
  return {
    noted,
    options: (database, more) => ({
      ...{ account: 'tests', user: 'tester', auth: { kind: 'password', password: PASSWORD } },
      ...{ database, schema: 'PUBLIC', connections: 4, url, ...more },
    }),
    auth: {
      key: { kind: 'key', privateKey, passphrase: 'phrase' },
      oauth: { kind: 'oauth', token: TOKEN },
    },
    stop: async () => {
      process.removeListener('exit', atExit);
      if (server.exitCode !== null) return;
      const gone = once(server, 'exit');
      server.kill('SIGKILL');
      await gone;
    },
  };
}
