import { ListObjectsV2Command, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { MillraceError } from '../../../schemas/errors.js';
import type { S3Place as S3Spec } from '../../../schemas/place.js';
import { explainS3, openBucket, type S3Bucket } from '../../lake/s3-bucket.js';
import { downloadObject } from '../../lake/s3-download.js';
import { byName, readPattern } from './pattern.js';
import type { FetchOptions, Place, PlacedFile } from './place.js';

/** @throws MillraceError SecretUnresolved; whether the bucket is there shows at the first listing */
export async function openS3Place(
  spec: S3Spec,
  secret: (reference: string) => Promise<string>,
): Promise<Place> {
  return new S3Place(await openBucket(spec, secret));
}

/** Objects below a prefix of a bucket. They appear whole, so what is listed is complete. */
class S3Place implements Place {
  readonly uri: string;

  constructor(private readonly at: S3Bucket) {
    this.uri = at.uri;
  }

  async list(pattern: string, signal?: AbortSignal): Promise<PlacedFile[]> {
    const { literal, levels, matches } = readPattern(pattern);
    const { client, bucket, prefix } = this.at;
    const pages = paginateListObjectsV2(
      { client },
      {
        ...{ Bucket: bucket, Prefix: prefix + literal },
        // of a single level the folders below need not be listed
        ...(levels?.length === 1 && { Delimiter: '/' }),
      },
      { ...(signal && { abortSignal: signal }) },
    );
    const files: PlacedFile[] = [];
    try {
      for await (const { Contents = [] } of pages) {
        for (const { Key = '', Size = 0, LastModified, ETag = '' } of Contents) {
          const file = Key.slice(prefix.length);
          // what ends with a / is a folder that some tool has made
          if (file.endsWith('/') || !matches(file)) continue;
          files.push({
            file,
            bytes: Size,
            mtimeMs: LastModified?.getTime() ?? 0,
            ...(ETag && { etag: ETag }),
          });
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw explainS3(error, this.at, literal);
    }
    return files.sort(byName);
  }

  async names(folder: string, signal?: AbortSignal): Promise<string[]> {
    const { client, bucket, prefix } = this.at;
    const Prefix = folder === '' ? prefix : `${prefix}${folder}/`;
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix, Delimiter: '/' }),
      { ...(signal && { abortSignal: signal }) },
    );
    return Contents.map(({ Key = '' }) => Key.slice(Prefix.length)).filter((name) => name !== '');
  }

  async complete(files: PlacedFile[]): Promise<PlacedFile[]> {
    return files;
  }

  async fetch(
    file: PlacedFile,
    path: string,
    options: FetchOptions = {},
  ): Promise<PlacedFile & { path: string }> {
    const arrived = await downloadObject(this.at, this.at.prefix + file.file, path, options).catch(
      (error: unknown) => {
        if (!(error instanceof MillraceError) || error.type !== 'ObjectMissing') throw error;
        throw new MillraceError('SourceMissing', {
          what: 'The object was there when it was listed, and is gone',
          where: { file: `${this.uri}${file.file}` },
          fix: 'Keep delivered files until a run has read them; start the run again for the others',
          cause: error,
        });
      },
    );
    return { file: file.file, path, ...arrived };
  }

  async close(): Promise<void> {
    this.at.client.destroy();
  }
}
