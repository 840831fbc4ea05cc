import { createServer, type AddressInfo } from 'node:net';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import {
  NativeConnection,
  Runtime,
  Worker,
  makeTelemetryFilterString,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Logger as Pino } from 'pino';
import { createActivities } from '../activities/create.js';
import { queueOf, type Resources } from '../activities/resources.js';
import { loadProject } from '../engines/project/load.js';
import { QUEUES } from '../schemas/queues.js';
import { MillraceError } from '../schemas/errors.js';
import { BUNDLE_PATH, bundleExists } from './bundle.js';
import type { Env } from './env.js';
import { serveProbes } from './http.js';
import { temporalLogger } from './log.js';
import { createMetrics } from './metrics.js';

export interface RunningWorker {
  /** begins a graceful end: no new work, running activities get their grace time */
  shutdown(): void;
  /** resolves when everything has ended, rejects when a worker failed */
  stopped: Promise<void>;
}

type Activities = ReturnType<typeof createActivities>;

/**
 * Hosts the chosen queues in this process until it is told to stop.
 * @param wrap what goes around every activity; fault tests put their kills there
 */
export async function startWorker(
  env: Env,
  log: Pino,
  resources: Resources,
  wrap: (activities: Activities) => Activities = (activities) => activities,
): Promise<RunningWorker> {
  const sdkPort = await freePort();
  Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [], // main.ts owns the signals
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
      metrics: {
        prometheus: {
          bindAddress: `127.0.0.1:${sdkPort}`,
          // suffixes and seconds as the published dashboards expect them
          countersTotalSuffix: true,
          unitSuffix: true,
          useSecondsForDurations: true,
        },
      },
    },
  });
  const { registry, meter } = createMetrics();
  const state = { ready: false, failed: false };
  const probes = await serveProbes(env.MILLRACE_HOST, env.MILLRACE_METRICS_PORT, {
    registry,
    sdkMetricsUrl: `http://127.0.0.1:${sdkPort}/metrics`,
    healthy: () => !state.failed,
    ready: () => state.ready,
  });

  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const activities = wrap(createActivities({ resources, meter }));
  const base: Partial<WorkerOptions> = {
    connection,
    ...(namespace && { namespace }),
    // beats carry cancellations back: held up for 80 % of their timeout, a cancelled query would go on for 8 s
    maxHeartbeatThrottleInterval: '1s',
    shutdownGraceTime: env.MILLRACE_SHUTDOWN_GRACE,
    shutdownForceTime: '60s',
    ...deployment(env),
  };
  const workers: Worker[] = [];
  const create = async (taskQueue: string, options: Partial<WorkerOptions>): Promise<void> => {
    workers.push(await Worker.create({ ...base, taskQueue, activities, ...options }));
  };
  const serves = (queue: string): boolean => env.MILLRACE_QUEUES.includes(queue);
  if (serves('control'))
    await create(QUEUES.control, { ...workflowCode(env), maxConcurrentActivityTaskExecutions: 50 });
  if (serves('io')) await create(QUEUES.io, { maxConcurrentActivityTaskExecutions: env.MILLRACE_IO_SLOTS });
  if (serves('compute'))
    await create(QUEUES.compute, { maxConcurrentActivityTaskExecutions: env.MILLRACE_COMPUTE_SLOTS });
  if (serves('warehouse')) {
    for (const root of env.MILLRACE_PROJECTS) {
      const loaded = await loadProject(root);
      // opened now, so that a file held by another process stops this worker with a clear line, not a run at 3 a.m.
      await resources.warehouse(loaded.spec, loaded.root);
      await create(queueOf(loaded.spec, loaded.root), {
        maxConcurrentActivityTaskExecutions: env.MILLRACE_WAREHOUSE_SLOTS,
      });
    }
  }
  if (workers.length === 0) {
    throw new MillraceError('ProjectInvalid', {
      what: `no queue to serve: MILLRACE_QUEUES is '${env.MILLRACE_QUEUES.join(',')}'`,
      fix: 'Name some of control, io, compute, warehouse',
    });
  }
  log.info(
    { queues: workers.map(({ options }) => options.taskQueue), metrics: `${probes.url}/metrics` },
    'worker ready',
  );

  const shutdown = (): void => {
    state.ready = false;
    resources.leaving.abort(new Error('the worker is shutting down'));
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const run = async (): Promise<void> => {
    try {
      state.ready = true;
      const ends = await Promise.allSettled(
        workers.map((worker) =>
          worker.run().catch((error: unknown) => {
            state.failed = true;
            shutdown(); // one queue lost is a worker that lies about its health: all end, and the supervisor restarts
            throw error;
          }),
        ),
      );
      const failure = ends.find((end) => end.status === 'rejected');
      if (failure) throw failure.reason;
    } finally {
      await resources.close();
      await connection.close();
      probes.close();
    }
  };
  return { shutdown, stopped: run() };
}

/** A pinned run ends on the code it began with; without a deployment (on a laptop) it goes on with what is there. */
function deployment({
  MILLRACE_DEPLOYMENT: deploymentName,
  MILLRACE_BUILD_ID: buildId,
}: Env): Partial<WorkerOptions> {
  if (!deploymentName || !buildId) return {};
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName, buildId },
      defaultVersioningBehavior: 'PINNED',
    },
  };
}

function workflowCode({ MILLRACE_BUNDLE }: Env): Pick<WorkerOptions, 'workflowBundle'> {
  const codePath = MILLRACE_BUNDLE ?? BUNDLE_PATH;
  if (!bundleExists(codePath)) {
    throw new MillraceError('ObjectMissing', {
      what: `the workflow bundle ${codePath} is missing`,
      fix: 'Build it with: npm run build',
    });
  }
  return { workflowBundle: { codePath } };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
