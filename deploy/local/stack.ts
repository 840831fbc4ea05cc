import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { anyFreePort, choosePort } from './ports.js';
import { identify, type ProcessRef } from './processes.js';
import { claimStack, releaseStack, updateStack } from './stack-file.js';
import { Supervised, type ChildEvent, type ChildSpec } from './supervisor.js';
import { answers, temporalBinary, temporalServer } from './temporal-server.js';

const NAMESPACE = 'default';
const LOOPBACK = '127.0.0.1';
/** Temporal's usual ports and the one that Prometheus exporters of OpenTelemetry use. */
export const DEFAULT_PORTS = { port: 7233, uiPort: 8233, metricsPort: 9464 } as const;

export type StackEvent = ChildEvent | { kind: 'orphanStopped'; name: string };

export interface StackOptions {
  /** the `.millrace` folder: database, logs and the stack's record live here */
  home: string;
  /** root folders of the projects that the workers serve */
  projects: string[];
  /** compiled main module of a worker process */
  workerEntry: string;
  /** worker processes; 0 starts the server alone */
  workers?: number;
  /** a Temporal that runs already; without it the dev server is started */
  address?: string | undefined;
  namespace?: string | undefined;
  /** named ports are taken or refused; otherwise the default one or the next free one */
  port?: number | undefined;
  uiPort?: number | undefined;
  /** of the first worker; the others follow */
  metricsPort?: number | undefined;
  /** time that a worker gets to finish what it does, milliseconds */
  graceMs?: number;
  /** added to the workers' environment */
  env?: Record<string, string | undefined>;
  onEvent?: (event: StackEvent) => void;
}

export interface Stack {
  /** host:port of Temporal's gRPC */
  address: string;
  namespace: string;
  uiUrl: string | undefined;
  metricsUrl: string | undefined;
  logs: string;
  /** running processes by name: `temporal`, `worker-1`, …; changes when one is restarted */
  pids: () => Record<string, number>;
  /** Ends workers, then the server, and nothing else. Safe to call twice. */
  stop: () => Promise<void>;
}

/**
 * Starts the embedded stack and keeps it alive until {@link Stack.stop}.
 * @throws MillraceError SetupIncomplete, PortInUse, StackRunning, StackFailed; whatever had started is ended again
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { home, onEvent = () => undefined, workers = 1 } = options;
  const logs = join(home, 'logs');
  await mkdir(logs, { recursive: true });
  const own = options.address === undefined;
  const binary = own ? temporalBinary(home) : null;

  const namespace = options.namespace ?? NAMESPACE;
  const record = { namespace, projects: options.projects, started: new Date().toISOString(), children: {} };
  const orphans = await claimStack(home, {
    ...record,
    address: options.address ?? '',
    ready: false,
  });
  for (const name of orphans) onEvent({ kind: 'orphanStopped', name });

  const running: Supervised[] = [];
  const children: Record<string, ProcessRef> = {};
  let recording: Promise<void> = Promise.resolve();
  const watch = (event: ChildEvent) => {
    if (event.kind === 'started') {
      // one after the other: each replaces the whole file
      recording = recording.then(async () => {
        const ref = await identify(event.pid);
        if (ref) children[event.name] = ref;
        await updateStack(home, { children });
      });
    }
    onEvent(event);
  };
  const launch = async (spec: ChildSpec) => {
    const child = new Supervised(spec, watch);
    running.unshift(child);
    await child.start();
  };

  const killAll = () => running.forEach((child) => child.killNow());
  process.once('exit', killAll);
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      // workers first, all at once: they report to the server until they are done
      const server = running.filter(({ spec }) => spec.name === 'temporal');
      await Promise.all(running.filter((child) => !server.includes(child)).map((child) => child.stop()));
      await Promise.all(server.map((child) => child.stop()));
      await recording;
      process.off('exit', killAll);
      await releaseStack(home);
    })();
    return stopped;
  };

  try {
    const taken = new Set<number>();
    let address = options.address ?? '';
    let uiUrl: string | undefined;
    if (binary !== null) {
      const ports = await chooseServerPorts(options, taken);
      address = `${LOOPBACK}:${ports.port}`;
      uiUrl = `http://${LOOPBACK}:${ports.uiPort}`;
      const files = { dbFile: join(home, 'temporal.db'), logFile: join(logs, 'temporal.log') };
      await launch(temporalServer({ binary, ip: LOOPBACK, ...ports, ...files }));
    }

    const metricsPorts: number[] = [];
    for (let index = 0; index < workers; index += 1) {
      metricsPorts.push(
        await choosePort({
          purpose: `metrics of worker ${index + 1}`,
          option: '--metrics-port',
          port: options.metricsPort === undefined ? undefined : options.metricsPort + index,
          fallback: DEFAULT_PORTS.metricsPort,
          taken,
        }),
      );
    }
    const worker = (port: number, index: number) =>
      workerProcess(options, { name: `worker-${index + 1}`, port, address, namespace, logs });
    await Promise.all(metricsPorts.map((port, index) => launch(worker(port, index))));

    const metricsUrl = metricsPorts.length > 0 ? `http://${LOOPBACK}:${metricsPorts[0]}/metrics` : undefined;
    await recording;
    await updateStack(home, { address, uiUrl, metricsUrl, ready: true });
    const pids = () =>
      Object.fromEntries(running.flatMap(({ spec, pid }) => (pid === null ? [] : [[spec.name, pid]])));
    return { address, namespace, uiUrl, metricsUrl, logs, pids, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function chooseServerPorts({ port, uiPort }: StackOptions, taken: Set<number>) {
  const choose = (purpose: string, option: string, fallback: number, wish?: number) =>
    choosePort({ purpose, option, fallback, port: wish, taken });
  return {
    port: await choose('Temporal server', '--port', DEFAULT_PORTS.port, port),
    uiPort: await choose('Temporal UI', '--ui-port', DEFAULT_PORTS.uiPort, uiPort),
    // for the server alone, and the same ones after each restart
    httpPort: await anyFreePort(),
    metricsPort: await anyFreePort(),
  };
}

interface WorkerPlace {
  name: string;
  port: number;
  address: string;
  namespace: string;
  logs: string;
}

function workerProcess(
  options: StackOptions,
  { name, port, address, namespace, logs }: WorkerPlace,
): ChildSpec {
  return {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', options.workerEntry],
    env: {
      ...options.env,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      MILLRACE_HOME: options.home,
      MILLRACE_PROJECTS: JSON.stringify(options.projects),
      MILLRACE_METRICS_PORT: String(port),
      // says that the end of its stdin is the end of its parent
      MILLRACE_PARENT_PIPE: '1',
    },
    logFile: join(logs, `${name}.log`),
    parentPipe: true,
    ready: () => answers(`http://${LOOPBACK}:${port}/readyz`),
    readyTimeoutMs: 60_000,
    graceMs: options.graceMs ?? 20_000,
  };
}
