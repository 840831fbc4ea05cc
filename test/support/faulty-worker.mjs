// The real worker, with faults put around its activities: what MILLRACE_TEST_FAULTS says, each as often as it says.
// [{ "activity": "loadGroup", "when": "before" | "after", "do": "kill" | "hang" | "loseAnswer", "times": 1, "log": "/path" }]
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Resources } from '../../dist/activities/resources.js';
import { parseEnv } from '../../dist/workers/env.js';
import { createLog } from '../../dist/workers/log.js';
import { startWorker } from '../../dist/workers/runtime.js';

const faults = JSON.parse(process.env.MILLRACE_TEST_FAULTS ?? '[]');

/** The log survives the process, so a fault that kills happens as often as it should, not for ever. */
function due(fault) {
  const done = existsSync(fault.log) ? readFileSync(fault.log, 'utf8').split('\n').length - 1 : 0;
  if (done >= (fault.times ?? 1)) return false;
  appendFileSync(fault.log, `${fault.activity} ${fault.when} ${fault.do} ${process.pid}\n`);
  return true;
}

async function happen(fault) {
  if (!due(fault)) return;
  if (fault.do === 'kill') {
    process.kill(process.pid, 'SIGKILL');
    await sleep(60_000);
  }
  // a process that is paused: neither beats nor answers, and wakes up when others have taken over
  if (fault.do === 'hang') await sleep(fault.ms ?? 30_000);
  if (fault.do === 'loseAnswer') throw new Error('the connection was lost after the work was done');
}

function wrap(activities) {
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      async (...args) => {
        for (const fault of faults)
          if (fault.activity === name && fault.when === 'before') await happen(fault);
        const result = await run(...args);
        for (const fault of faults)
          if (fault.activity === name && fault.when === 'after') await happen(fault);
        return result;
      },
    ]),
  );
}

const env = parseEnv(process.env);
const resources = new Resources();
const worker = await startWorker(
  env,
  createLog(env.LOG_LEVEL, (line) => resources.secrets.redact(line)),
  resources,
  wrap,
);
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => worker.shutdown());
if (env.MILLRACE_PARENT_PIPE) process.stdin.on('end', () => worker.shutdown()).resume();
await worker.stopped;
process.exit();
