import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { MillraceError } from '../../schemas/errors.js';
import { pause } from '../pause.js';
import { asDiskFull } from './disk-full.js';
import { explainS3, statusOf, type S3Bucket } from './s3-bucket.js';

export interface DownloadOptions {
  signal?: AbortSignal | undefined;
  /** is told how many bytes have arrived */
  onProgress?: ((bytes: number) => void) | undefined;
}

export interface Downloaded {
  bytes: number;
  etag: string;
  mtimeMs: number;
}

/** Broken connections in a row that brought not one byte; then it is left to the caller's retry. */
const ATTEMPTS = 4;
const CORRUPT = /checksum mismatch/i;

/**
 * Streams an object into a local file. A connection that breaks is taken up at the byte where it broke, as long as the
 * object is the same; the bytes are checked against the checksum that the store keeps of it.
 *
 * @param key whole, with the bucket's prefix
 * @throws MillraceError ObjectMissing; Unavailable when the object changed meanwhile or did not come whole; DiskFull;
 *   and what {@link explainS3} tells; the signal's reason after an abort. The file may then hold a part.
 */
export async function downloadObject(
  bucket: S3Bucket,
  key: string,
  path: string,
  { signal, onProgress }: DownloadOptions = {},
): Promise<Downloaded> {
  let first: GetObjectCommandOutput | undefined;
  let from = 0;
  let failures = 0;
  for (;;) {
    signal?.throwIfAborted();
    try {
      if (first === undefined || from !== first.ContentLength) {
        const answer = await getFrom(bucket, key, from, first?.ETag, signal);
        const body = answer.Body as Readable;
        first ??= answer;
        if (answer.ETag !== first.ETag) {
          // not every store looks at If-Match of a read
          body.on('error', () => undefined).destroy();
          throw changed(`s3://${bucket.bucket}/${key}`);
        }
        await write(body, path, from, onProgress, signal);
      }
      const { size } = await stat(path);
      if (size !== (first.ContentLength ?? size)) throw new Error(`the connection ended at byte ${size}`);
      // what came in one piece was checked by the SDK on its way
      if (from > 0) await verify(first, path);
      return { bytes: size, etag: first.ETag ?? '', mtimeMs: first.LastModified?.getTime() ?? 0 };
    } catch (error) {
      signal?.throwIfAborted();
      throwFatal(error, bucket, key, path);
      const corrupt = CORRUPT.test((error as Error).message);
      const arrived = corrupt ? 0 : (await stat(path).catch(() => ({ size: 0 }))).size;
      failures = arrived > from ? 0 : failures + 1;
      if (failures >= ATTEMPTS) throw explainS3(error, bucket, key.slice(bucket.prefix.length));
      if (corrupt) first = undefined;
      from = first === undefined ? 0 : arrived;
      await pause(100 * 2 ** failures, signal);
    }
  }
}

const getFrom = (
  { client, bucket }: S3Bucket,
  key: string,
  from: number,
  etag: string | undefined,
  signal: AbortSignal | undefined,
): Promise<GetObjectCommandOutput> =>
  client.send(
    new GetObjectCommand({
      ...{ Bucket: bucket, Key: key },
      ...(from > 0 ? { Range: `bytes=${from}-`, IfMatch: etag } : { ChecksumMode: 'ENABLED' }),
    }),
    { ...(signal && { abortSignal: signal }) },
  );

async function write(
  body: Readable,
  path: string,
  from: number,
  onProgress: DownloadOptions['onProgress'],
  signal: AbortSignal | undefined,
): Promise<void> {
  let arrived = from;
  const count = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      onProgress?.((arrived += chunk.length));
      yield chunk;
    }
  };
  const file = createWriteStream(path, from > 0 ? { flags: 'r+', start: from } : {});
  await pipeline(body, count, file, { ...(signal && { signal }) });
}

function throwFatal(error: unknown, bucket: S3Bucket, key: string, path: string): void {
  const where = { file: `s3://${bucket.bucket}/${key}` };
  const full = asDiskFull(error, path);
  if (full instanceof MillraceError) throw full;
  const status = statusOf(error);
  if (status === 412) throw changed(where.file);
  if (status === 404 && (error as Error).name !== 'NoSuchBucket') {
    throw new MillraceError('ObjectMissing', {
      ...{ what: 'The bucket has no such object', where, cause: error },
      fix: 'Was it deleted, or does the prefix point elsewhere?',
    });
  }
  // an answer, not a cut: the SDK has tried again already
  if (status !== undefined) throw explainS3(error, bucket, key.slice(bucket.prefix.length));
}

/** Of an object that came in pieces, whose checksum nobody has looked at yet. */
async function verify(
  { ChecksumSHA256, ChecksumCRC32, ChecksumType }: GetObjectCommandOutput,
  path: string,
): Promise<void> {
  // of an object that was written in parts it is a checksum of checksums
  const expected = ChecksumType === 'COMPOSITE' ? undefined : (ChecksumSHA256 ?? ChecksumCRC32);
  if (expected === undefined || expected.includes('-')) return;
  const sha = createHash('sha256');
  let crc = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    if (ChecksumSHA256 !== undefined) sha.update(chunk as Buffer);
    else crc = crc32(chunk as Buffer, crc);
  }
  const packed = Buffer.alloc(4);
  packed.writeUInt32BE(crc);
  const found = ChecksumSHA256 !== undefined ? sha.digest('base64') : packed.toString('base64');
  if (found !== expected) throw new Error(`Checksum mismatch: expected ${expected}, received ${found}`);
}

const changed = (file: string): MillraceError =>
  new MillraceError('Unavailable', {
    ...{ what: 'The object changed while it was read', where: { file } },
    fix: 'Deliver files under names of their own to avoid it. The retry reads the new content',
  });
