import { fileURLToPath } from 'node:url';
import { Resources } from '../activities/resources.js';
import { MillraceError } from '../schemas/errors.js';
import { parseEnv } from './env.js';
import { createLog } from './log.js';
import { startWorker } from './runtime.js';

/** The worker process: `node dist/workers/main.js`, configured by its environment (workers/env.ts). */
async function main(): Promise<void> {
  // XGBoost's threads meet many times a round: those that wait must not spin on a core that others need
  process.env['OMP_WAIT_POLICY'] ??= 'passive';
  const env = parseEnv(process.env);
  const resources = new Resources();
  const log = createLog(env.LOG_LEVEL, (line) => resources.secrets.redact(line));
  try {
    const worker = await startWorker(env, log, resources);
    const stop = (): void => worker.shutdown();
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    if (env.MILLRACE_PARENT_PIPE) {
      // the pipe closes when the supervisor dies, even by kill -9: no worker is left behind
      process.stdin.on('end', stop).on('error', stop).resume();
    }
    await worker.stopped;
    process.exitCode = 0;
  } catch (error) {
    if (error instanceof MillraceError) log.fatal({ type: error.type, where: error.where }, error.message);
    else log.fatal({ err: error }, 'the worker stopped');
    process.exitCode = 1;
  }
  // native threads (DuckDB, the Temporal core) may still hold the loop open
  process.exit();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
