import { fnmatch } from './fnmatch.js';

/** Paths as `glob` of a folder finds them: `*` stays within a folder, `**` goes through any number of them. */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const wanted = pattern.split('/').filter((part) => part !== '' && part !== '.');
  return (path) => matches(path.split('/'), wanted);
}

function matches(parts: readonly string[], wanted: readonly string[]): boolean {
  const [first, ...rest] = wanted;
  if (first === undefined) return parts.length === 0;
  if (first === '**') return parts.some((_, index) => matches(parts.slice(index), rest)) || matches([], rest);
  const [head, ...tail] = parts;
  return head !== undefined && fnmatch(head, first) && matches(tail, rest);
}
