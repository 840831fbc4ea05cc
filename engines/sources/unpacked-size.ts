import { MillraceError } from '../../schemas/errors.js';

/** Text rarely shrinks to less than a fiftieth; below this size even a bomb does no harm. */
const MOST_RATIO = 200;
const HARMLESS = 256 << 20;
/** More than this is no delivery. */
const MOST_BYTES = 256 * 2 ** 30;

/** @throws MillraceError ArchiveTooLarge when packed bytes become far more than data does */
export function assertNoBomb(unpacked: number, packed: number, file: string): void {
  if (unpacked <= HARMLESS) return;
  const ratio = unpacked / Math.max(1, packed);
  if (ratio <= MOST_RATIO && unpacked <= MOST_BYTES) return;
  throw new MillraceError('ArchiveTooLarge', {
    what: `${packed.toLocaleString('en')} packed bytes become ${unpacked > MOST_BYTES ? 'more than ' : ''}${unpacked.toLocaleString('en')}, ${Math.round(ratio)} times as many`,
    where: { file },
    fix: `Data does not shrink so far: more than ${MOST_RATIO} times, or 256 GB, is refused. If it is right, unpack the file before it is read`,
  });
}
