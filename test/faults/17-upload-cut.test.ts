import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resultOf, startRun } from '../../clients/runs.js';
import { batchFolders, commitBatches, readManifest, type StagedBatch } from '../../engines/lake/bronze.js';
import { sha256 } from '../../engines/lake/content.js';
import { openS3Store } from '../../engines/lake/s3-store.js';
import type { ObjectStore } from '../../engines/lake/store.js';
import { startCuttingProxy, type CuttingProxy } from '../support/cutting-proxy.js';
import { makeProject } from '../support/extract-project.js';
import { startExtracting } from '../support/extract-run.js';
import { secret, startS3Server, type S3Server } from '../support/s3-server.js';
import { until } from '../support/shop-run.js';

const MB = 1 << 20;
let server: S3Server;
let proxy: CuttingProxy;
let root: string;
let store: ObjectStore;
beforeAll(async () => {
  server = await startS3Server();
  await server.createBucket('lake');
  proxy = await startCuttingProxy(server.port);
  root = await mkdtemp(join(tmpdir(), 'millrace-upload-'));
  store = await openS3Store(server.spec('lake', { port: proxy.port }), secret, {
    cacheDir: join(root, 'cache'),
  });
});
afterAll(async () => {
  await proxy.close();
  await server.stop();
  await rm(root, { recursive: true });
});

let staged = 0;
async function stage(content: Buffer): Promise<StagedBatch> {
  const path = join(root, `staged-${++staged}`);
  await writeFile(path, content);
  const hash = sha256(content);
  const uri = `${batchFolders('crm', 'customers', hash).rows}/part-0000-${hash.slice(0, 12)}.parquet`;
  return {
    files: [{ key: uri, path }],
    inferred: false,
    batch: {
      key: hash,
      source: { file: 'customers.csv', bytes: 1, mtimeMs: 1, sha256: hash },
      interval: { start: '2025-01-06T00:00:00Z', end: '2025-01-13T00:00:00Z' },
      parts: [{ uri, sha256: hash, bytes: content.length }],
      schema: [{ name: 'id', type: 'int64' }],
      ...{ read: 1, loaded: 1, quarantined: 0, filtered: 0, quarantine: null },
      ...{ extractedAt: '2025-01-13T00:00:00Z', run: 'run-1' },
    },
  };
}

const visible = async () =>
  (await server.client.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix: 'bronze/' }))).KeyCount;
const uploads = async () =>
  (await server.client.send(new ListMultipartUploadsCommand({ Bucket: 'lake' }))).Uploads ?? [];

test('an upload that is cut off leaves nothing visible, takes its parts back and commits nothing; the retry brings it in', async () => {
  const content = Buffer.alloc(20 * MB, 'rows');
  proxy.cut({ after: 3 * MB, direction: 'up' });
  await expect(commitBatches(store, 'crm', 'customers', [await stage(content)])).rejects.toMatchObject({
    ...{ type: 'Unavailable', retryable: true },
  });
  expect(proxy.cuts).toBeGreaterThan(0);
  expect([await visible(), await uploads()]).toEqual([0, []]);
  expect((await readManifest(store, 'crm', 'customers')).batches).toEqual([]);

  proxy.heal();
  const [committed] = await commitBatches(store, 'crm', 'customers', [await stage(content)]);
  expect(committed?.won).toBe(true);
  const uri = committed?.batch.parts[0]?.uri ?? '';
  expect(sha256(await readFile(await store.localFile(uri)))).toBe(sha256(content));
  expect(await uploads()).toEqual([]);
});

test('an upload that is cut off a few times is put right without the caller', async () => {
  const before = proxy.cuts;
  const content = Buffer.alloc(20 * MB, 'once');
  proxy.cut({ after: MB, direction: 'up', times: 5 });
  const [committed] = await commitBatches(store, 'crm', 'customers', [await stage(content)]);
  proxy.heal();
  expect(proxy.cuts - before).toBe(5);
  expect(committed?.won).toBe(true);
  expect((await store.get(committed?.batch.parts[0]?.uri ?? '')).length).toBe(20 * MB);
  expect(await uploads()).toEqual([]);
});

test('a run whose upload is cut off shows nothing of it, and one retry brings it in', async () => {
  await server.createBucket('runs');
  const project = makeProject(
    {
      drop: {
        kind: 'files',
        root: 'in',
        streams: { rows: { path: '*.csv', columns: { id: 'int64', text: 'text' } } },
      },
    },
    'uploading',
    server.spec('runs', { port: proxy.port }),
  );
  // what cannot be packed, so that it goes up in parts
  const rows = Array.from({ length: 20_000 }, (_, id) => `${id},${randomBytes(600).toString('base64')}`);
  project.put('in/rows.csv', `id,text\n${rows.join('\n')}\n`);
  const env = { KEY: await secret('env:KEY'), SECRET: await secret('env:SECRET') };
  const [{ client }, stop] = await startExtracting(project, { env });
  try {
    proxy.cut({ after: MB, direction: 'up' });
    const run = await startRun(client, project.root, { pipeline: 'drop_rows', interval: '2026-01-05' });
    const child = client.workflow.getHandle(`${run.workflowId}/extract.drop.rows`);
    const failed = async (): Promise<boolean> => {
      const { raw } = await child.describe();
      return (raw.pendingActivities ?? []).some(
        ({ lastFailure }) => lastFailure?.applicationFailureInfo?.type === 'Unavailable',
      );
    };
    await until(() => failed().catch(() => false), { what: 'the failed upload' });
    const listed = await server.client.send(
      new ListObjectsV2Command({ Bucket: 'runs', Prefix: 'bronze/drop/rows/batch=' }),
    );
    expect(listed.KeyCount).toBe(0);
    const left = await server.client.send(new ListMultipartUploadsCommand({ Bucket: 'runs' }));
    expect(left.Uploads ?? []).toEqual([]);

    proxy.heal();
    const { extract } = await resultOf(client, run);
    expect(extract).toMatchObject([{ batches: 1, read: 20_000, loaded: 20_000, quarantined: 0 }]);
    const { events } = await child.fetchHistory();
    const attempts = (events ?? []).map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 0);
    // one, or one more when this machine was too slow to mend the line in time
    expect(Math.max(...attempts)).toBeOneOf([2, 3]);
  } finally {
    proxy.heal();
    await stop();
    project.remove();
  }
});
