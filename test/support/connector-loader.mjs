// A worker's part of extracting one stream, in a process that a test kills: argument is the JSON of
// { source, stream, root, lake, interval, secrets, run? }. It plans, loads and commits unit by unit, and tells its end.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitBatches, readManifest } from '../../dist/engines/lake/bronze.js';
import { openLake } from '../../dist/engines/lake/open-lake.js';
import { openConnector } from '../../dist/engines/sources/open-connector.js';

const { source, stream, root, lake: ref, interval, secrets, run = 'run-1' } = JSON.parse(process.argv[2]);
const secret = async (reference) => secrets[reference];
const lake = await openLake(ref, secret);
const connector = await openConnector(source, stream);
const workDir = await mkdtemp(join(tmpdir(), 'millrace-loader-'));

const context = async () => ({
  ...{ source: 'shop', stream, interval, root, lake, secret },
  batches: (await readManifest(lake, 'shop', stream)).batches,
  signal: new AbortController().signal,
});
for (const unit of await connector.plan(await context())) {
  const more = { extractedAt: interval.end, run, workDir, onProgress: () => undefined };
  for await (const staged of connector.load(unit, { ...(await context()), ...more })) {
    process.send('commit');
    await commitBatches(lake, 'shop', stream, staged);
  }
}
await rm(workDir, { recursive: true });
process.send('done');
process.disconnect();
