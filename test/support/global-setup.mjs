import { check } from '../../scripts/setup/build.mjs';
import { places } from '../../scripts/setup/report.mjs';

/** Threads and child processes run compiled code; a stale build would test yesterday's. */
export function setup() {
  const { ok, detail, fix } = check(places);
  if (!ok) process.stderr.write(`\n${detail}: threads and child processes run the old code. ${fix}\n\n`);
}
