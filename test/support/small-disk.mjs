// Extracts two files where there is little room, in a mount namespace of its own: argument is the JSON of
// { folder, megabytes, where: 'lake' | 'work', source, stream, root, files }. The disk is filled after the first file and
// freed after the second has failed. Tells what it saw.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commitBatches, readManifest } from '../../dist/engines/lake/bronze.js';
import { withDuckDb } from '../../dist/engines/lake/duckdb.js';
import { openLocalStore } from '../../dist/engines/lake/local-store.js';
import { openConnector } from '../../dist/engines/sources/open-connector.js';

const { folder, megabytes, where, source, stream, root, files } = JSON.parse(process.argv[2]);
const INTERVAL = { start: '2026-01-05T00:00:00Z', end: '2026-01-06T00:00:00Z' };
const small = join(folder, 'small');
mkdirSync(small);
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', small]);
const at = (name) => {
  const path = join(where === name ? small : folder, name);
  mkdirSync(path);
  return path;
};
const lakeDir = at('lake');
const work = at('work');
const lake = await openLocalStore(lakeDir);
const connector = await openConnector(source, stream);
const prints = (path) =>
  Object.fromEntries(
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [
        file.slice(path.length),
        createHash('sha256').update(readFileSync(file)).digest('hex'),
      ]),
  );
const ballast = join(small, 'ballast');
const fill = (spare) => {
  const { bavail, bsize } = statfsSync(small);
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - spare)));
};
const deliver = (index) => symlinkSync(files[index], join(root, `delivered-${index}.csv`));

async function extract() {
  const workDir = await mkdtemp(join(work, 'unit-'));
  const context = async () => ({
    ...{ source: 'shop', stream, interval: INTERVAL, root, lake, secret: async () => '' },
    batches: (await readManifest(lake, 'shop', stream)).batches,
    signal: new AbortController().signal,
  });
  try {
    for (const unit of await connector.plan(await context())) {
      const more = { extractedAt: INTERVAL.end, run: 'run-1', workDir, onProgress: () => undefined };
      for await (const staged of connector.load(unit, { ...(await context()), ...more })) {
        await commitBatches(lake, 'shop', stream, staged);
      }
    }
    return null;
  } catch (error) {
    return { type: error.type ?? error.name, retryable: error.retryable ?? null, message: error.message };
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

const seen = { failures: [] };
deliver(0);
seen.first = await extract();
seen.before = prints(lakeDir);
deliver(1);
for (const spare of [4_096, 40_000, 400_000]) {
  fill(spare);
  seen.failures.push(await extract());
  unlinkSync(ballast);
  seen.after = prints(lakeDir);
  seen.left = readdirSync(work);
}
if (where === 'work') {
  const sort =
    'SELECT max(i) FROM (SELECT i, md5(i::VARCHAR) AS m FROM range(3000000) t(i) ORDER BY m LIMIT 2000000)';
  seen.spill = await withDuckDb({ workDir: work, memoryLimit: '64MB' }, ([session]) =>
    session.run(sort),
  ).then(
    () => null,
    (error) => ({
      type: error.type ?? error.name,
      retryable: error.retryable ?? null,
      message: error.message,
    }),
  );
  seen.left = readdirSync(work);
}
seen.retried = await extract();
seen.batches = (await readManifest(lake, 'shop', stream)).batches.map(({ source: { file }, loaded }) => [
  file,
  loaded,
]);
for (const name of ['lake', 'work']) if (where !== name) rmSync(join(folder, name), { recursive: true });
process.stdout.write(JSON.stringify(seen));
