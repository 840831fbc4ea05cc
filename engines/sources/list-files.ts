import { posix } from 'node:path';
import { DateTime } from 'luxon';
import { escapePath } from 'tinyglobby';
import { MillraceError } from '../../schemas/errors.js';
import type { Interval } from '../../schemas/interval.js';
import { nearest } from '../nearest.js';
import { readPattern } from './places/pattern.js';
import type { Place, PlacedFile } from './places/place.js';

/**
 * The files of a stream for an interval, in name order.
 * @param path glob below the place; `{start:yyyy-MM-dd}` and `{end:…}` are filled with the interval in UTC
 * @throws MillraceError SourceMissing when there is none, ProjectInvalid for a pattern that cannot be filled, and what
 *   the place throws
 */
export async function listStreamFiles({
  place,
  path,
  interval,
  signal,
}: {
  place: Place;
  path: string;
  interval: Interval;
  signal?: AbortSignal;
}): Promise<PlacedFile[]> {
  const pattern = fillInterval(path, interval);
  const files = await place.list(pattern, signal);
  if (files.length === 0) throw await missing(place, path, pattern, signal);
  return files;
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
  const months = /\{(start|end):((?:[^}']|'[^']*')*[YD][^}]*)\}/.exec(path);
  if (months) {
    const [, edge = '', format = ''] = months;
    throw invalid(
      `The path '${path}' has the date format ${format}, in which Y and D mean nothing or another thing`,
      `Years are y and days d: {${edge}:${format.replaceAll('Y', 'y').replaceAll('D', 'd')}}`,
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

async function missing(
  place: Place,
  path: string,
  pattern: string,
  signal: AbortSignal | undefined,
): Promise<MillraceError> {
  const { folder } = readPattern(pattern);
  const there = await place.names(folder, signal);
  const wanted = posix.basename(pattern);
  const close = nearest(wanted, there);
  const names = [...new Set([...(close ? [close] : []), ...there.sort()])].slice(0, 5);
  return new MillraceError('SourceMissing', {
    what: `No file matches '${pattern}'${pattern === path ? '' : ` (from '${path}')`}`,
    where: { file: folder === '' ? place.uri : `${place.uri.replace(/\/$/, '')}/${folder}` },
    fix:
      names.length > 0
        ? `The folder has ${names.map((name) => `'${name}'`).join(', ')}${there.length > names.length ? ` and ${there.length - names.length} more` : ''}. Correct the path, or run the interval whose file has arrived`
        : 'The folder is empty or does not exist. Correct root or path, or run again when the file has arrived',
  });
}
