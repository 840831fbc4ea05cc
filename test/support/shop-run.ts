import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { answerApproval, listAwaiting } from '../../clients/approvals.js';
import { connectTo } from '../../clients/connect.js';
import { resultOf, startRun, type StartedRun } from '../../clients/runs.js';
import { workerEntry } from '../../clients/worker-entry.js';
import type { Stack } from '../../deploy/local/stack.js';
import type { PipelineResult } from '../../schemas/run.js';
import { WEEKS } from './shop.js';
import { startTestStack } from './stack.js';

export const FAULTY_WORKER = fileURLToPath(new URL('faulty-worker.mjs', import.meta.url));

/** Something that happens to a worker; `test/support/faulty-worker.mjs` lets it happen. */
export type Fault = ({ activity: string; node?: string } | { lake: string; key: string }) & {
  when: 'before' | 'after';
  do: 'kill' | 'stop' | 'hang' | 'loseAnswer';
  times?: number;
  ms?: number;
};

export interface TestRun extends Stack {
  client: Client;
  /** what happened of fault n: a line each time, the last word is the worker's process id */
  happened: (index: number) => string[];
}

/** A stack with one project or several, whose worker meets these faults. Everything has ended when `work` has. */
export async function withFaults<T>(
  root: string | string[],
  faults: Fault[],
  work: (run: TestRun) => Promise<T>,
  env: Record<string, string> = {},
): Promise<T> {
  const logs = mkdtempSync(join(tmpdir(), 'millrace-faults-'));
  const log = (index: number): string => join(logs, `fault-${index}`);
  const planned = JSON.stringify(faults.map((fault, index) => ({ ...fault, log: log(index) })));
  const stack = await startTestStack({
    projects: [root].flat(),
    workerEntry: faults.length > 0 ? FAULTY_WORKER : workerEntry(),
    env: { ...env, MILLRACE_TEST_FAULTS: planned },
  });
  try {
    const { client, close } = await connectTo({ ...stack, uiUrl: undefined });
    const happened = (index: number): string[] =>
      existsSync(log(index)) ? readFileSync(log(index), 'utf8').trim().split('\n') : [];
    try {
      return await work({ ...stack, client, happened });
    } finally {
      await close();
    }
  } finally {
    await stack.stop();
    rmSync(logs, { recursive: true });
  }
}

/** Starts a pipeline of the shop over its first week. */
export const startWeek = (
  client: Client,
  root: string,
  pipeline: string,
  week: string = WEEKS[0],
): Promise<StartedRun> => startRun(client, root, { pipeline, interval: week });

/** Runs a pipeline of the shop to its end. */
export const runWeek = async (
  client: Client,
  root: string,
  pipeline: string,
  week: string = WEEKS[0],
): Promise<PipelineResult> => resultOf(client, await startWeek(client, root, pipeline, week));

/** Approves what the run waits for, as soon as it does. */
export async function approve(client: Client, { workflowId }: StartedRun): Promise<void> {
  await until(async () => (await listAwaiting(client, workflowId)).length > 0);
  await answerApproval(client, 'approve', { run: workflowId, who: 'ana@example.com', why: 'better' });
}

/** Waits until it is so. @throws after the given time */
export async function until(
  so: () => boolean | Promise<boolean>,
  { seconds = 50, what = 'it' }: { seconds?: number; what?: string } = {},
): Promise<void> {
  const deadline = Date.now() + 1000 * seconds;
  while (!(await so())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
