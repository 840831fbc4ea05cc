import { listFiles, type ProjectFile } from '../project/files.js';
import { readIgnore } from '../project/ignore.js';
import type { Package } from '../project/package.js';

/** A file of a project that makes nodes, macros or docs. */
export interface SourceFile {
  owner: Package;
  /** below its folder (`models/`) */
  path: string;
  absolute: string;
  /** relative to the root project */
  file: string;
  /** the file's name without its ending */
  stem: string;
  folders: string[];
}

/** The files of a package, with `.dbtignore` kept to. */
export class SourceFiles {
  private readonly listed = new Map<string, ProjectFile[]>();
  private readonly ignored = new Map<Package, (path: string) => boolean>();

  /** files of some folders with one of some endings (`.sql`), ending by ending as dbt reads them */
  in(owner: Package, folders: readonly string[], ...endings: string[]): SourceFile[] {
    const found = new Map<string, SourceFile>();
    for (const ending of endings)
      for (const folder of folders)
        for (const { path, absolute } of this.list(owner, folder)) {
          if (!path.toLowerCase().endsWith(ending)) continue;
          const parts = path.split('/');
          const name = parts.pop() ?? '';
          if (name.startsWith('#') || name.startsWith('~')) continue;
          const stem = name.slice(0, name.lastIndexOf('.'));
          const file = `${owner.prefix}${folder}/${path}`;
          found.set(absolute, { owner, path, absolute, file, stem, folders: parts });
        }
    return [...found.values()];
  }

  private list(owner: Package, folder: string): ProjectFile[] {
    const key = `${owner.dir}/${folder}`;
    const known = this.listed.get(key);
    if (known) return known;
    const ignored = this.ignored.get(owner) ?? readIgnore(owner.dir);
    this.ignored.set(owner, ignored);
    const files = listFiles(key).filter(({ path }) => !ignored(`${folder}/${path}`));
    this.listed.set(key, files);
    return files;
  }
}

/** a file's text as dbt keeps it */
export const codeOf = (text: string): string => text.trim();
