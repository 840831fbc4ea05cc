import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { S3Bucket } from './s3-bucket.js';

/**
 * Takes back the parts of uploads that nobody will finish, because their process died: they are invisible and cost
 * money for ever. Looks at the first thousand; what it may not list or abort, it leaves to a life-cycle rule of the bucket.
 * @param olderThanMs an upload that began later may be under way
 * @returns how many were taken back
 */
export async function sweepUploads(
  { client, bucket, prefix }: S3Bucket,
  olderThanMs: number,
): Promise<number> {
  const oldest = Date.now() - olderThanMs;
  const { Uploads = [] } = await client
    .send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }))
    .catch(() => ({ Uploads: [] }));
  const dead = Uploads.filter(({ Initiated }) => Initiated !== undefined && Initiated.getTime() <= oldest);
  const swept = await Promise.allSettled(
    dead.map(({ Key, UploadId }) =>
      client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })),
    ),
  );
  return swept.filter(({ status }) => status === 'fulfilled').length;
}
