// The real worker, with faults put around its activities or the operations of its lake: what MILLRACE_TEST_FAULTS says,
// each as often as it says.
// [{ "activity": "loadUnit", "when": "before" | "after", "do": "kill" | "stop" | "hang" | "loseAnswer", "times": 1, "log": "/path" }]
// With a "node" only for that one of the transform graph.
// [{ "lake": "putIfAbsent", "key": "/_manifest/", … }]: operations on keys that hold this text
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
  appendFileSync(fault.log, `${fault.activity ?? fault.lake} ${fault.when} ${fault.do} ${process.pid}\n`);
  return true;
}

async function happen(fault) {
  if (!due(fault)) return;
  if (fault.do === 'kill') {
    process.kill(process.pid, 'SIGKILL');
    await sleep(60_000);
  }
  // a process that is paused with all its threads, until somebody sends SIGCONT
  if (fault.do === 'stop') process.kill(process.pid, 'SIGSTOP');
  // an activity that takes its time, and goes on when others may have taken over
  if (fault.do === 'hang') await sleep(fault.ms ?? 30_000);
  if (fault.do === 'loseAnswer') throw new Error('the connection was lost after the work was done');
}

const around = async (matches, run) => {
  for (const fault of faults) if (fault.when === 'before' && matches(fault)) await happen(fault);
  const result = await run();
  for (const fault of faults) if (fault.when === 'after' && matches(fault)) await happen(fault);
  return result;
};

const wrap = (activities) =>
  Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      (...args) =>
        around(
          ({ activity, node }) => activity === name && (node === undefined || node === args[0].node),
          () => run(...args),
        ),
    ]),
  );

class FaultyResources extends Resources {
  async lake(root) {
    const store = await super.lake(root);
    return new Proxy(store, {
      get: (_target, name) => {
        const member = store[name];
        if (typeof member !== 'function') return member;
        return (key, ...rest) =>
          around(
            (fault) => fault.lake === name && key.includes(fault.key),
            () => member.call(store, key, ...rest),
          );
      },
    });
  }
}

const env = parseEnv(process.env);
const resources = new FaultyResources();
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
