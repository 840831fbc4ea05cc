import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../schemas/errors.js';
import { signal } from './processes.js';

export interface ChildSpec {
  /** what people call it, in events and errors: `temporal`, `worker-1` */
  name: string;
  command: string;
  args: string[];
  env: Record<string, string | undefined>;
  /** gets its output, appended; begun anew when it is large */
  logFile: string;
  /** keeps a pipe to its stdin open, so that it sees our death as end of file */
  parentPipe: boolean;
  /** asked again and again until it says true */
  ready: () => Promise<boolean>;
  readyTimeoutMs: number;
  /** between the request to end and the kill */
  graceMs: number;
}

export type ChildEvent =
  | { kind: 'started' | 'ready'; name: string; pid: number }
  | { kind: 'died'; name: string; pid: number; reason: string; restartInMs: number }
  | { kind: 'gaveUp'; name: string; reason: string; logFile: string; tail: string };

/** A child that lived this long was not a failed start, so its next death counts as the first. */
const SETTLED_MS = 5_000;
/** Deaths in a row before it was ready. One that gets to work and is killed is worth another start, however often. */
const MAX_FAILED_STARTS = 6;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
const LOG_LIMIT_BYTES = 20_000_000;

/**
 * Keeps one child process alive: starts it again, with growing delay, whenever it ends without being asked to, and
 * gives up after a row of starts that failed. Ends only what it started.
 */
export class Supervised {
  private child: ChildProcess | null = null;
  private ended: Promise<void> = Promise.resolve();
  private quickDeaths = 0;
  private failedStarts = 0;
  private wasReady = false;
  /** size of the log when the last process began to write to it */
  private logStart = 0;
  private stopping = false;
  private lastReason = '';

  constructor(
    readonly spec: ChildSpec,
    private readonly onEvent: (event: ChildEvent) => void,
  ) {}

  /** the running process, or null between a death and the restart */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Starts it and waits until it is ready. @throws MillraceError StackFailed with the end of its log */
  async start(): Promise<void> {
    await this.launch();
    const deadline = Date.now() + this.spec.readyTimeoutMs;
    while (Date.now() < deadline && !this.stopping) {
      if (this.child && (await this.spec.ready())) {
        this.wasReady = true;
        return;
      }
      // a first start that dies is shown at once: a wrong flag or a broken file will not mend itself
      if (!this.child)
        throw await this.failure(`${this.spec.name} ended while it started (${this.lastReason})`);
      await sleep(40);
    }
    throw await this.failure(`${this.spec.name} was not ready after ${this.spec.readyTimeoutMs / 1000} s`);
  }

  /** Asks it to end, kills it and its own children after the grace time; resolves when it is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    const pid = this.pid;
    if (pid === null) return;
    signal(pid, 'SIGTERM');
    const timer = setTimeout(() => this.killNow(), this.spec.graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** The last resort where nothing can be awaited any more. */
  killNow(): void {
    this.stopping = true;
    // it leads its own process group, which holds what it started in turn
    if (this.pid !== null) signal(-this.pid, 'SIGKILL');
  }

  private async launch(): Promise<void> {
    const { command, args, env, logFile, parentPipe, name } = this.spec;
    await mkdir(dirname(logFile), { recursive: true });
    if (existsSync(logFile) && (await stat(logFile)).size > LOG_LIMIT_BYTES)
      await rename(logFile, `${logFile}.1`);
    const log = await open(logFile, 'a');
    this.logStart = (await log.stat()).size;
    if (this.stopping) return log.close();
    const born = Date.now();
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      // its own process group: Ctrl-C in the terminal reaches only us, and we end children in the right order
      detached: true,
      stdio: [parentPipe ? 'pipe' : 'ignore', log.fd, log.fd],
    });
    this.child = child;
    this.ended = new Promise((resolve) => {
      const end = (reason: string) => {
        if (this.child !== child) return;
        this.child = null;
        resolve();
        this.afterEnd(reason, child.pid ?? 0, Date.now() - born);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, name) => end(name ? `signal ${name}` : `exit code ${code}`));
    });
    // a pipe to a process that is gone is not our failure
    child.stdin?.on('error', () => undefined);
    await log.close();
    if (child.pid !== undefined) this.onEvent({ kind: 'started', name, pid: child.pid });
  }

  private afterEnd(reason: string, pid: number, livedMs: number): void {
    this.lastReason = reason;
    if (this.stopping) return;
    this.quickDeaths = livedMs > SETTLED_MS ? 1 : this.quickDeaths + 1;
    this.failedStarts = this.wasReady ? 0 : this.failedStarts + 1;
    this.wasReady = false;
    if (this.failedStarts > MAX_FAILED_STARTS) {
      void this.giveUp(reason);
      return;
    }
    const restartInMs = Math.min(FIRST_DELAY_MS * 2 ** (this.quickDeaths - 1), MAX_DELAY_MS);
    this.onEvent({ kind: 'died', name: this.spec.name, pid, reason, restartInMs });
    setTimeout(() => {
      this.restart().catch((error: unknown) => this.giveUp(String(error)));
    }, restartInMs);
  }

  private async restart(): Promise<void> {
    if (this.stopping) return;
    await this.launch();
    const deadline = Date.now() + this.spec.readyTimeoutMs;
    while (this.child && !this.stopping && Date.now() < deadline) {
      if (await this.spec.ready()) {
        this.wasReady = true;
        this.onEvent({ kind: 'ready', name: this.spec.name, pid: this.child.pid ?? 0 });
        return;
      }
      await sleep(40);
    }
  }

  private async giveUp(reason: string): Promise<void> {
    const { name, logFile } = this.spec;
    this.onEvent({ kind: 'gaveUp', name, reason, logFile, tail: await tailOf(logFile, this.logStart) });
  }

  private async failure(what: string): Promise<MillraceError> {
    await this.stop();
    const tail = await tailOf(this.spec.logFile, this.logStart);
    return new MillraceError('StackFailed', {
      what: tail ? `${what}; the end of its log:\n${tail}\n` : what,
      where: { file: this.spec.logFile },
      fix: 'Read its log; `millrace doctor` checks what it needs',
    });
  }
}

/** @returns what a start has left in its log: the last lines, at most 4 kB; of JSON lines the warnings and errors */
async function tailOf(file: string, from: number): Promise<string> {
  const handle = await open(file, 'r').catch(() => null);
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(from > size ? 0 : from, size - 4_000);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4_000), 0, 4_000, start);
    const lines = buffer.toString('utf8', 0, bytesRead).trim().split('\n').flatMap(readable);
    return lines.slice(-12).join('\n');
  } finally {
    await handle.close();
  }
}

const WARNING = 40;

function readable(line: string): string[] {
  try {
    const { level, msg } = JSON.parse(line) as { level?: number; msg?: string };
    return level === undefined || msg === undefined ? [line] : level > WARNING ? [msg] : [];
  } catch {
    return [line]; // not JSON: a stack trace, or another program's log
  }
}
