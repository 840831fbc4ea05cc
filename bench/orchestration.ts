import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { homeDir } from '../deploy/local/home.js';
import { anyFreePort } from '../deploy/local/ports.js';
import { startStack } from '../deploy/local/stack.js';
import { figure, median } from './figure.js';
import type { Bench } from './figure.js';

const QUEUE = 'bench';

/** What durability costs on the embedded server: a step, many at once, a start. */
export const orchestration: Bench = async function* ({ quick }) {
  const home = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  await mkdir(join(home, 'setup'));
  await cp(join(homeDir(), 'setup', 'temporal.json'), join(home, 'setup', 'temporal.json'));
  const stack = await startStack({
    home,
    projects: [],
    workers: 0,
    workerEntry: '',
    port: await anyFreePort(),
    uiPort: await anyFreePort(),
  });
  const connection = await Connection.connect({ address: stack.address });
  const native = await NativeConnection.connect({ address: stack.address });
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./workflows.js', import.meta.url)),
    logger: quiet,
  });
  const worker = await Worker.create({
    connection: native,
    taskQueue: QUEUE,
    workflowBundle,
    activities: { nothing: async () => {} },
  });
  const running = worker.run();
  const client = new Client({ connection });
  const timed = async (workflow: string, ...args: unknown[]): Promise<number> => {
    const started = performance.now();
    await client.workflow.execute(workflow, { taskQueue: QUEUE, workflowId: randomUUID(), args });
    return performance.now() - started;
  };
  try {
    await timed('sequential', 20);
    const floor = median(
      await repeat(50, async () => void (await connection.workflowService.getSystemInfo({}))),
    );
    const rounds = quick ? 3 : 7;
    const steps = await series(rounds, () => timed('sequential', 100));
    yield figure({
      ...{ name: 'sequential step', value: median(steps) / 100, unit: 'ms' },
      against: { name: 'server round trip ms', value: floor },
      goal: { atMost: 12, of: 'value' },
    });
    const together = await series(rounds, () => timed('parallel', 100));
    yield figure({
      name: '100 parallel steps',
      value: median(together),
      unit: 'ms',
      against: { name: '100 sequential ms', value: median(steps) },
    });
    const starts = quick ? 100 : 400;
    const started = performance.now();
    await Promise.all(
      Array.from({ length: starts }, () =>
        client.workflow.start('empty', { taskQueue: QUEUE, workflowId: randomUUID() }),
      ),
    );
    yield figure({
      name: 'workflow starts',
      value: starts / ((performance.now() - started) / 1000),
      unit: '/s',
    });
  } finally {
    worker.shutdown();
    await running;
    await native.close();
    await connection.close();
    await stack.stop();
    await rm(home, { recursive: true, force: true });
  }
};

async function series(times: number, work: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let i = 0; i < times; i++) values.push(await work());
  return values;
}

const repeat = (times: number, work: () => Promise<void>): Promise<number[]> =>
  series(times, async () => {
    const started = performance.now();
    await work();
    return performance.now() - started;
  });

const ignore = (): void => {};
const quiet = { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };
