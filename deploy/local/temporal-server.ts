import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '../../schemas/errors.js';
import { SEARCH_ATTRIBUTES } from '../../schemas/queues.js';
import type { ChildSpec } from './supervisor.js';

/** Registered at each start; one that exists already is left as it is. */
const REGISTERED = Object.values(SEARCH_ATTRIBUTES).map(
  (name) => `${name}=${name === SEARCH_ATTRIBUTES.intervalStart ? 'Datetime' : 'Keyword'}`,
);

/**
 * A queue poll limit of 20 a second per shard paces every workflow to 100 ms a step; with these it takes about 8 ms.
 * WAL with NORMAL survives a killed process; only a power cut may lose the last transactions.
 */
const TUNING = [
  ['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000'],
  ['--dynamic-config-value', 'history.transferProcessorMaxPollHostRPS=5000'],
  ['--dynamic-config-value', 'system.enableActivityEagerExecution=true'],
  ['--sqlite-pragma', 'journal_mode=WAL'],
  ['--sqlite-pragma', 'synchronous=NORMAL'],
].flat();

/** The dev server keeps finished runs for a day; people look at last week's. */
const RETENTION_SECONDS = 30 * 86_400;

export interface TemporalServerOptions {
  binary: string;
  ip: string;
  port: number;
  uiPort: number;
  httpPort: number;
  metricsPort: number;
  dbFile: string;
  logFile: string;
}

/** The dev server with its UI, tuned, on a database that outlives it. */
export function temporalServer(options: TemporalServerOptions): ChildSpec {
  const { binary, ip, port, uiPort, httpPort, metricsPort, dbFile, logFile } = options;
  const namespaceUrl = `http://${ip}:${httpPort}/api/v1/namespaces/default`;
  return {
    name: 'temporal',
    command: binary,
    args: [
      ...['server', 'start-dev', '--log-level', 'warn', '--ip', ip, '--port', String(port)],
      ...[
        '--ui-port',
        String(uiPort),
        '--http-port',
        String(httpPort),
        '--metrics-port',
        String(metricsPort),
      ],
      ...['--db-filename', dbFile],
      ...TUNING,
      ...REGISTERED.flatMap((attribute) => ['--search-attribute', attribute]),
    ],
    // a developer's own Temporal profile must not turn the server's start into a client of somewhere else
    env: {
      TEMPORAL_ADDRESS: undefined,
      TEMPORAL_NAMESPACE: undefined,
      TEMPORAL_CONFIG_FILE: undefined,
      TEMPORAL_PROFILE: undefined,
    },
    logFile,
    parentPipe: false,
    ready: async () => {
      if (!(await answers(namespaceUrl))) return false;
      await fetch(`${namespaceUrl}/update`, {
        method: 'POST',
        body: JSON.stringify({ config: { workflowExecutionRetentionTtl: `${RETENTION_SECONDS}s` } }),
        signal: AbortSignal.timeout(5_000),
      });
      return true;
    },
    readyTimeoutMs: 60_000,
    graceMs: 10_000,
  };
}

/** @returns whether an HTTP GET gives 2xx within a second */
export async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}

/**
 * The binary that set-up found or fetched.
 * @param home the `.millrace` folder
 * @throws MillraceError SetupIncomplete
 */
export function temporalBinary(home: string): string {
  const record = join(home, 'setup', 'temporal.json');
  try {
    const { path } = JSON.parse(readFileSync(record, 'utf8')) as { path: string };
    accessSync(path, constants.X_OK);
    return path;
  } catch (cause) {
    throw new MillraceError('SetupIncomplete', {
      what: 'there is no Temporal dev server on this machine yet',
      where: { file: record },
      fix: 'Run `npm run setup`, or name a server with TEMPORAL_ADDRESS',
      cause,
    });
  }
}
