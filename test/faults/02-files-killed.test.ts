import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readManifest } from '../../engines/lake/bronze.js';
import { openS3Store } from '../../engines/lake/s3-store.js';
import { FilesSource } from '../../schemas/source.js';
import { secret, startS3Server, type S3Server } from '../support/s3-server.js';
import { hostKey, PASSWORD, startSftpServer, USER, type SftpServer } from '../support/sftp-server.js';

const ENTRY = fileURLToPath(new URL('../support/connector-loader.mjs', import.meta.url));
const INTERVAL = { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' };
const ROWS = 20_000;
/** From the start of a process to the commit of a file, and a little more. */
const USUAL_MS = 1_800;
const KILLS = Number(process.env['MILLRACE_FAULT_ROUNDS'] ?? 1) * 10;

const key = hostKey();
const deliver = (n: number) => {
  const rows = Array.from({ length: ROWS }, (_, row) => `${n * ROWS + row},item ${row}`);
  return writeFile(join(served, `orders-${String(n).padStart(3, '0')}.csv`), `id,name\n${rows.join('\n')}\n`);
};
let served: string;
let temporary: string;
let sftp: SftpServer;
let s3: S3Server;
beforeAll(async () => {
  served = await mkdtemp(join(tmpdir(), 'millrace-served-'));
  temporary = await mkdtemp(join(tmpdir(), 'millrace-killed-'));
  sftp = await startSftpServer(served, { keys: [key] });
  // slow enough to be killed anywhere
  sftp.behave = { readDelay: 2 };
  s3 = await startS3Server();
  await s3.createBucket('killed');
  await s3.createBucket('raced');
});
afterAll(async () => {
  await sftp.close();
  await s3.stop();
  await rm(served, { recursive: true });
  await rm(temporary, { recursive: true });
});

/** Starts a worker over everything delivered so far. @returns whether it got to its end */
async function work(bucket: string, killAfterMs?: number): Promise<boolean> {
  const source = FilesSource.parse({
    kind: 'files',
    root: {
      ...{ kind: 'sftp', host: '127.0.0.1', port: sftp.port, user: USER, password: 'env:PASSWORD' },
      ...{ hostKey: key.public, complete: { settled: '10ms' } },
    },
    streams: { orders: { path: '*.csv', columns: { id: 'int64', name: 'text' } } },
  });
  const secrets = {
    'env:PASSWORD': PASSWORD,
    'env:KEY': await secret('env:KEY'),
    'env:SECRET': await secret('env:SECRET'),
  };
  const input = {
    source,
    stream: 'orders',
    root: served,
    lake: s3.spec(bucket),
    interval: INTERVAL,
    secrets,
  };
  const child = fork(ENTRY, [JSON.stringify(input)], {
    env: { ...process.env, TMPDIR: temporary, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  });
  const said: unknown[] = [];
  child.on('message', (message) => said.push(message));
  const kill = setTimeout(() => child.kill('SIGKILL'), killAfterMs ?? 60_000);
  await once(child, 'exit');
  clearTimeout(kill);
  return said.includes('done');
}

/** Every delivered file is in, once and whole, and nothing lies in bronze that nobody names. */
async function expectEachOnce(bucket: string): Promise<void> {
  const store = await openS3Store(s3.spec(bucket), secret, { cacheDir: join(temporary, 'cache') });
  const { batches } = await readManifest(store, 'shop', 'orders');
  expect(batches.map(({ source: { file }, loaded }) => [file, loaded]).sort()).toEqual(
    (await readdir(served)).sort().map((file) => [file, ROWS]),
  );
  const named = batches.flatMap(({ parts }) => parts.map(({ uri }) => uri)).sort();
  expect(await store.list('bronze/shop/orders/batch=')).toEqual(named);
}

test('workers killed at random points, while files come by SFTP and go into S3, leave each row once', async () => {
  let killed = 0;
  for (let round = 0; round < KILLS; round++) {
    await deliver(round);
    if (!(await work('killed', Math.random() * USUAL_MS))) killed++;
  }
  expect(killed).toBeGreaterThan(0);
  expect(await work('killed')).toBe(true);

  await expectEachOnce('killed');
});

test('workers that load the same files into S3 at once leave each row once', async () => {
  for (let round = 0; round < 2; round++) {
    await deliver(900 + round);
    const both = await Promise.all([work('raced'), work('raced'), work('raced')]);
    expect(both).toEqual([true, true, true]);
  }
  await expectEachOnce('raced');
});
