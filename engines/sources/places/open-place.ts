import { resolve } from 'node:path';
import type { Root } from '../../../schemas/place.js';
import { LocalPlace } from './local.js';
import type { Place } from './place.js';

/**
 * Opens where a source's files are; nothing is asked of a server before the first call. The caller closes it.
 * @param project absolute folder of the project, which a local root is relative to
 * @param secret resolves a reference to a secret
 * @throws MillraceError SecretUnresolved, ProjectInvalid
 */
export async function openPlace(
  root: Root,
  project: string,
  secret: (reference: string) => Promise<string>,
): Promise<Place> {
  if (typeof root === 'string') return new LocalPlace(resolve(project, root));
  // their libraries take long to load, and a project with local files needs none
  if (root.kind === 's3') return (await import('./s3.js')).openS3Place(root, secret);
  return (await import('./sftp.js')).openSftpPlace(root, secret);
}
