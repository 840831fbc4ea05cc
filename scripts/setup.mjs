// Brings a fresh checkout to where `npm run demo` and `npm test` can start; their pre-scripts call it each time.
// Runs on Node's own modules alone, because nothing is installed yet.
import { checkNode, checkWritable } from './setup/preflight.mjs';
import { fail, places, tell } from './setup/report.mjs';

const checkOnly = process.argv.includes('--check');
/** Also what only the tests need. */
const forTests = process.argv.includes('--tests');

const node = checkNode();
if (!node.ok && !checkOnly) fail(node);

// only now: these use what an old Node has not
const steps = await Promise.all(
  ['dependencies', 'build', 'temporal', 'xgboost'].map((name) => import(`./setup/${name}.mjs`)),
);

if (checkOnly) {
  const checks = [node, checkWritable(places)];
  for (const step of steps) checks.push(await step.check(places));
  process.stdout.write(`${JSON.stringify(checks, null, 2)}\n`);
} else {
  try {
    await setUp(steps);
  } catch (error) {
    fail(error);
  }
  // without one some tests fail or are skipped, and name it; the others can run
  for (const server of forTests ? ['s3-server', 'snowflake-server'] : [])
    await setUp([await import(`./setup/${server}.mjs`)]).catch(tell);
}

async function setUp(wanted) {
  const needed = async () => {
    const missing = [];
    for (const step of wanted) if (!(await step.check(places)).ok) missing.push(step);
    return missing;
  };
  if ((await needed()).length === 0) return;
  const writable = checkWritable(places);
  if (!writable.ok) throw writable;
  const { withLock } = await import('./setup/lock.mjs');
  await withLock(places, async () => {
    // asked again step by step: another set-up may just have done it, and an installation makes a build stale
    for (const step of wanted) if (!(await step.check(places)).ok) await step.ensure(places);
  });
}
