import { cp, mkdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createJiti } from 'jiti';
import { homeDir, packageRoot } from '../../../deploy/local/home.js';
import { readStack } from '../../../deploy/local/stack-file.js';
import { startStack, type Stack } from '../../../deploy/local/stack.js';
import { MillraceError } from '../../../schemas/errors.js';
import type { PipelineResult } from '../../../schemas/run.js';
import { answerApproval } from '../../approvals.js';
import { connectTo, runUrl, type Connected } from '../../connect.js';
import { runFailure } from '../../failure.js';
import { readRun, resultOf, startRun } from '../../runs.js';
import { workerEntry } from '../../worker-entry.js';
import { describeResult } from '../describe.js';
import { follow } from '../live.js';
import { EXIT, say, style, type GlobalOptions } from '../output.js';
import { describeStack, interrupted, tellEvent } from './up.js';

interface DemoOptions extends GlobalOptions {
  customers: string;
  keep?: boolean;
  kill?: boolean;
}

/** Two weeks, in the past so that both have ended. */
const WEEKS = ['2025-11-03', '2025-11-10'] as const;
const APPROVER = 'ana@example.com';

interface Generator {
  generateWeek: (options: {
    out: string;
    week: string;
    customers: number;
  }) => Promise<{ rows: number; brokenRows: number }>;
}

/** `millrace demo`: the engagement example from raw files to an approved, serving predictor, with a kill on the way. */
export async function demo(options: DemoOptions): Promise<number> {
  const customers = Number(options.customers);
  const home = homeDir();
  const root = join(home, 'demo', 'engagement');
  const running = await readStack(home);
  if (running) {
    // before anything is touched: it may be a demo that was kept, at work on these very files
    throw new MillraceError('StackRunning', {
      what: `a stack is running already, for ${running.projects.join(', ')}`,
      fix: 'End it with Ctrl-C in its terminal, then start the demo again',
    });
  }
  await prepare(root, customers);
  const stack = await startStack({
    home,
    projects: [root],
    workerEntry: workerEntry(),
    onEvent: (event) => event.kind === 'died' && tellEvent(event),
  });
  try {
    describeStack(stack, 'engagement').forEach((line) => say(line));
    const connected = await connectTo({
      address: stack.address,
      namespace: stack.namespace,
      uiUrl: stack.uiUrl,
    });
    try {
      return await bothWeeks({ connected, stack, root, kill: options.kill !== false });
    } finally {
      if (options.keep) {
        say(style.dim('the stack keeps running; Ctrl-C ends it'));
        await interrupted();
      }
      await connected.close();
    }
  } finally {
    await stack.stop();
  }
}

/** A copy of the example with its data; state of a former demo goes, so that each shows the whole way. */
async function prepare(root: string, customers: number): Promise<void> {
  const example = join(packageRoot(), 'examples', 'engagement');
  // the same seed gives the same bytes, so files of a former demo are as good as new ones
  const stamp = join(root, `generated-${customers}`);
  const generated = existsSync(stamp);
  for (const gone of generated ? ['dbt', 'millrace.ts', '.millrace'] : ['.'])
    await rm(join(root, gone), { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  for (const part of ['dbt', 'millrace.ts'])
    await cp(join(example, part), join(root, part), { recursive: true });
  if (generated) return;
  const { generateWeek } = await createJiti(import.meta.url).import<Generator>(join(example, 'generate.ts'));
  for (const week of WEEKS) {
    const started = performance.now();
    const made = await generateWeek({ out: join(root, 'data'), week, customers });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(
      style.dim(
        `generated week ${week}: ${made.rows.toLocaleString('en')} records, ${made.brokenRows} broken (${seconds} s)`,
      ),
    );
  }
  await mkdir(stamp);
}

interface Scene {
  connected: Connected;
  stack: Stack;
  root: string;
  kill: boolean;
}

async function bothWeeks(scene: Scene): Promise<number> {
  const [first, second] = WEEKS;
  say();
  say(style.bold(`Week ${first}: the first version; its gate passes, so it is promoted`));
  const one = await week(scene, first);
  if (!one) return EXIT.failed;
  say();
  say(style.bold(`Week ${second}: a candidate for the champion's place; it has to be approved`));
  const two = await week({ ...scene, kill: false }, second);
  if (!two) return EXIT.failed;
  say();
  say(
    `${style.green('done')}  every step is in the Temporal UI; results are in ${join(scene.root, '.millrace', 'warehouse.duckdb')}`,
  );
  say(style.dim('  keep it open: npm run demo -- --keep'));
  return EXIT.ok;
}

async function week(
  { connected, stack, root, kill }: Scene,
  interval: string,
): Promise<PipelineResult | null> {
  const { client } = connected;
  const started = performance.now();
  const run = await startRun(client, root, { pipeline: 'weekly', interval });
  say(`  ${style.cyan(runUrl(connected, run.workflowId, run.runId) ?? run.workflowId)}`);
  const killed = kill ? killWorkerOnTheWay(connected, stack, run.workflowId) : undefined;
  await follow(client, run.workflowId, async (awaiting) => {
    say(
      `  ${style.yellow('waiting')} for an approval of ${awaiting.hash}: the demo now signals it as ${APPROVER}`,
    );
    say(
      style.dim(
        `  by hand: millrace approve ${run.workflowId} --who ${APPROVER} --why "…", or Send a Signal in the Temporal UI`,
      ),
    );
    await answerApproval(client, 'approve', {
      run: run.workflowId,
      who: APPROVER,
      why: 'better on the same hold-out',
      hash: awaiting.hash,
    });
  });
  await killed;
  try {
    const result = await resultOf(client, run);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(`  ${style.green('succeeded')} in ${seconds} s`);
    for (const line of describeResult(result)) say(`  ${line}`);
    return result;
  } catch (error) {
    const { type, message } = runFailure(error);
    say(`  ${style.red(type)}: ${message}`);
    return null;
  }
}

/** kill -9 of the worker while the transform is under way: the promise is that nothing is lost, so show it. */
async function killWorkerOnTheWay({ client }: Connected, stack: Stack, workflowId: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { stages, status } = await readRun(client, workflowId);
    if (status !== 'RUNNING') return;
    if (stages.some(({ stage, done }) => stage === 'transform' && done > 0)) break;
    await sleep(50);
  }
  const pid = stack.pids()['worker-1'];
  if (pid === undefined) return;
  process.kill(pid, 'SIGKILL');
  say(
    `  ${style.yellow('kill -9')} of the worker (pid ${pid}) in the middle of the transform; a new one takes over`,
  );
}
