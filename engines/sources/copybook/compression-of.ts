import { extname } from 'node:path';
import { MillraceError } from '../../../schemas/errors.js';
import type { Compression } from '../decompress.js';

const BY_ENDING: Record<string, Compression> = { '.gz': 'gzip', '.zst': 'zstd', '.bz2': 'bzip2' };

/**
 * How a file of records is compressed, by its name: records may begin with any bytes, those of gzip too.
 * @throws MillraceError Unsupported for an archive
 */
export function compressionOf(path: string): Compression {
  const ending = extname(path).toLowerCase();
  if (ending !== '.zip') return BY_ENDING[ending] ?? 'none';
  throw new MillraceError('Unsupported', {
    what: 'Files of records are not read out of zip archives',
    where: { file: path },
    fix: 'Unpack it, or compress the file with gzip, bzip2 or zstd',
  });
}
