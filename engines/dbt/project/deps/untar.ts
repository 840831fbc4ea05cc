import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { MillraceError } from '../../../../schemas/errors.js';

const BLOCK = 512;
/** unpacked; a package is text */
const LARGEST = 512 << 20;

/**
 * Unpacks a `.tar.gz` of files and folders; links are left out.
 *
 * @param name for errors
 * @returns the folder that all of it lies in
 * @throws MillraceError SourceUnreadable, ArchiveTooLarge
 */
export function untar(packed: Buffer, into: string, name: string): string {
  const roots = new Set<string>();
  for (const { path, content } of entries(unpacked(packed, name), name)) {
    const target = resolve(into, path);
    if (target !== resolve(into) && !target.startsWith(resolve(into) + sep))
      throw unreadable(name, `it holds the path '${path}', which leads out of it`);
    const root = path.replace(/^(\.\/)+/, '').split('/')[0];
    if (root) roots.add(root);
    if (content === null) mkdirSync(target, { recursive: true });
    else {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, content);
    }
  }
  const [root, another] = roots;
  if (root === undefined || another !== undefined)
    throw unreadable(name, 'its files do not lie in one folder');
  return join(into, root);
}

function unpacked(packed: Buffer, name: string): Buffer {
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) return packed;
  try {
    return gunzipSync(packed, { maxOutputLength: LARGEST });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new MillraceError('ArchiveTooLarge', {
        what: `${name} unpacks to more than ${LARGEST >> 20} MB`,
        fix: 'This is hardly a dbt package: check its address',
        cause,
      });
    throw unreadable(name, (cause as Error).message);
  }
}

/** a folder has no content */
function* entries(tar: Buffer, name: string): Iterable<{ path: string; content: Buffer | null }> {
  let long: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return;
    const size = parseInt(text(header, 124, 12).trim() || '0', 8);
    if (!Number.isSafeInteger(size) || at + BLOCK + size > tar.length)
      throw unreadable(name, 'it is no tar archive, or it is cut off');
    const content = tar.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const type = text(header, 156, 1);
    const prefix = text(header, 345, 155);
    const own = text(header, 0, 100);
    const path = long ?? (prefix && text(header, 257, 5) === 'ustar' ? `${prefix}/${own}` : own);
    if (type === 'L') {
      long = content.toString('utf8').replace(/\0+$/, '');
      continue;
    }
    if (type === 'x') {
      long = /\d+ path=([^\n]*)\n/.exec(content.toString('utf8'))?.[1] ?? long;
      continue;
    }
    if (type === 'g') continue;
    long = undefined;
    if (type === '5') yield { path, content: null };
    else if (type === '0' || type === '' || type === '7') yield { path, content };
  }
}

const text = (header: Buffer, from: number, length: number): string => {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? length : end).toString('utf8');
};

const unreadable = (name: string, why: string): MillraceError =>
  new MillraceError('SourceUnreadable', {
    what: `${name} cannot be unpacked: ${why}`,
    fix: 'Check its address, or download it again',
  });
