// Runs a project of one incremental model and one snapshot again and again, each time with a new version, until it is
// killed. Prints a line when a version is complete; exits with 1 when a reader beside it sees a partial state.
// Arguments: warehouse, dbt project, first version, `dbt` (at once, nothing remembered) or `audited` (beside, then swapped)
import { openDuckDb } from '../../dist/engines/warehouse/duckdb.js';
import { loadTransform } from '../../dist/engines/dbt/transform.js';

const [path, dir, first, way] = process.argv.slice(2);
const warehouse = await openDuckDb({ path, memoryLimit: '256MB', threads: 2 });
const whole = way === 'dbt' ? { audit: false, ledger: false } : {};

async function run(version) {
  const transform = await loadTransform({
    ...{ dir, warehouse, schema: 'main', vars: { version }, sources: {}, run: `run-${version}`, ...whole },
    interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' },
  });
  const { nodes } = transform.plan();
  for (const node of nodes) {
    if (node.audit !== undefined) continue;
    await transform.run(node.id);
    for (const index of node.audits ?? []) await transform.run(nodes[index].id);
    if (node.audits) await transform.publish(node.id);
  }
}

let begun = false;
async function read() {
  for (;;) {
    if (!begun) {
      await new Promise(setImmediate);
      continue;
    }
    const [seen] = await warehouse.query(
      `select count(*)::int as n, min(version) = max(version) as one from main.merged where id < 1000`,
    );
    const [kept] = await warehouse.query(
      `select count(*) filter (dbt_valid_to is null)::int as n, (max(n) = min(n)) as one from main.kept where dbt_valid_to is null`,
    );
    if (seen.n === 1000 && seen.one && kept.n === 500 && kept.one) continue;
    process.stdout.write(`partial ${JSON.stringify({ seen, kept })}\n`);
    process.exit(1);
  }
}

read();
for (let version = Number(first); ; version++) {
  process.stdout.write(`begin ${version}\n`);
  await run(version);
  begun = true;
  process.stdout.write(`done ${version}\n`);
}
