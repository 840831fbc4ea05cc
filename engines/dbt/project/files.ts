import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

/** dbt's own output and what other tools leave behind; none of it is source */
const SKIPPED = new Set(['target', 'logs', 'node_modules', '.git', '.millrace', '__pycache__']);

export interface ProjectFile {
  /** `/`-separated, relative to the project */
  path: string;
  absolute: string;
}

/** Files below `folder`, those of a folder before those of its subfolders; a folder that is not there has none. */
export function listFiles(folder: string, prefix = ''): ProjectFile[] {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  const files: ProjectFile[] = [];
  const folders: ProjectFile[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || (prefix === '' && SKIPPED.has(entry.name))) continue;
    const absolute = join(folder, entry.name);
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    const directory = entry.isDirectory() || (entry.isSymbolicLink() && isFolder(absolute));
    (directory ? folders : files).push({ path, absolute });
  }
  return [...files, ...folders.flatMap(({ path, absolute }) => listFiles(absolute, path))];
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // a link that leads nowhere
    return false;
  }
}

export const readText = (absolute: string): string => readFileSync(absolute, 'utf8').replace(/^\ufeff/, '');

/** what a dbt project is written in; a database beside it changes with every run */
const SOURCE = /\.(?:sql|py|csv|ya?ml|md)$/i;

/** Changes whenever a source file of the folder does, without reading any: names, sizes and times. */
export function folderSignature(folder: string): string {
  const hash = createHash('sha256');
  for (const { path, absolute } of listFiles(folder)) {
    if (!SOURCE.test(path)) continue;
    const { size, mtimeMs } = statSync(absolute);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

export const toSlashes = (path: string): string => path.split(sep).join('/');
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
export const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
