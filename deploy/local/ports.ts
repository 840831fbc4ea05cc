import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { MillraceError } from '../../schemas/errors.js';
import { commandLine } from './processes.js';

const LOOPBACK = '127.0.0.1';

export interface PortHolder {
  pid: number;
  /** its command line, where the system tells */
  command: string;
}

/** @returns whether this process could listen on the port now */
export function isFree(port: number, host = LOOPBACK): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * A free port for whatever nobody has to remember: below those that systems give to outgoing connections, so that it is
 * still free when a server comes back, and by chance, so that two who look at the same moment find different ones.
 */
export async function anyFreePort(host = LOOPBACK): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port, host)) return port;
  }
  throw new MillraceError('PortInUse', { what: `no free port on ${host}`, fix: 'Close some programs' });
}

export interface PortWish {
  /** what it is for, in errors: `Temporal server` */
  purpose: string;
  /** the option that chooses it, in errors: `--port` */
  option: string;
  /** asked for by name: this one or none */
  port?: number | undefined;
  /** without a wish: this one or the next free one after it */
  fallback: number;
  host?: string;
  /** ports promised to others already; the chosen one is added */
  taken: Set<number>;
}

/** @throws MillraceError PortInUse when the port asked for is held; names the process that holds it */
export async function choosePort({
  purpose,
  option,
  port,
  fallback,
  host,
  taken,
}: PortWish): Promise<number> {
  if (port !== undefined) {
    if (taken.has(port) || !(await isFree(port, host))) {
      const holder = await holderOf(port);
      const by = holder ? ` by process ${holder.pid} (${holder.command})` : '';
      throw new MillraceError('PortInUse', {
        what: `port ${port} for the ${purpose} is in use${by}`,
        fix: `Stop that process or choose another port with ${option}`,
      });
    }
    taken.add(port);
    return port;
  }
  for (let candidate = fallback; candidate < fallback + 200; candidate += 1) {
    if (taken.has(candidate) || !(await isFree(candidate, host))) continue;
    taken.add(candidate);
    return candidate;
  }
  throw new MillraceError('PortInUse', {
    what: `no free port for the ${purpose} between ${fallback} and ${fallback + 199}`,
    fix: `Choose one with ${option}`,
  });
}

/** The process that listens on a TCP port, when the system lets us see it; null otherwise. */
export async function holderOf(port: number): Promise<PortHolder | null> {
  const pid = (await pidFromProc(port)) ?? (await pidFromLsof(port));
  return pid === null ? null : { pid, command: ((await commandLine(pid)) ?? 'unknown').slice(0, 120) };
}

async function pidFromProc(port: number): Promise<number | null> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const inodes = new Set(
    tables
      .join('\n')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      // 0A is LISTEN
      .filter((field) => field[3] === '0A' && field[1]?.endsWith(`:${hex}`))
      .map((field) => `socket:[${field[9]}]`),
  );
  if (inodes.size === 0) return null;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const descriptors = await readdir(`/proc/${entry}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${entry}/fd/${descriptor}`).catch(() => '');
      if (inodes.has(target)) return Number(entry);
    }
  }
  return null;
}

async function pidFromLsof(port: number): Promise<number | null> {
  const lsof = promisify(execFile)('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'], {
    timeout: 5_000,
  });
  const pid = Number((await lsof.catch(() => ({ stdout: '' }))).stdout.trim().split('\n')[0]);
  return pid > 0 ? pid : null;
}
