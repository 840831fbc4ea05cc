import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { sha256 } from '../../../../engines/lake/content.js';
import { openS3Place } from '../../../../engines/sources/places/s3.js';
import type { Place, PlacedFile } from '../../../../engines/sources/places/place.js';
import { startCuttingProxy } from '../../../support/cutting-proxy.js';
import { secret, startS3Server, type S3Server } from '../../../support/s3-server.js';

const MB = 1 << 20;
let server: S3Server;
let work: string;
beforeAll(async () => {
  server = await startS3Server();
  await server.createBucket('landing');
  work = await mkdtemp(join(tmpdir(), 'millrace-s3-place-'));
  for (const file of [
    'b.csv',
    'a.csv',
    'x.txt',
    '2025/01/o.csv',
    '2025/02/o.csv',
    '2024/01/o.csv',
    'ümlaut +&.csv',
  ])
    await put(`crm/${file}`, file);
  await put('crm-other/a.csv', '');
});
afterAll(async () => {
  await server.stop();
  await rm(work, { recursive: true });
});

const put = (Key: string, Body: string | Buffer) =>
  server.client.send(new PutObjectCommand({ Bucket: 'landing', Key, Body: Buffer.from(Body) }));

async function open(more: { bucket?: string; prefix?: string; port?: number } = {}): Promise<Place> {
  const { bucket = 'landing', ...rest } = { prefix: 'crm', ...more };
  const place = await openS3Place({ ...server.spec(bucket, rest), kind: 's3' }, secret);
  onTestFinished(() => place.close());
  return place;
}

const names = (files: PlacedFile[]) => files.map(({ file }) => file);

test('listing goes below the prefix, by glob, in name order, with what tells a change', async () => {
  const place = await open();
  expect(names(await place.list('*.csv'))).toEqual(['a.csv', 'b.csv', 'ümlaut +&.csv']);
  expect(names(await place.list('2025/*/o.csv'))).toEqual(['2025/01/o.csv', '2025/02/o.csv']);
  expect(names(await place.list('**/o.csv'))).toHaveLength(3);
  expect(names(await place.list('a.csv'))).toEqual(['a.csv']);
  const [before] = await place.list('b.csv');
  expect(before).toMatchObject({ file: 'b.csv', bytes: 5 });
  await put('crm/b.csv', 'other');
  const [after] = await place.list('b.csv');
  expect(after?.bytes).toBe(5);
  expect(after?.etag).not.toBe(before?.etag);
  expect(await place.names('2025/01')).toEqual(['o.csv']);
  expect(await place.complete([after!])).toEqual([after]);
});

test('a listing of several pages is whole', async () => {
  await mkdir(join(server.folder('landing'), 'many'));
  for (let n = 0; n < 1_100; n++) {
    await writeFile(join(server.folder('landing'), 'many', `${String(n).padStart(4, '0')}.csv`), 'id\n');
  }
  const files = await (await open({ prefix: 'many/' })).list('*.csv');
  expect(files).toHaveLength(1_100);
  expect(files[1_099]?.file).toBe('1099.csv');
});

test('a file comes whole, also when its connection breaks', async () => {
  const proxy = await startCuttingProxy(server.port);
  onTestFinished(() => proxy.close());
  const content = Buffer.from(Array.from({ length: 4 * MB }, (_, n) => n * 31 + (n >> 8)));
  await put('crm/large.dat', content);
  const place = await open({ port: proxy.port });
  const [listed] = await place.list('large.dat');
  proxy.cut({ after: 1.5 * MB, direction: 'down', times: 2 });
  const seen: number[] = [];
  const file = await place.fetch(listed!, join(work, 'large'), { onProgress: (bytes) => seen.push(bytes) });
  expect(proxy.cuts).toBe(2);
  expect(file).toMatchObject({ ...listed, bytes: content.length });
  expect(sha256(await readFile(file.path))).toBe(sha256(content));
  expect(seen.at(-1)).toBe(content.length);
});

test('a file that is replaced while it is read is refused, and may be tried again', async () => {
  const proxy = await startCuttingProxy(server.port);
  onTestFinished(() => proxy.close());
  await put('crm/moving.dat', Buffer.alloc(4 * MB, 'a'));
  const place = await open({ port: proxy.port });
  const [listed] = await place.list('moving.dat');
  proxy.cut({ after: 500_000, direction: 'down' });
  const failed = place.fetch(listed!, join(work, 'moving'));
  await expect.poll(() => proxy.cuts).toBeGreaterThan(0);
  await put('crm/moving.dat', Buffer.alloc(4 * MB, 'b'));
  proxy.heal();
  await expect(failed).rejects.toMatchObject({ type: 'Unavailable', retryable: true });
  await expect(failed).rejects.toThrow('changed while it was read');
  const file = await place.fetch(listed!, join(work, 'moving'));
  expect(file.etag).not.toBe(listed?.etag);
  expect((await readFile(file.path)).every((byte) => byte === 98)).toBe(true);
});

// /dev/full answers every write as a full disk does
test.runIf(process.platform === 'linux')('a full disk is said', async () => {
  await put('crm/some.dat', Buffer.alloc(MB, 'a'));
  const place = await open();
  const [listed] = await place.list('some.dat');
  await expect(place.fetch(listed!, '/dev/full')).rejects.toMatchObject({
    type: 'DiskFull',
    retryable: true,
  });
});

test('a download stops when it is cancelled', async () => {
  await put('crm/slow.dat', Buffer.alloc(8 * MB, 'a'));
  const place = await open();
  const [listed] = await place.list('slow.dat');
  const controller = new AbortController();
  const fetching = place.fetch(listed!, join(work, 'slow'), {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('cancelled')),
  });
  await expect(fetching).rejects.toThrow('cancelled');
});

test('what is wrong is said: a file that is gone, a bucket that is none, a server that is away', async () => {
  await put('crm/gone.csv', '');
  const place = await open();
  const [listed] = await place.list('gone.csv');
  await server.client.send(new DeleteObjectCommand({ Bucket: 'landing', Key: 'crm/gone.csv' }));
  await expect(place.fetch(listed!, join(work, 'gone'))).rejects.toMatchObject({ type: 'SourceMissing' });
  await expect((await open({ bucket: 'nowhere' })).list('*')).rejects.toMatchObject({
    type: 'BucketMissing',
    message: expect.stringContaining("no bucket 'nowhere'"),
  });
  await expect((await open({ port: 9 })).list('*')).rejects.toMatchObject({ type: 'Unavailable' });
});
