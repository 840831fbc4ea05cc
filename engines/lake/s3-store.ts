import { createReadStream } from 'node:fs';
import { lstat, mkdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { MillraceError } from '../../schemas/errors.js';
import { pause } from '../pause.js';
import { contentKey, sha256File } from './content.js';
import { FileCache } from './file-cache.js';
import { byBytes, checkKey } from './keys.js';
import { explainS3, openBucket, statusOf, type S3Bucket, type S3Spec } from './s3-bucket.js';
import { downloadObject } from './s3-download.js';
import { sweepUploads } from './s3-uploads.js';
import type { ObjectStore } from './store.js';

export interface S3StoreOptions {
  /** local copies of what is read as a file; by default a folder of this user below the system's temporary one */
  cacheDir?: string;
  /** how much they may take up; what was used within `keepMs` stays all the same */
  cacheBytes?: number;
  keepMs?: number;
}

/** Tells a store that honours `If-None-Match` from one that does not; it stays, so that later openings cost one request. */
const PROBE = '_conditional_write_probe';
const GB = 1 << 30;
const DAY_MS = 86_400_000;
/** A smaller file goes in by one request; in larger parts a file of 80 GB still fits into the 10,000 that S3 allows. */
const PART_BYTES = 8 << 20;
const MAX_PARTS = 9_500;
const CONFLICTS = 10;

/**
 * Opens a bucket as a lake.
 * @param secret resolves the references of its credentials
 * @throws MillraceError ServerUnsuitable when the store ignores `If-None-Match`, without which two writers could both
 *   commit; BucketMissing, AccessDenied, Unavailable, SecretUnresolved
 */
export async function openS3Store(
  spec: S3Spec,
  secret: (reference: string) => Promise<string>,
  { cacheDir, cacheBytes = 20 * GB, keepMs = DAY_MS }: S3StoreOptions = {},
): Promise<ObjectStore> {
  const bucket = await openBucket(spec, secret);
  const folder = cacheDir ?? (await ownFolder(join(tmpdir(), `millrace-lake-${process.getuid?.() ?? 0}`)));
  const store = new S3Store(bucket, new FileCache({ folder, maxBytes: cacheBytes, keepMs }));
  await store.probe();
  await sweepUploads(bucket, DAY_MS);
  return store;
}

class S3Store implements ObjectStore {
  readonly uri: string;

  constructor(
    private readonly at: S3Bucket,
    private readonly cache: FileCache,
  ) {
    this.uri = at.uri.replace(/\/$/, '');
  }

  async get(key: string): Promise<Buffer> {
    return this.explained(key, async () => {
      const { Body } = await this.at.client.send(
        new GetObjectCommand({ ...this.object(key), ChecksumMode: 'ENABLED' }),
      );
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    });
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const command = new PutObjectCommand({ ...this.object(key), Body: bytes, IfNoneMatch: '*' });
    for (let conflicts = 1; ; conflicts++) {
      try {
        await this.at.client.send(command);
        return true;
      } catch (error) {
        if (statusOf(error) === 412) return false;
        // two conditional writes at the same moment: neither was refused for good, and S3 asks for another try
        const again = (error as Error).name === 'ConditionalRequestConflict' && conflicts < CONFLICTS;
        if (!again) throw explainS3(error, this.at, key);
        await pause(Math.random() * 50 * conflicts);
      }
    }
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.explained(key, () =>
      this.at.client.send(new PutObjectCommand({ ...this.object(key), Body: bytes })),
    );
  }

  async putFile(key: string, file: string): Promise<void> {
    const { size } = await stat(file);
    const sha256 = await sha256File(file);
    const upload = (): Promise<unknown> =>
      new Upload({
        client: this.at.client,
        params: { ...this.object(key), Body: createReadStream(file), Metadata: { sha256 } },
        // the last request makes all of it visible at once; on a failure the parts are taken back
        partSize: Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS)),
        leavePartsOnError: false,
      }).done();
    await this.explained(key, async () => {
      try {
        await upload();
      } catch (error) {
        const told = explainS3(error, this.at, key);
        if (!(told instanceof MillraceError) || !told.retryable) throw error;
        await upload();
      }
    });
    await rm(file);
  }

  async localFile(key: string): Promise<string> {
    const head = await this.explained(key, () =>
      this.at.client.send(new HeadObjectCommand(this.object(key))),
    );
    const { ETag = '', ContentLength = 0, Metadata } = head;
    const name = `${contentKey(this.uri, key, ETag)}-${basename(key)}`;
    return this.cache.file(name, ContentLength, async (path) => {
      const { etag } = await downloadObject(this.at, this.at.prefix + key, path);
      const where = { file: `${this.uri}/${key}` };
      if (etag !== ETag) {
        throw new MillraceError('Unavailable', {
          ...{ what: 'The object was replaced while it was read', where },
          fix: 'The retry reads the new content',
        });
      }
      const expected = Metadata?.sha256;
      const found = expected === undefined ? undefined : await sha256File(path);
      if (found === expected) return;
      throw new MillraceError('ObjectCorrupt', {
        ...{ what: `The object's SHA-256 is ${found}, and it was written with ${expected}`, where },
        fix: 'Restore it from a backup or an earlier version, or extract the stream again',
      });
    });
  }

  async list(prefix: string): Promise<string[]> {
    return this.explained(prefix, async () => {
      const keys: string[] = [];
      const pages = paginateListObjectsV2(
        { client: this.at.client },
        { Bucket: this.at.bucket, Prefix: this.at.prefix + prefix },
      );
      for await (const { Contents = [] } of pages) {
        for (const { Key = '' } of Contents) keys.push(Key.slice(this.at.prefix.length));
      }
      // stores differ in their order
      return keys.filter((key) => key !== PROBE && key !== '' && !key.endsWith('/')).sort(byBytes);
    });
  }

  async delete(key: string): Promise<void> {
    await this.explained(key, () => this.at.client.send(new DeleteObjectCommand(this.object(key))));
  }

  async probe(): Promise<void> {
    const created = await this.putIfAbsent(PROBE, Buffer.from('see If-None-Match'));
    if (!created || !(await this.putIfAbsent(PROBE, Buffer.from('see If-None-Match')))) return;
    throw new MillraceError('ServerUnsuitable', {
      what: 'The store ignores If-None-Match: it let the same object be created twice, so two runs could commit over each other',
      where: { file: this.uri },
      fix: 'Use a store that has conditional writes (AWS S3, MinIO, Ceph Squid or later, Cloudflare R2), or a local lake',
    });
  }

  private object(key: string): { Bucket: string; Key: string } {
    checkKey(key);
    return { Bucket: this.at.bucket, Key: this.at.prefix + key };
  }

  private async explained<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { name } = error as Error;
      if (name !== 'NoSuchKey' && name !== 'NotFound') throw explainS3(error, this.at, key);
      throw new MillraceError('ObjectMissing', {
        what: `The lake has no object '${key}'`,
        where: { file: `${this.uri}/${key}` },
        fix: 'Was it deleted by hand, or does the lake point elsewhere? Extract the stream again to restore it',
        cause: error,
      });
    }
  }
}

/** A folder that only this user can read. @throws MillraceError Unavailable when another user made it first */
async function ownFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const { uid } = await lstat(path);
  if (uid === (process.getuid?.() ?? uid)) return path;
  throw new MillraceError('Unavailable', {
    what: 'The folder for copies of the lake belongs to another user',
    where: { file: path },
    fix: 'Remove it, or give the worker a temporary folder of its own with TMPDIR',
  });
}
