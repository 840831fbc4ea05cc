import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { identify } from '../../deploy/local/processes.js';
import { isFree } from '../../deploy/local/ports.js';
import { readStack } from '../../deploy/local/stack-file.js';
import { startStack, type StackEvent } from '../../deploy/local/stack.js';
import { SEARCH_ATTRIBUTES } from '../../schemas/queues.js';
import { options, ROOT, start, temporaryHome, until } from './support.js';

describe('the stack', () => {
  test('starts server and worker, serves its UI, and stops without leaving anything', async () => {
    const home = temporaryHome();
    const wish = await options(home, { env: { GREETING: 'hello' } });
    const stack = await startStack(wish);
    onTestFinished(() => stack.stop());
    expect(stack.address).toBe(`127.0.0.1:${wish.port}`);
    expect((await fetch(stack.uiUrl ?? '')).status).toBe(200);
    expect(await (await fetch(stack.metricsUrl ?? '')).json()).toEqual({
      TEMPORAL_ADDRESS: stack.address,
      TEMPORAL_NAMESPACE: 'default',
      MILLRACE_PROJECTS: '["/tmp/one"]',
      MILLRACE_HOME: home,
      GREETING: 'hello',
    });
    expect(await readStack(home)).toMatchObject({
      address: stack.address,
      ready: true,
      projects: ['/tmp/one'],
    });

    const connection = await Connection.connect({ address: stack.address });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
    await connection.close();
    expect(Object.keys(customAttributes ?? {})).toEqual(
      expect.arrayContaining(Object.values(SEARCH_ATTRIBUTES)),
    );
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);

    const pids = Object.values(stack.pids());
    expect(pids).toHaveLength(2);
    await stack.stop();
    await stack.stop();
    expect(await Promise.all(pids.map((pid) => identify(pid)))).toEqual([null, null]);
    expect(existsSync(join(home, 'stack.json'))).toBe(false);
    expect(await isFree(wish.port ?? 0)).toBe(true);
  });

  test('a killed server comes back on its port with its data', async () => {
    const home = temporaryHome();
    const events: StackEvent[] = [];
    const stack = await start(home, { workers: 0, onEvent: (event) => events.push(event) });
    const connection = await Connection.connect({ address: stack.address });
    await connection.workflowService.startWorkflowExecution({
      ...{ namespace: 'default', workflowId: 'kept', requestId: 'one', workflowType: { name: 'any' } },
      taskQueue: { name: 'nobody' },
    });
    const first = stack.pids().temporal ?? 0;
    process.kill(first, 'SIGKILL');
    await until(() => events.some(({ kind }) => kind === 'ready'));
    expect(stack.pids().temporal).not.toBe(first);
    const found = await connection.workflowService.describeWorkflowExecution({
      namespace: 'default',
      execution: { workflowId: 'kept' },
    });
    await connection.close();
    expect(found.workflowExecutionInfo?.type?.name).toBe('any');
    expect((await readStack(home))?.children.temporal?.pid).toBe(stack.pids().temporal);
  });

  test('a killed worker is started again on its port', async () => {
    const stack = await start(temporaryHome(), { address: '127.0.0.1:1' });
    const first = stack.pids()['worker-1'] ?? 0;
    process.kill(first, 'SIGKILL');
    await until(() => ![undefined, first].includes(stack.pids()['worker-1']));
    await until(async () => (await fetch(stack.metricsUrl ?? '').catch(() => null))?.ok === true);
  });

  test('a worker that ignores the request to end is killed after the grace time', async () => {
    const stack = await start(temporaryHome(), {
      address: '127.0.0.1:1',
      graceMs: 300,
      env: { GREETING: 'deaf' },
    });
    const pid = stack.pids()['worker-1'] ?? 0;
    await stack.stop();
    expect(await identify(pid)).toBeNull();
  });

  test('a worker that cannot start ends the whole start, with the end of its log', async () => {
    const home = temporaryHome();
    const failed = start(home, { env: { GREETING: 'crash' } });
    await expect(failed).rejects.toMatchObject({
      type: 'StackFailed',
      message: expect.stringMatching(
        /worker-1 ended while it started \(exit code 3\).*cannot open the warehouse/s,
      ),
    });
    expect(await readStack(home)).toBeNull();
  });

  test('a second stack in the same home is refused and names the first', async () => {
    const home = temporaryHome();
    const stack = await start(home, { address: '127.0.0.1:1' });
    await expect(start(home, { address: '127.0.0.1:2' })).rejects.toMatchObject({
      type: 'StackRunning',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    expect(await readStack(home)).toMatchObject({ address: stack.address });
  });

  test('a port in use is named with its holder and its option', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const home = temporaryHome();
    await expect(start(home, { port })).rejects.toMatchObject({
      type: 'PortInUse',
      message: expect.stringMatching(new RegExp(`port ${port} .*process ${process.pid} .*--port`)),
    });
    expect(await readStack(home)).toBeNull();
  });

  test('a missing dev server says what to run', async () => {
    const home = temporaryHome();
    await expect(
      startStack({ ...(await options(home)), home: join(home, 'elsewhere') }),
    ).rejects.toMatchObject({
      type: 'SetupIncomplete',
      message: expect.stringContaining('npm run setup'),
    });
  });
});

describe('after a kill -9 of the process that runs the stack', () => {
  test('workers end by themselves, and the next start ends the server left over and keeps its data', async () => {
    const home = temporaryHome();
    const wish = await options(home);
    const runner = spawn(
      process.execPath,
      [join(ROOT, 'test/deploy/fixtures/stack-runner.mjs'), JSON.stringify(wish)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const pids = JSON.parse(
      await new Promise<string>((resolve) => runner.stdout.once('data', resolve)),
    ) as Record<string, number>;
    runner.kill('SIGKILL');
    await until(async () => (await identify(pids['worker-1'] ?? 0)) === null);
    expect(await identify(pids.temporal ?? 0)).not.toBeNull();
    expect(await readStack(home)).toBeNull();
    expect(JSON.parse(readFileSync(join(home, 'stack.json'), 'utf8'))).toMatchObject({
      address: `127.0.0.1:${wish.port}`,
    });

    const events: StackEvent[] = [];
    const next = await startStack({ ...wish, workers: 0, onEvent: (event) => events.push(event) });
    onTestFinished(() => next.stop());
    expect(events[0]).toEqual({ kind: 'orphanStopped', name: 'temporal' });
    expect(await identify(pids.temporal ?? 0)).toBeNull();
    expect(next.address).toBe(`127.0.0.1:${wish.port}`);
  });
});
