import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { batchFolders, commitBatches, readManifest, type StagedBatch } from '../../../engines/lake/bronze.js';
import { sha256 } from '../../../engines/lake/content.js';
import { openS3Store } from '../../../engines/lake/s3-store.js';
import type { S3Lake } from '../../../schemas/project.js';
import { startCuttingProxy, type CuttingProxy } from '../../support/cutting-proxy.js';
import { secret, startS3Server, type S3Server } from '../../support/s3-server.js';
import { testCommitLog } from './commit-log-suite.js';
import { testStore, type OpenStore } from './store-suite.js';

const MB = 1 << 20;
let server: S3Server;
let proxy: CuttingProxy;
let root: string;
beforeAll(async () => {
  server = await startS3Server();
  await server.createBucket('lake');
  proxy = await startCuttingProxy(server.port);
  root = await mkdtemp(join(tmpdir(), 'millrace-s3-store-'));
});
afterAll(async () => {
  await proxy.close();
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

/** Each has a prefix of its own. */
const openS3: OpenStore = async () => {
  const prefix = `p-${randomUUID()}`;
  const open = () => openS3Store(server.spec('lake', { prefix }), secret, { cacheDir: join(root, prefix) });
  return { store: await open(), again: open, dispose: () => Promise.resolve() };
};

describe('a store on S3', () => {
  testStore(openS3);
});

describe('a log on S3', () => {
  testCommitLog(openS3);
});

let staged = 0;
/** A batch whose "Parquet" is the given bytes. */
async function stage(key: string, content: string | Buffer): Promise<StagedBatch> {
  const path = join(root, `staged-${++staged}`);
  await writeFile(path, content);
  const hash = sha256(content);
  const uri = `${batchFolders('crm', 'customers', key).rows}/part-0000-${hash.slice(0, 12)}.parquet`;
  return {
    files: [{ key: uri, path }],
    inferred: false,
    batch: {
      key,
      source: { file: `${key}.csv`, bytes: 1, mtimeMs: 1, sha256: hash },
      interval: { start: '2025-01-06T00:00:00Z', end: '2025-01-13T00:00:00Z' },
      parts: [{ uri, sha256: hash, bytes: content.length }],
      schema: [{ name: 'id', type: 'int64' }],
      ...{ read: 1, loaded: 1, quarantined: 0, filtered: 0, quarantine: null },
      ...{ extractedAt: '2025-01-13T00:00:00Z', run: hash },
    },
  };
}

test('of workers that commit the same batch to S3 at once one wins, and the others return its batch', async () => {
  const { again } = await openS3();
  const workers = await Promise.all(
    Array.from({ length: 4 }, async (_, worker) =>
      commitBatches(await again(), 'crm', 'customers', [await stage('k1', `worker ${worker}`)]),
    ),
  );
  const results = workers.flat();
  expect(results.filter(({ won }) => won)).toHaveLength(1);
  expect(new Set(results.map(({ batch }) => batch.run)).size).toBe(1);
  const store = await again();
  const { batches } = await readManifest(store, 'crm', 'customers');
  expect(batches).toHaveLength(1);
  expect(await store.list('bronze/crm/customers/batch=')).toEqual(batches[0]?.parts.map(({ uri }) => uri));
});

test('a large file goes up in parts and comes back the same', async () => {
  const { store, again } = await openS3();
  const content = Buffer.alloc(20 * MB + 7, 'millrace');
  const file = join(root, 'large');
  await writeFile(file, content);
  await store.putFile('large.parquet', file);
  const local = await (await again()).localFile('large.parquet');
  expect(sha256(await readFile(local))).toBe(sha256(content));
});

test('a download that is cut off goes on where it broke', async () => {
  const spec = { prefix: 'resume', port: proxy.port };
  const store = await openS3Store(server.spec('lake', spec), secret, { cacheDir: join(root, 'resume') });
  const content = Buffer.from(Array.from({ length: 2 * MB }, (_, n) => n * 31));
  await store.put('a.parquet', content);
  const before = proxy.cuts;
  proxy.cut({ after: 500_000, direction: 'down', times: 3 });
  const local = await store.localFile('a.parquet');
  proxy.heal();
  expect(proxy.cuts - before).toBe(3);
  expect(sha256(await readFile(local))).toBe(sha256(content));
});

test('local copies are kept within their bound, the least recently used go, and each is of one content', async () => {
  const cacheDir = join(root, 'cache');
  const store = await openS3Store(server.spec('lake', { prefix: 'cache' }), secret, {
    ...{ cacheDir, cacheBytes: 2_500, keepMs: 0 },
  });
  const copies: string[] = [];
  for (const [index, key] of ['a', 'b', 'c'].entries()) {
    await store.put(key, Buffer.alloc(1_000, key));
    copies.push(await store.localFile(key));
    const then = new Date(Date.now() - 60_000 + index * 1_000);
    await utimes(copies[index] ?? '', then, then);
  }
  await store.localFile('a');
  await store.put('d', Buffer.alloc(1_000, 'd'));
  await store.localFile('d');
  const kept = (await readdir(cacheDir)).map((name) => name.at(-1)).filter((name) => name !== 'p');
  expect(kept.sort()).toEqual(['a', 'd']);

  await store.put('a', Buffer.from('another'));
  expect(await readFile(await store.localFile('a'), 'utf8')).toBe('another');
});

test('an object that was altered in the store is not taken for what was written', async () => {
  const { store } = await openS3();
  const file = join(root, 'good');
  await writeFile(file, 'good rows');
  await store.putFile('p.parquet', file);
  const Key = `${store.uri.slice('s3://lake/'.length)}/p.parquet`;
  const Metadata = { sha256: sha256('good rows') };
  await server.client.send(new PutObjectCommand({ Bucket: 'lake', Key, Body: 'evil rows', Metadata }));
  await expect(store.localFile('p.parquet')).rejects.toMatchObject({ type: 'ObjectCorrupt' });
});

describe('opening says what is wrong', () => {
  const open = (spec: S3Lake) => openS3Store(spec, secret, { cacheDir: join(root, 'open') });

  test('with the credentials', async () => {
    const spec = server.spec('lake');
    const wrong = { accessKeyId: 'env:KEY', secretAccessKey: 'env:WRONG' };
    const failed = open({ ...spec, credentials: wrong });
    await expect(failed).rejects.toMatchObject({ type: 'AccessDenied', retryable: false });
    await expect(failed).rejects.not.toThrow('another-secret');
  });

  test('with the bucket', async () => {
    await expect(open(server.spec('nowhere'))).rejects.toMatchObject({ type: 'BucketMissing' });
  });

  test('with the endpoint, which may be back later', async () => {
    await expect(open(server.spec('lake', { port: 9 }))).rejects.toMatchObject({ type: 'Unavailable' });
  });

  test('with a store that ignores If-None-Match', async () => {
    const careless = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(200, { etag: '"x"' }).end());
    }).listen(0, '127.0.0.1');
    await once(careless, 'listening');
    onTestFinished(() => {
      careless.closeAllConnections();
      careless.close();
    });
    const { port } = careless.address() as AddressInfo;
    const failed = open(server.spec('lake', { port }));
    await expect(failed).rejects.toMatchObject({ type: 'ServerUnsuitable' });
    await expect(failed).rejects.toThrow('ignores If-None-Match');
  });
});
