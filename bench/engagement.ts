import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJiti } from 'jiti';
import { connectTo } from '../clients/connect.js';
import { resultOf, startRun } from '../clients/runs.js';
import { workerEntry } from '../clients/worker-entry.js';
import { homeDir, packageRoot } from '../deploy/local/home.js';
import { anyFreePort } from '../deploy/local/ports.js';
import { startStack } from '../deploy/local/stack.js';
import { figure } from './figure.js';
import type { Bench } from './figure.js';

const WEEK = '2025-11-03';

/** The example end to end, raw files to published scores, with training and promotion. */
export const engagement: Bench = async function* ({ quick }) {
  const sizes = quick ? [20_000, 100_000] : [100_000, 1_000_000];
  let former: { customers: number; seconds: number } | undefined;
  for (const customers of sizes) {
    const { seconds, peakBytes } = await runWeek(customers);
    const name = `engagement ${customers.toLocaleString('en')}`;
    yield figure({
      ...{ name, value: seconds, unit: 's' },
      ...(customers === 100_000 && { goal: { atMost: 30, of: 'value' as const } }),
      ...(customers === 1_000_000 && { goal: { atMost: 240, of: 'value' as const } }),
    });
    yield figure({
      ...{ name: `${name}, worker's peak RSS`, value: peakBytes / 1e9, unit: 'GB' },
      ...(customers === 1_000_000 && { goal: { atMost: 3, of: 'value' as const } }),
    });
    if (former) {
      const linear = (former.seconds * customers) / former.customers;
      yield figure({
        name: `${name}, growth`,
        value: seconds,
        unit: 's',
        against: { name: 'linear s', value: linear },
        goal: { atMost: 1, of: 'ratio' },
      });
    }
    former = { customers, seconds };
  }
};

async function runWeek(customers: number): Promise<{ seconds: number; peakBytes: number }> {
  const home = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const root = join(home, 'engagement');
  const example = join(packageRoot(), 'examples', 'engagement');
  await mkdir(join(home, 'setup'));
  await cp(join(homeDir(), 'setup', 'temporal.json'), join(home, 'setup', 'temporal.json'));
  await symlink(join(homeDir(), 'lib'), join(home, 'lib'));
  for (const part of ['dbt', 'millrace.ts'])
    await cp(join(example, part), join(root, part), { recursive: true });
  const generator = await createJiti(import.meta.url).import<{
    generateWeek: (options: object) => Promise<unknown>;
  }>(join(example, 'generate.ts'));
  await generator.generateWeek({ out: join(root, 'data'), week: WEEK, customers });
  const stack = await startStack({
    ...{
      home,
      projects: [root],
      workerEntry: workerEntry(),
      port: await anyFreePort(),
      uiPort: await anyFreePort(),
    },
    metricsPort: await anyFreePort(),
  });
  const connected = await connectTo({ address: stack.address, namespace: stack.namespace, uiUrl: undefined });
  try {
    const started = performance.now();
    const run = await startRun(connected.client, root, { pipeline: 'weekly', interval: WEEK });
    await resultOf(connected.client, run);
    const seconds = (performance.now() - started) / 1000;
    return { seconds, peakBytes: await peakOf(stack.pids()['worker-1'] ?? 0) };
  } finally {
    await connected.close();
    await stack.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The most memory a process has held, from the kernel's own account. */
async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) * 1024;
}
