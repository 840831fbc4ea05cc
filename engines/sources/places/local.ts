import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { glob } from 'tinyglobby';
import { MillraceError } from '../../../schemas/errors.js';
import { byName } from './pattern.js';
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
