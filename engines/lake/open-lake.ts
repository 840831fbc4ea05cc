import type { S3Lake } from '../../schemas/project.js';
import { openLocalStore } from './local-store.js';
import type { ObjectStore } from './store.js';

/** A folder, or a bucket with the references to its credentials. */
export type LakeRef = string | S3Lake;

/** @param secret resolves a reference to a secret; called for a bucket only */
export async function openLake(
  lake: LakeRef,
  secret: (reference: string) => Promise<string>,
): Promise<ObjectStore> {
  if (typeof lake === 'string') return openLocalStore(lake);
  // the AWS SDK takes long to load, and most commands need none
  const { openS3Store } = await import('./s3-store.js');
  return openS3Store(lake, secret);
}
