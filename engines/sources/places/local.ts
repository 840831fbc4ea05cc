import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { glob } from 'tinyglobby';
import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import { byName, readPattern } from './pattern.js';
import type { Place, PlacedFile } from './place.js';

/** Files looked at together: enough to keep the disk busy, few enough for any number of files. */
const TOGETHER = 256;

/** A folder of this machine. @param root absolute */
export class LocalPlace implements Place {
  readonly uri: string;

  constructor(private readonly root: string) {
    this.uri = pathToFileURL(root).href;
  }

  async list(pattern: string, signal?: AbortSignal): Promise<PlacedFile[]> {
    const found = await glob(pattern, {
      cwd: this.root,
      onlyFiles: true,
      expandDirectories: false,
      ...(signal && { signal }),
    });
    if (found.length === 0) await this.assertFolder(readPattern(pattern).folder);
    const files: PlacedFile[] = [];
    for (let at = 0; at < found.length; at += TOGETHER) {
      signal?.throwIfAborted();
      files.push(...(await Promise.all(found.slice(at, at + TOGETHER).map((file) => this.look(file)))));
    }
    return files.sort(byName);
  }

  async names(folder: string): Promise<string[]> {
    const options = { cwd: join(this.root, folder), onlyFiles: true, expandDirectories: false };
    const found = await glob('*', options).catch(() => []);
    return found.slice(0, 1_000);
  }

  async complete(files: PlacedFile[]): Promise<PlacedFile[]> {
    return files;
  }

  async fetch(file: PlacedFile): Promise<PlacedFile & { path: string }> {
    return { ...(await this.look(file.file)), path: join(this.root, file.file) };
  }

  async close(): Promise<void> {}

  /** @throws MillraceError SourceMissing naming the first folder on the way that does not exist */
  private async assertFolder(below: string): Promise<void> {
    const parts = below.split('/').filter(Boolean);
    let parent = dirname(this.root);
    for (const [at, folder] of [
      this.root,
      ...parts.map((_, n) => join(this.root, ...parts.slice(0, n + 1))),
    ].entries()) {
      const there = await stat(folder).catch(() => undefined);
      if (!there?.isDirectory()) {
        const siblings = await readdir(parent).catch(() => []);
        const hint = didYouMean(basename(folder), siblings);
        throw new MillraceError('SourceMissing', {
          what: `The folder '${basename(folder)}' ${there ? 'is a file' : 'does not exist'}`,
          where: { file: folder },
          fix: `${hint ? `${hint} ` : ''}Correct ${at === 0 ? 'root' : 'the path'}, or run again when the folder is there`,
        });
      }
      parent = folder;
    }
  }

  private async look(file: string): Promise<PlacedFile> {
    const path = join(this.root, file);
    const { size, mtimeMs } = await stat(path).catch((error: unknown) => {
      throw new MillraceError('SourceUnreadable', {
        what: `The file cannot be read: ${(error as Error).message}`,
        where: { file: path },
        fix: 'Check that it still exists and that this user may read it',
        cause: error,
      });
    });
    return { file, bytes: size, mtimeMs };
  }
}
