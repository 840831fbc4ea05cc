import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { openBucket } from '../../../engines/lake/s3-bucket.js';
import { sweepUploads } from '../../../engines/lake/s3-uploads.js';
import { secret, startS3Server } from '../../support/s3-server.js';

test('parts that a dead process left are taken back, others are left alone', async () => {
  const server = await startS3Server();
  onTestFinished(() => server.stop());
  await server.createBucket('lake');
  for (const Key of ['mine/a', 'other/b']) {
    const { UploadId } = await server.client.send(new CreateMultipartUploadCommand({ Bucket: 'lake', Key }));
    await server.client.send(
      new UploadPartCommand({ Bucket: 'lake', Key, UploadId, PartNumber: 1, Body: Buffer.from('half') }),
    );
  }
  const bucket = await openBucket(server.spec('lake', { prefix: 'mine' }), secret);
  expect(await sweepUploads(bucket, 3_600_000)).toBe(0);
  expect(await sweepUploads(bucket, -1_000)).toBe(1);
  const left = await server.client.send(new ListMultipartUploadsCommand({ Bucket: 'lake' }));
  expect(left.Uploads?.map(({ Key }) => Key)).toEqual(['other/b']);
});
