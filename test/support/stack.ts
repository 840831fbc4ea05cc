import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeDir } from '../../deploy/local/home.js';
import { anyFreePort } from '../../deploy/local/ports.js';
import { startStack, type Stack, type StackOptions } from '../../deploy/local/stack.js';

/** A home of its own that knows the dev server which set-up fetched. */
export function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'millrace-home-'));
  mkdirSync(join(home, 'setup'));
  cpSync(join(homeDir(), 'setup', 'temporal.json'), join(home, 'setup', 'temporal.json'));
  symlinkSync(join(homeDir(), 'lib'), join(home, 'lib'));
  return home;
}

/** The stack on free ports; its home goes with it. */
export async function startTestStack(
  options: Omit<StackOptions, 'home'> & { home?: string },
): Promise<Stack & { home: string }> {
  const home = options.home ?? makeHome();
  const stack = await startOnFreePorts({ ...options, home });
  return {
    ...stack,
    home,
    stop: async () => {
      await stack.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A port that was free a moment ago may have been taken by a server of another test since. */
async function startOnFreePorts(options: StackOptions): Promise<Stack> {
  for (let attempt = 1; ; attempt++) {
    const [port, uiPort, metricsPort] = [await anyFreePort(), await anyFreePort(), await anyFreePort()];
    try {
      return await startStack({ port, uiPort, metricsPort, ...options });
    } catch (error) {
      const { name, message } = error as Error;
      const taken = name === 'PortInUse' || message.includes('address already in use');
      if (attempt === 3 || !taken) throw error;
    }
  }
}

/** The server alone. */
export const startServer = (): Promise<Stack> =>
  startTestStack({ projects: [], workers: 0, workerEntry: '' });
