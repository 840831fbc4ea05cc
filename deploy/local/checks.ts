import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { packageRoot } from './home.js';
import { holderOf, isFree } from './ports.js';
import { readStack } from './stack-file.js';
import { DEFAULT_PORTS } from './stack.js';

const Check = z.object({ name: z.string(), ok: z.boolean(), detail: z.string(), fix: z.string() });
/** One thing that has to hold; `fix` is what to do when it does not. */
export type Check = z.infer<typeof Check>;

const MIN_DISK_BYTES = 1e9;
/** Temporal's dev server, one worker and DuckDB's default limit of 1 GB. */
const MIN_MEMORY_BYTES = 2e9;

/** Everything that set-up and the embedded stack need of this machine, in the order in which they need it. */
export async function runChecks(home: string): Promise<Check[]> {
  return [...(await setupChecks(home)), ...(await portChecks(home)), await diskCheck(home), memoryCheck()];
}

/** Set-up knows best what it would do: it is asked. */
async function setupChecks(home: string): Promise<Check[]> {
  const script = join(packageRoot(), 'scripts', 'setup.mjs');
  const env = { ...process.env, MILLRACE_HOME: home };
  if (!existsSync(script)) {
    return [{ name: 'set-up', ok: false, detail: `${script} is missing`, fix: 'Install Millrace again' }];
  }
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--check'], {
    env,
    timeout: 30_000,
  });
  return z.array(Check).parse(JSON.parse(stdout));
}

/** A default port that is taken is no fault, because the next free one is used; it is said all the same. */
async function portChecks(home: string): Promise<Check[]> {
  const stack = await readStack(home);
  const purposes = [
    {
      name: 'Temporal port',
      port: DEFAULT_PORTS.port,
      ours: stack?.address.endsWith(`:${DEFAULT_PORTS.port}`),
    },
    {
      name: 'Temporal UI port',
      port: DEFAULT_PORTS.uiPort,
      ours: stack?.uiUrl?.endsWith(`:${DEFAULT_PORTS.uiPort}`),
    },
  ];
  return Promise.all(
    purposes.map(async ({ name, port, ours }) => {
      const fix = 'Stop that process to have the usual port, or open the address that `millrace up` prints';
      if (ours) return { name, ok: true, detail: `${port}: our stack runs there`, fix };
      if (await isFree(port)) return { name, ok: true, detail: `${port} is free`, fix };
      const holder = await holderOf(port);
      const by = holder ? `process ${holder.pid} (${holder.command})` : 'another process';
      return { name, ok: true, detail: `${port} is held by ${by}; the next free one will be used`, fix };
    }),
  );
}

async function diskCheck(home: string): Promise<Check> {
  await mkdir(home, { recursive: true }).catch(() => undefined);
  const disk = await statfs(existsSync(home) ? home : packageRoot());
  const free = disk.bavail * disk.bsize;
  const fix = 'Free some space, or name a folder on another disk with MILLRACE_HOME';
  return { name: 'disk', ok: free >= MIN_DISK_BYTES, detail: `${gigabytes(free)} free at ${home}`, fix };
}

function memoryCheck(): Check {
  const total = totalmem();
  const detail = `${gigabytes(total)}, ${gigabytes(freemem())} free`;
  return {
    name: 'memory',
    ok: total >= MIN_MEMORY_BYTES,
    detail,
    fix: 'Millrace needs 2 GB; 4 GB for a million rows',
  };
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
