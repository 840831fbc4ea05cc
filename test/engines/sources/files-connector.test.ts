import { appendFile, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { commitBatches, readManifest } from '../../../engines/lake/bronze.js';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import type { ConnectorContext } from '../../../engines/sources/connector.js';
import { filesConnector, type FilesUnit } from '../../../engines/sources/files-connector.js';
import type { Root } from '../../../schemas/place.js';
import { FilesSource, type FileStream } from '../../../schemas/source.js';
import { startCuttingProxy, type CuttingProxy } from '../../support/cutting-proxy.js';
import { startS3Server, secret as s3Secret, type S3Server } from '../../support/s3-server.js';
import { hostKey, PASSWORD, startSftpServer, USER, type SftpServer } from '../../support/sftp-server.js';
import { INTERVAL } from './support.js';

let root: string;
let lake: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-files-'));
  await mkdir(join(root, 'in'));
  lake = await openLocalStore(join(root, 'lake'));
});
afterEach(() => rm(root, { recursive: true }));

const secret = (reference: string) =>
  reference === 'env:PASSWORD' ? Promise.resolve(PASSWORD) : s3Secret(reference);

const connector = (place: z.input<typeof Root>, stream: Partial<z.input<typeof FileStream>> = {}) =>
  filesConnector(
    FilesSource.parse({ kind: 'files', root: place, streams: { orders: { path: '*.csv', ...stream } } }),
    'orders',
  );
type Files = ReturnType<typeof connector>;

const context = async (): Promise<ConnectorContext> => ({
  ...{ source: 'shop', stream: 'orders', interval: INTERVAL, root, lake, secret },
  batches: (await readManifest(lake, 'shop', 'orders')).batches,
  signal: new AbortController().signal,
});

const plan = async (files: Files) => files.plan(await context());

/** What the activity does with one unit. */
async function load(files: Files, unit: FilesUnit): Promise<{ loaded: number; won: number }> {
  const workDir = await mkdtemp(join(root, 'work-'));
  const more = {
    extractedAt: '2025-01-13T02:00:00.000Z',
    run: 'run-1',
    workDir,
    onProgress: () => undefined,
  };
  const sum = { loaded: 0, won: 0 };
  for await (const staged of files.load(unit, { ...(await context()), ...more })) {
    for (const { batch, won } of await commitBatches(lake, 'shop', 'orders', staged)) {
      sum.loaded += batch.loaded;
      sum.won += won ? 1 : 0;
    }
  }
  expect((await readdir(workDir)).filter((name) => name.startsWith('fetched-'))).toEqual([]);
  return sum;
}

async function loadAll(files: Files): Promise<string[]> {
  const units = await plan(files);
  for (const unit of units) await load(files, unit);
  return units.flatMap((unit) => unit.files.map(({ file }) => file));
}

/** What bronze holds, by file. */
async function held(): Promise<Record<string, number>> {
  const { batches } = await readManifest(lake, 'shop', 'orders');
  return Object.fromEntries(batches.map(({ source, loaded }) => [source.file, loaded]));
}

describe('files of this machine', () => {
  const put = async (file: string, content: string | Buffer = 'id\n1\n') => {
    await mkdir(dirname(join(root, 'in', file)), { recursive: true });
    await writeFile(join(root, 'in', file), content);
  };

  test('are read once, and once more when they have changed', async () => {
    await put('a.csv');
    await put('b.csv', gzipSync('id\n1\n2\n'));
    const files = connector('in');
    expect(await loadAll(files)).toEqual(['a.csv', 'b.csv']);
    expect(await held()).toEqual({ 'a.csv': 1, 'b.csv': 2 });
    expect(await plan(files)).toEqual([]);
    await appendFile(join(root, 'in', 'a.csv'), '7\n');
    await put('c.csv');
    expect(await loadAll(files)).toEqual(['a.csv', 'c.csv']);
    expect((await readManifest(lake, 'shop', 'orders')).batches).toHaveLength(4);
  });

  test('that were only touched bring nothing new', async () => {
    await put('a.csv');
    const files = connector('in');
    await loadAll(files);
    await utimes(join(root, 'in', 'a.csv'), 1, 1);
    const [unit] = await plan(files);
    expect(await load(files, unit!)).toEqual({ loaded: 1, won: 0 });
    expect((await readManifest(lake, 'shop', 'orders')).batches).toHaveLength(1);
  });

  test('are cut into units, by number and by bytes', async () => {
    for (let n = 0; n < 450; n++) await put(`n-${String(n).padStart(3, '0')}.csv`);
    await put('z-1.csv', Buffer.alloc(40 << 20));
    await put('z-2.csv', Buffer.alloc(40 << 20));
    const sizes = (await plan(connector('in'))).map((unit) => unit.files.length);
    expect(sizes).toEqual([200, 200, 51, 1]);
  });

  test('a unit that another attempt has committed is counted and not read again', async () => {
    await put('a.csv');
    await put('b.csv');
    const files = connector('in');
    const [unit] = await plan(files);
    expect(await load(files, unit!)).toEqual({ loaded: 2, won: 2 });
    await writeFile(join(root, 'in', 'a.csv'), 'x');
    await utimes(join(root, 'in', 'a.csv'), 1, 1);
    await rm(join(root, 'in', 'b.csv'));
    // both are in as they were listed: not even looked at
    expect(await load(files, unit!)).toEqual({ loaded: 2, won: 0 });
  });

  test('a sample reads one file', async () => {
    await put('a.csv');
    await put('b.csv');
    const files = connector('in');
    const [unit] = await plan(files);
    const workDir = await mkdtemp(join(root, 'work-'));
    const more = { extractedAt: INTERVAL.end, run: 'r', workDir, onProgress: () => undefined, sample: 10 };
    for await (const staged of files.load(unit!, { ...(await context()), ...more }))
      expect(staged).toHaveLength(1);
  });
});

describe('files of an SFTP server', () => {
  const key = hostKey();
  let served: string;
  let server: SftpServer;
  let proxy: CuttingProxy;
  beforeEach(async () => {
    served = await mkdtemp(join(tmpdir(), 'millrace-served-'));
    server = await startSftpServer(served, { keys: [key] });
    proxy = await startCuttingProxy(server.port);
  });
  afterEach(async () => {
    await proxy.close();
    await server.close();
    await rm(served, { recursive: true });
  });
  const place = (more = {}) => ({
    ...{ kind: 'sftp' as const, host: '127.0.0.1', port: proxy.port, user: USER, password: 'env:PASSWORD' },
    ...{ hostKey: key.public, complete: { settled: '20ms' } },
    ...more,
  });
  const put = (file: string, content = 'id\n1\n') => writeFile(join(served, file), content);

  test('come in once, over connections that break', async () => {
    for (let n = 0; n < 20; n++) await put(`${n}.csv`, `id\n${'1\n'.repeat(5_000)}`);
    proxy.cut({ after: 60_000, direction: 'down', times: 3 });
    const files = connector(place());
    await loadAll(files);
    expect(proxy.cuts).toBe(3);
    expect(Object.values(await held())).toEqual(Array.from({ length: 20 }, () => 5_000));
    expect(await plan(files)).toEqual([]);
  });

  test('commit nothing of a unit whose connection stays broken, and all of it later', async () => {
    await put('a.csv');
    await put('b.csv', `id\n${'1\n'.repeat(100_000)}`);
    const files = connector(place());
    const [unit] = await plan(files);
    proxy.cut({ after: 5_000, direction: 'down' });
    await expect(load(files, unit!)).rejects.toMatchObject({ type: 'Unavailable' });
    expect(await held()).toEqual({});
    proxy.heal();
    await load(files, unit!);
    expect(await held()).toEqual({ 'a.csv': 1, 'b.csv': 100_000 });
  });

  test('that are still growing are left for later, or waited for when they belong to the interval', async () => {
    await put('done.csv');
    const grow = setInterval(() => void appendFile(join(served, 'growing.csv'), 'id\n'), 10);
    try {
      await put('growing.csv');
      const slow = { complete: { settled: '200ms' } };
      const units = await plan(connector(place(slow)));
      expect(units.flatMap((unit) => unit.files.map(({ file }) => file))).toEqual(['done.csv']);
      const mine = connector(place(slow), { path: "{start:'growing'}.csv" });
      await expect(plan(mine)).rejects.toMatchObject({ type: 'Unavailable', retryable: true });
    } finally {
      clearInterval(grow);
    }
  });

  test('are named in errors by their own address', async () => {
    await put('a.csv', 'id\nx\n');
    const files = connector(place(), { columns: { id: 'int64' } });
    const [unit] = await plan(files);
    const failed = load(files, unit!);
    await expect(failed).rejects.toMatchObject({
      type: 'ToleranceExceeded',
      where: { file: `sftp://${USER}@127.0.0.1:${proxy.port}/a.csv` },
    });
    await expect(failed).rejects.not.toThrow(root);
  });

  test('a missing file is answered with what is there', async () => {
    await put('order.csv');
    await expect(plan(connector(place(), { path: 'orders.csv' }))).rejects.toThrow(
      "The folder has 'order.csv'",
    );
  });
});

describe('files of a bucket', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
    await server.createBucket('landing');
  });
  afterAll(() => server.stop());
  const put = (file: string, content: string) =>
    server.client.send(
      new PutObjectCommand({ Bucket: 'landing', Key: `shop/${file}`, Body: Buffer.from(content) }),
    );

  test('are read once, and once more when their content has changed, whatever their time says', async () => {
    await put('a.csv', 'id\n1\n');
    await put('b.csv', 'id\n1\n2\n');
    const files = connector(server.spec('landing', { prefix: 'shop' }));
    expect(await loadAll(files)).toEqual(['a.csv', 'b.csv']);
    await put('a.csv', 'id\n1\n');
    expect(await plan(files)).toEqual([]);
    await put('a.csv', 'id\n2\n');
    expect(await loadAll(files)).toEqual(['a.csv']);
    const { batches } = await readManifest(lake, 'shop', 'orders');
    expect(batches.map(({ source, loaded }) => [source.file, loaded])).toEqual([
      ['a.csv', 1],
      ['b.csv', 2],
      ['a.csv', 1],
    ]);
  });
});
