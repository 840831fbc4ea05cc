import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../deploy/local/home.js';
import { figure, median } from './figure.js';
import type { Bench } from './figure.js';

/** How long people wait for the command line itself. */
export const cli: Bench = async function* ({ quick }) {
  const script = join(packageRoot(), 'bin', 'millrace.mjs');
  const time = (args: string[]): number => {
    const started = performance.now();
    execFileSync(process.execPath, args, { stdio: 'ignore' });
    return performance.now() - started;
  };
  const times = (args: string[]): number => {
    time(args);
    return median(Array.from({ length: quick ? 3 : 9 }, () => time(args)));
  };
  const floor = times(['-e', '0']);
  yield figure({
    ...{ name: 'millrace --help', value: times([script, '--help']), unit: 'ms' },
    against: { name: 'bare node ms', value: floor },
    goal: { atMost: 400, of: 'value' },
  });
};
