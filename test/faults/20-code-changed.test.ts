import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resultOf } from '../../clients/runs.js';
import { workerEntry } from '../../clients/worker-entry.js';
import { anyFreePort } from '../../deploy/local/ports.js';
import { answers } from '../../deploy/local/temporal-server.js';
import { historySize } from '../support/history.js';
import { makeShop, WEEKS, type Shop } from '../support/shop.js';
import { approve, runWeek, startWeek, until, withFaults } from '../support/shop-run.js';
import { BUNDLE } from '../support/workflow-env.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEPLOYMENT = 'millrace-test';

let folder: string;
let changed: string;
let shop: Shop;
const children: ChildProcess[] = [];

beforeAll(async () => {
  shop = makeShop();
  folder = mkdtempSync(join(tmpdir(), 'millrace-changed-'));
  changed = await bundleChangedCode(folder);
});
afterAll(() => {
  children.forEach((child) => child.kill('SIGKILL'));
  rmSync(folder, { recursive: true });
  shop.remove();
});

/** Tomorrow's code: a training that looks at the champion before it does anything. Nothing guards the change. */
async function bundleChangedCode(into: string): Promise<string> {
  for (const part of ['workflows', 'schemas'])
    cpSync(join(ROOT, 'dist', part), join(into, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(into, 'node_modules'));
  const file = join(into, 'workflows', 'train.js');
  const code = readFileSync(file, 'utf8');
  const first = 'const dataset = await freezeTraining(input);';
  expect(code).toContain(first);
  writeFileSync(file, code.replace(first, `await readChampion(input);\n${first}`));
  writeFileSync(join(into, 'package.json'), '{"type":"module"}');
  const bundle = await bundleWorkflowCode({
    workflowsPath: join(into, 'workflows', 'index.js'),
    logger: new DefaultLogger('WARN'),
  });
  const path = join(into, 'bundle.js');
  writeFileSync(path, bundle.code);
  return path;
}

/** A worker for workflows of one build, beside the one that holds the warehouse. */
async function startBuild(address: string, buildId: string, bundle: string): Promise<void> {
  const port = await anyFreePort();
  children.push(
    spawn(process.execPath, [workerEntry()], {
      stdio: 'ignore',
      env: {
        ...process.env,
        ...{ TEMPORAL_ADDRESS: address, MILLRACE_QUEUES: 'control', MILLRACE_METRICS_PORT: String(port) },
        ...{ MILLRACE_DEPLOYMENT: DEPLOYMENT, MILLRACE_BUILD_ID: buildId, MILLRACE_BUNDLE: bundle },
      },
    }),
  );
  await until(() => answers(`http://127.0.0.1:${port}/readyz`), { what: `worker of ${buildId}` });
}

/** The server knows a build once its worker has asked for work. */
const makeCurrent = (client: Client, buildId: string): Promise<void> =>
  until(
    () =>
      client.workflowService
        .setWorkerDeploymentCurrentVersion({ namespace: 'default', deploymentName: DEPLOYMENT, buildId })
        .then(
          () => true,
          () => false,
        ),
    { what: `${buildId} as the current version`, seconds: 30 },
  );

test(
  'a pinned run ends on the code that it began with, a new one takes the new code',
  { timeout: 110_000 },
  async () => {
    const env = { MILLRACE_QUEUES: 'io,compute,warehouse' };
    await withFaults(
      shop.root,
      [],
      async ({ client, address }) => {
        await startBuild(address, 'build-1', BUNDLE);
        await makeCurrent(client, 'build-1');
        await runWeek(client, shop.root, 'weekly');

        const waiting = await startWeek(client, shop.root, 'weekly', WEEKS[1]);
        const train = `${waiting.workflowId}/train.renewal`;
        await until(() => hasScheduled(client, train, 'judgeCandidate'), { what: 'the candidate' });
        await startBuild(address, 'build-2', changed);
        await makeCurrent(client, 'build-2');
        await approve(client, waiting);
        const [trained] = (await resultOf(client, waiting)).train;
        expect(trained).toMatchObject({ outcome: 'promoted', version: 2 });
        expect((await historySize(client, train)).scheduled('readChampion')).toBe(1);

        const again = await startWeek(client, shop.root, 'weekly', WEEKS[1]);
        await resultOf(client, again);
        expect((await historySize(client, train)).scheduled('readChampion')).toBe(2);
      },
      env,
    );
  },
);

async function hasScheduled(client: Client, workflowId: string, activity: string): Promise<boolean> {
  const size = await historySize(client, workflowId).catch(() => null);
  return (size?.scheduled(activity) ?? 0) > 0;
}

test('the replay of recorded histories stops such a change before it is deployed', async () => {
  const histories = fileURLToPath(new URL('../histories', import.meta.url));
  const recorded = readdirSync(histories).filter((file) => file.startsWith('train-'));
  expect(recorded.length).toBeGreaterThan(0);
  for (const file of recorded) {
    const history = historyFromJSON(JSON.parse(readFileSync(join(histories, file), 'utf8')));
    const replay = Worker.runReplayHistory({ workflowBundle: { codePath: changed } }, history);
    await expect(replay).rejects.toThrow(DeterminismViolationError);
  }
});
