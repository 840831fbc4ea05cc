import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll } from 'vitest';
import type { Stack } from '../../deploy/local/stack.js';
import { startServer } from './stack.js';

export const BUNDLE = fileURLToPath(new URL('../../dist/workers/workflow-bundle.js', import.meta.url));

// a worker's every change of state would bury what the tests say
Runtime.install({ logger: new DefaultLogger('ERROR') });

export interface WorkflowEnv {
  readonly client: Client;
  /** Hosts the built workflows with the given activities on these queues while `work` goes on. */
  withWorker<T>(queues: string[], activities: object, work: () => Promise<T>): Promise<T>;
}

/** A real dev server for the tests of one file; orchestration is tested against it, with activities of the test's own. */
export function workflowEnv(): WorkflowEnv {
  let stack: Stack;
  let connection: Connection;
  let native: NativeConnection;
  let client: Client;
  beforeAll(async () => {
    stack = await startServer();
    connection = await Connection.connect({ address: stack.address });
    native = await NativeConnection.connect({ address: stack.address });
    client = new Client({ connection });
  });
  afterAll(async () => {
    await connection.close();
    await native.close();
    await stack.stop();
  });
  return {
    get client() {
      return client;
    },
    async withWorker(queues, activities, work) {
      const workers = await Promise.all(
        queues.map((taskQueue) =>
          Worker.create({ connection: native, taskQueue, activities, workflowBundle: { codePath: BUNDLE } }),
        ),
      );
      const running = workers.map((worker) => worker.run());
      try {
        return await work();
      } finally {
        workers.forEach((worker) => worker.shutdown());
        await Promise.all(running);
      }
    },
  };
}
