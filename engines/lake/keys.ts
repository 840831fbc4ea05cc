import { MillraceError } from '../../schemas/errors.js';

/** Where a folder writes objects aside: below its root, so that the rename into place never crosses file systems. */
export const ASIDE = '.tmp';

/** Keys are `/`-separated and relative to the lake's root; nothing may lead out of it. @throws MillraceError ObjectMissing */
export function checkKey(key: string): void {
  const parts = key.split('/');
  const unsafe = parts.some((part) => part === '' || part === '.' || part === '..') || /[\\\0]/.test(key);
  if (!unsafe && parts[0] !== ASIDE) return;
  throw new MillraceError('ObjectMissing', {
    what: `'${key}' is not a key of the lake`,
    fix: 'Keys are relative to the lake’s root, with / between parts and without . or .. parts',
  });
}

/** Compares two keys for `sort`. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
