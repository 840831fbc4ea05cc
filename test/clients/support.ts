import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { workerEntry } from '../../clients/worker-entry.js';
import { connectTo, type Connected } from '../../clients/connect.js';
import { anyFreePort } from '../../deploy/local/ports.js';
import { startStack } from '../../deploy/local/stack.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A Temporal dev server of its own; with a worker when there are projects to serve. */
export async function startServer(...projects: string[]): Promise<Connected & { stop(): Promise<void> }> {
  const home = mkdtempSync(join(tmpdir(), 'millrace-clients-'));
  mkdirSync(join(home, 'setup'));
  cpSync(
    join(process.env['MILLRACE_HOME'] ?? join(ROOT, '.millrace'), 'setup/temporal.json'),
    join(home, 'setup/temporal.json'),
  );
  const [port, uiPort, metricsPort] = [await anyFreePort(), await anyFreePort(), await anyFreePort()];
  const workers = projects.length > 0 ? 1 : 0;
  const stack = await startStack({
    ...{ home, projects, workers, workerEntry: workerEntry(), port, uiPort, metricsPort },
  });
  const connected = await connectTo({
    address: stack.address,
    namespace: stack.namespace,
    uiUrl: stack.uiUrl,
  });
  return {
    ...connected,
    stop: async () => {
      await connected.close();
      await stack.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-project-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** Writes the `millrace.ts` of a project; its parts are given as source text. */
export function writeProject(folder: string, name: string, parts: string, helpers: string[] = []): void {
  writeFileSync(
    join(folder, 'millrace.ts'),
    `import { ${['project', ...helpers].join(', ')} } from 'millrace';\nexport default project({ name: '${name}', ${parts} });\n`,
  );
}

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the built command line as a process of its own. */
export function millrace(args: string[], env: Record<string, string> = {}, cwd = ROOT): Promise<Outcome> {
  const own: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', ...env };
  for (const name of ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'MILLRACE_PROJECT'])
    if (!(name in env)) delete own[name];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(ROOT, 'bin/millrace.mjs'), ...args],
      { env: own, cwd },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });
}
