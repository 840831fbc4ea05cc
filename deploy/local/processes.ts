import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** A process that can still be told from another one that got its number later. */
export interface ProcessRef {
  pid: number;
  /** when it began, in the system's own words; see {@link identify} */
  born: string;
}

/** @returns a reference that stays true over a reboot and over reuse of the number, or null when there is no such process */
export async function identify(pid: number): Promise<ProcessRef | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat !== null) {
    // the name in parentheses may hold anything; state is the first field after it, the start time the twentieth
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return null;
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
    return { pid, born: `${fields[19]}@${boot.trim()}` };
  }
  const born = await ps(pid, 'lstart=');
  return born === null ? null : { pid, born };
}

/** @returns whether exactly this process still lives */
export async function isAlive(ref: ProcessRef): Promise<boolean> {
  return (await identify(ref.pid))?.born === ref.born;
}

export async function commandLine(pid: number): Promise<string | null> {
  const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  return raw === null ? ps(pid, 'command=') : raw.replaceAll('\0', ' ').trim();
}

/** Asks it to end, and ends it after the grace time. Does nothing when that process is gone already. */
export async function terminate(ref: ProcessRef, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  if (!(await isAlive(ref))) return;
  signal(ref.pid, 'SIGTERM');
  while (await isAlive(ref)) {
    if (Date.now() >= deadline) signal(ref.pid, 'SIGKILL');
    await sleep(25);
  }
}

/** Signals a process; one that has just ended is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function ps(pid: number, field: string): Promise<string | null> {
  const answer = await promisify(execFile)('ps', ['-o', field, '-p', String(pid)]).catch(() => null);
  return answer?.stdout.trim() || null;
}
