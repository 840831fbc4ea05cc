import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from './files.js';

/** @returns whether a path, relative to its project, is left out by `.dbtignore` (patterns as in .gitignore) */
export function readIgnore(dir: string): (path: string) => boolean {
  const file = join(dir, '.dbtignore');
  if (!existsSync(file)) return () => false;
  const rules = readText(file).split(/\r?\n/).flatMap(toRule);
  return (path) => {
    let ignored = false;
    for (const { pattern, negated } of rules) if (pattern.test(path)) ignored = !negated;
    return ignored;
  };
}

function toRule(line: string): { pattern: RegExp; negated: boolean }[] {
  let text = line.replace(/(?<!\\)\s+$/, '');
  if (text === '' || text.startsWith('#')) return [];
  const negated = text.startsWith('!');
  if (negated) text = text.slice(1);
  text = text.replace(/^\\([#!])/, '$1');
  const folder = text.endsWith('/');
  if (folder) text = text.slice(0, -1);
  // a slash at the beginning or in the middle ties the pattern to the project's folder
  const anchored = text.includes('/');
  if (text.startsWith('/')) text = text.slice(1);
  const start = anchored ? '^' : '(?:^|/)';
  return [{ pattern: new RegExp(`${start}${globSource(text)}${folder ? '/' : '(?:/|$)'}`), negated }];
}

function globSource(glob: string): string {
  let source = '';
  for (let at = 0; at < glob.length; at++) {
    const rest = glob.slice(at);
    if (rest.startsWith('**/')) {
      source += '(?:.*/)?';
      at += 2;
    } else if (rest.startsWith('**')) {
      source += '.*';
      at += 1;
    } else if (rest.startsWith('*')) source += '[^/]*';
    else if (rest.startsWith('?')) source += '[^/]';
    else if (/^\[[^\]]+\]/.test(rest)) {
      const set = rest.slice(0, rest.indexOf(']') + 1);
      source += set.replace(/^\[!/, '[^');
      at += set.length - 1;
    } else source += (glob[at] ?? '').replace(/[.+^${}()|\\]/, '\\$&');
  }
  return source;
}
