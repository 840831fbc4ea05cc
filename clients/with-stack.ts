import { homeDir } from '../deploy/local/home.js';
import { startStack } from '../deploy/local/stack.js';
import { readStack, type StackFile } from '../deploy/local/stack-file.js';
import { loadProject } from '../engines/project/load.js';
import { MillraceError } from '../schemas/errors.js';
import { connect, connectTo, type Connected } from './connect.js';
import { workerEntry } from './worker-entry.js';

/**
 * Runs work against the server at hand; when there is none, against an embedded stack that lives as long as the work.
 * Waiting for an approval or a schedule needs one that stays: `millrace up`.
 */
export async function withStack<T>(
  options: { project: string; json?: boolean },
  work: (connected: Connected) => Promise<T>,
): Promise<T> {
  const home = homeDir();
  const named =
    process.env['TEMPORAL_ADDRESS'] !== undefined || process.env['TEMPORAL_PROFILE'] !== undefined;
  const running = named ? null : await readStack(home);
  if (running) await requireServed(running, options.project);
  if (named || running) {
    const connected = await connect();
    try {
      return await work(connected);
    } finally {
      await connected.close();
    }
  }
  const { root } = await loadProject(options.project);
  if (!options.json)
    process.stderr.write('no stack is running: starting one for this command (millrace up keeps one)\n');
  const stack = await startStack({ home, projects: [root], workerEntry: workerEntry() });
  const stop = (): void => void stack.stop().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const connected = await connectTo({
      address: stack.address,
      namespace: stack.namespace,
      uiUrl: stack.uiUrl ?? undefined,
    });
    try {
      return await work(connected);
    } finally {
      await connected.close();
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await stack.stop();
  }
}

/** Nobody serves the warehouse of another project: its run would wait for ever. */
async function requireServed({ projects }: StackFile, folder: string): Promise<void> {
  const { root } = await loadProject(folder);
  if (projects.includes(root)) return;
  throw new MillraceError('StackRunning', {
    what: `the running stack serves ${projects.join(', ')}, not ${root}`,
    fix: 'Stop it and start one here with millrace up, or give this project a stack of its own by another MILLRACE_HOME',
  });
}
