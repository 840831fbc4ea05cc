// Publishes one version of a table after the other through the whole cycle (build, test, publish), with a reader beside
// it, until it is killed. Prints a line before each publication: `version key`; exits with 1 when the reader sees a mix.
import { openDuckDb } from '../../dist/engines/warehouse/duckdb.js';
import { loadTransform } from '../../dist/engines/dbt/transform.js';

const [path, dir, first, look] = process.argv.slice(2);
const warehouse = await openDuckDb({ path, memoryLimit: '256MB', threads: 2 });

async function publish(version) {
  const transform = await loadTransform({
    ...{ dir, warehouse, schema: 'main', vars: { version }, sources: {}, run: `run-${version}` },
    interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' },
  });
  const [model, test] = ['model', 'test'].map((kind) =>
    transform.plan().nodes.find((node) => node.kind === kind),
  );
  const {
    result: { key },
  } = await transform.run(model.id);
  await transform.run(test.id);
  process.stdout.write(`${version} ${key}\n`);
  await transform.publish(model.id);
}

let published = false;
async function read() {
  for (;;) {
    if (!published) {
      await new Promise(setImmediate);
      continue;
    }
    const [seen] = await warehouse.query(look);
    if (seen.low === seen.high && seen.n === 20_000) continue;
    process.stdout.write(`mixed ${JSON.stringify(seen)}\n`);
    process.exit(1);
  }
}

read();
for (let version = Number(first); ; version++) {
  await publish(version);
  published = true;
}
