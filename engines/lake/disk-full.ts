import { MillraceError } from '../../schemas/errors.js';

const FULL = /ENOSPC|EDQUOT|no space left on device|disk quota exceeded|max_temp_directory_size/i;

/** Node and DuckDB each report a full disk in their own words; both become the retryable `DiskFull`, the rest passes. */
export function asDiskFull(error: unknown, path: string): unknown {
  if (error instanceof MillraceError || !(error instanceof Error) || !FULL.test(error.message)) return error;
  return new MillraceError('DiskFull', {
    what: `The disk is full: ${error.message}`,
    where: { file: path },
    fix: 'Free space or move the lake to a larger disk. Nothing half-written was kept, and the retry begins where this attempt did',
    cause: error,
  });
}
