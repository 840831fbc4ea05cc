import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { anyFreePort } from '../../deploy/local/ports.js';
import { startStack, type Stack, type StackOptions } from '../../deploy/local/stack.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HOME = process.env.MILLRACE_HOME ?? join(ROOT, '.millrace');
const WORKER = fileURLToPath(new URL('fixtures/worker.mjs', import.meta.url));

/** A home of its own that knows the dev server which set-up fetched; removed after the test. */
export function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'millrace-stack-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));
  mkdirSync(join(home, 'setup'));
  cpSync(join(HOME, 'setup/temporal.json'), join(home, 'setup/temporal.json'));
  return home;
}

/** Ports that no other test file uses, so that files can run side by side. */
export async function options(home: string, more: Partial<StackOptions> = {}): Promise<StackOptions> {
  const [port, uiPort, metricsPort] = [await anyFreePort(), await anyFreePort(), await anyFreePort()];
  return {
    home,
    projects: ['/tmp/one'],
    workerEntry: WORKER,
    port,
    uiPort,
    metricsPort,
    graceMs: 3_000,
    ...more,
  };
}

export async function start(home: string, more: Partial<StackOptions> = {}): Promise<Stack> {
  const stack = await startStack(await options(home, more));
  onTestFinished(() => stack.stop());
  return stack;
}

export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not so after ${timeoutMs} ms: ${condition.toString()}`);
    await sleep(25);
  }
}
