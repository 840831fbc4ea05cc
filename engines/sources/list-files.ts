import { stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { DateTime } from 'luxon';
import { escapePath, glob } from 'tinyglobby';
import { MillraceError } from '../../schemas/errors.js';
import type { Interval } from '../../schemas/interval.js';
import { nearest } from '../nearest.js';

export interface SourceFile {
  /** relative to the source's root, with `/` */
  file: string;
  /** absolute */
  path: string;
  bytes: number;
  mtimeMs: number;
}

/**
 * The files of a stream for an interval, in name order.
 * @param root absolute folder of the source
 * @param path glob below it; `{start:yyyy-MM-dd}` and `{end:…}` are filled with the interval in UTC
 * @throws MillraceError SourceMissing when there is none, ProjectInvalid for a pattern that cannot be filled
 */
export async function listStreamFiles({
  root,
  path,
  interval,
}: {
  root: string;
  path: string;
  interval: Interval;
}): Promise<SourceFile[]> {
  const pattern = fillInterval(path, interval);
  const found = await glob(pattern, { cwd: root, onlyFiles: true, expandDirectories: false });
  if (found.length === 0) throw await missing(root, path, pattern);
  const files = await Promise.all(
    found.map(async (file) => {
      const absolute = join(root, file);
      const { size, mtimeMs } = await stat(absolute);
      return { file, path: absolute, bytes: size, mtimeMs };
    }),
  );
  return files.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
}

/** Fills `{start:…}` and `{end:…}` (Luxon format tokens, UTC). @throws MillraceError ProjectInvalid */
export function fillInterval(path: string, interval: Interval): string {
  const invalid = (what: string, fix: string): MillraceError =>
    new MillraceError('ProjectInvalid', { what, fix });
  if (path.startsWith('/') || path.split('/').includes('..')) {
    throw invalid(
      `The path '${path}' leaves the source's root`,
      'Write it relative to root, without ..; move root up if need be',
    );
  }
  const filled = path.replace(/\{(start|end):([^}]+)\}/g, (_all, edge: 'start' | 'end', format: string) =>
    escapePath(DateTime.fromISO(interval[edge], { zone: 'utc' }).toFormat(format)),
  );
  const unknown = /\{\w*:[^}]*\}/.exec(filled);
  if (unknown) {
    throw invalid(
      `The path '${path}' has the unknown placeholder ${unknown[0]}`,
      'Use {start:yyyy-MM-dd} or {end:yyyy-MM-dd}',
    );
  }
  return filled;
}

async function missing(root: string, path: string, pattern: string): Promise<MillraceError> {
  const firstGlob = pattern.search(/[*?[{(!]/);
  const fixed = firstGlob < 0 ? pattern : pattern.slice(0, firstGlob);
  const below = posix.dirname(`${fixed}x`);
  const folder = join(root, below);
  const there = await glob('*', { cwd: folder, onlyFiles: true, expandDirectories: false }).catch(() => []);
  const wanted = posix.basename(pattern);
  const close = nearest(wanted, there);
  const names = [...new Set([...(close ? [close] : []), ...there.sort()])].slice(0, 5);
  return new MillraceError('SourceMissing', {
    what: `No file matches '${pattern}'${pattern === path ? '' : ` (from '${path}')`}`,
    where: { file: folder },
    fix:
      names.length > 0
        ? `The folder has ${names.map((name) => `'${name}'`).join(', ')}${there.length > names.length ? ` and ${there.length - names.length} more` : ''}. Correct the path, or run the interval whose file has arrived`
        : 'The folder is empty or does not exist. Correct root or path, or run again when the file has arrived',
  });
}
