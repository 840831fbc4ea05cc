import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../schemas/errors.js';
import { identify, isAlive, terminate } from './processes.js';

const ProcessRef = z.object({ pid: z.int(), born: z.string() });

const StackFile = z.object({
  /** empty until it is known */
  address: z.string(),
  namespace: z.string(),
  uiUrl: z.string().optional(),
  metricsUrl: z.string().optional(),
  /** false while it starts */
  ready: z.boolean(),
  projects: z.array(z.string()),
  started: z.string(),
  supervisor: ProcessRef,
  children: z.record(z.string(), ProcessRef),
});
/** What `.millrace/stack.json` says about the running stack. */
export type StackFile = z.infer<typeof StackFile>;

export const stackFile = (home: string): string => join(home, 'stack.json');

/** @returns the stack that runs from this home, or null; a file left behind by a killed one counts as none */
export async function readStack(home: string): Promise<StackFile | null> {
  const stack = await load(home);
  return stack && (await isAlive(stack.supervisor)) ? stack : null;
}

/**
 * Makes this process the one that runs the stack of a home. What a killed predecessor left running is ended first.
 * @returns the names of the orphans that were ended
 * @throws MillraceError StackRunning when another process holds it
 */
export async function claimStack(home: string, body: Omit<StackFile, 'supervisor'>): Promise<string[]> {
  await mkdir(home, { recursive: true });
  const supervisor = await identify(process.pid);
  if (!supervisor)
    throw new MillraceError('StackFailed', { what: 'cannot read this process from the process table' });
  const text = JSON.stringify({ ...body, supervisor });
  const ended: string[] = [];
  for (;;) {
    const created = await writeFile(stackFile(home), text, { flag: 'wx' }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
        return false;
      },
    );
    if (created) return ended;
    const found = await load(home);
    if (found && (await isAlive(found.supervisor))) throw alreadyRunning(home, found);
    // taken aside by a rename, so that of two processes that see the same left-over only one ends its orphans
    const aside = `${stackFile(home)}.${process.pid}`;
    const taken = await rename(stackFile(home), aside).then(
      () => true,
      () => false,
    );
    if (!taken) continue;
    for (const [name, child] of Object.entries(found?.children ?? {})) {
      if (!(await isAlive(child))) continue;
      await terminate(child, 5_000);
      ended.push(name);
    }
    await rm(aside, { force: true });
  }
}

/** Replaces the file as a whole: a reader sees the old or the new one. */
export async function updateStack(home: string, change: Partial<StackFile>): Promise<void> {
  const stack = await load(home);
  if (stack?.supervisor.pid !== process.pid) return;
  const aside = join(dirname(stackFile(home)), `.stack.${process.pid}.json`);
  await writeFile(aside, JSON.stringify({ ...stack, ...change }, null, 2));
  await rename(aside, stackFile(home));
}

/** Removes the file if it is ours. */
export async function releaseStack(home: string): Promise<void> {
  if ((await load(home))?.supervisor.pid === process.pid) await rm(stackFile(home), { force: true });
}

async function load(home: string): Promise<StackFile | null> {
  const text = await readFile(stackFile(home), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return StackFile.parse(JSON.parse(text));
  } catch {
    // cut off by a full disk or edited by hand: it names nothing that we could trust
    return null;
  }
}

function alreadyRunning(home: string, stack: StackFile): MillraceError {
  return new MillraceError('StackRunning', {
    what: `process ${stack.supervisor.pid} already runs the stack of this folder (Temporal at ${stack.address})`,
    where: { file: stackFile(home) },
    fix: 'Use that one, or end it with Ctrl-C in its terminal; MILLRACE_HOME names another folder for a second one',
  });
}
