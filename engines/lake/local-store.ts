import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MillraceError } from '../../schemas/errors.js';
import { asDiskFull } from './disk-full.js';
import { ASIDE, byBytes, checkKey } from './keys.js';
import type { ObjectStore } from './store.js';

/** A put lasts seconds; what lies aside for an hour was left by a process that died. */
const ABANDONED_MS = 3_600_000;

/**
 * Opens a folder (its path, or the `uri` of a store) as a lake, creating it, and sweeps what dead writers left aside.
 * @throws MillraceError Unavailable when the folder cannot be made or written to
 */
export async function openLocalStore(root: string): Promise<ObjectStore> {
  const folder = root.startsWith('file:') ? fileURLToPath(root) : resolve(root);
  const aside = join(folder, ASIDE);
  try {
    await mkdir(aside, { recursive: true });
    await sweep(aside);
  } catch (error) {
    const full = asDiskFull(error, folder);
    if (full instanceof MillraceError) throw full;
    throw new MillraceError('Unavailable', {
      what: `The lake's folder cannot be used: ${(error as Error).message}`,
      where: { file: folder },
      fix: 'Point the project’s lake.path at a folder that this user may write to',
      cause: error,
    });
  }
  return new LocalStore(folder, aside);
}

class LocalStore implements ObjectStore {
  readonly uri: string;

  constructor(
    private readonly root: string,
    private readonly aside: string,
  ) {
    this.uri = pathToFileURL(root).href;
  }

  async get(key: string): Promise<Buffer> {
    try {
      return await readFile(this.path(key));
    } catch (error) {
      throw isMissing(error) ? this.missing(key) : error;
    }
  }

  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    return this.writeAside(key, bytes, async (temporary, target) => {
      try {
        // link(2) refuses an existing name, which rename(2) would silently replace
        await link(temporary, target);
        return true;
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false;
        throw error;
      }
    });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.writeAside(key, bytes, rename);
  }

  async putFile(key: string, file: string): Promise<void> {
    const target = this.path(key);
    const temporary = join(this.aside, randomUUID());
    try {
      await rename(file, temporary).catch(async (error: unknown) => {
        if (codeOf(error) !== 'EXDEV') throw error;
        await copyFile(file, temporary, constants.COPYFILE_FICLONE);
        await rm(file);
      });
      await sync(temporary);
      await mkdir(dirname(target), { recursive: true });
      await rename(temporary, target);
      await sync(dirname(target));
    } catch (error) {
      throw asDiskFull(error, target);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async localFile(key: string): Promise<string> {
    const path = this.path(key);
    try {
      await stat(path);
    } catch (error) {
      throw isMissing(error) ? this.missing(key) : error;
    }
    return path;
  }

  async list(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    const walk = async (folder: string): Promise<void> => {
      const entries = await readdir(join(this.root, folder), { withFileTypes: true }).catch(
        (error: unknown) => {
          if (isMissing(error)) return [];
          throw error;
        },
      );
      for (const entry of entries) {
        const key = folder + entry.name;
        if (key === ASIDE) continue;
        if (entry.isDirectory()) {
          const below = `${key}/`;
          if (below.startsWith(prefix) || prefix.startsWith(below)) await walk(below);
        } else if (key.startsWith(prefix)) {
          keys.push(key);
        }
      }
    };
    await walk(prefix.slice(0, prefix.lastIndexOf('/') + 1));
    return keys.sort(byBytes);
  }

  async delete(key: string): Promise<void> {
    await rm(this.path(key), { force: true });
  }

  private async writeAside<T>(
    key: string,
    bytes: Uint8Array,
    publish: (temporary: string, target: string) => Promise<T>,
  ): Promise<T> {
    const target = this.path(key);
    const temporary = join(this.aside, randomUUID());
    try {
      const handle = await open(temporary, 'wx');
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await mkdir(dirname(target), { recursive: true });
      const result = await publish(temporary, target);
      await sync(dirname(target));
      return result;
    } catch (error) {
      throw asDiskFull(error, target);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  private path(key: string): string {
    checkKey(key);
    return join(this.root, ...key.split('/'));
  }

  private missing(key: string): MillraceError {
    return new MillraceError('ObjectMissing', {
      what: `The lake has no object '${key}'`,
      where: { file: join(this.root, key) },
      fix: 'Was it deleted by hand, or does lake.path point elsewhere? Extract the stream again to restore it',
    });
  }
}

/** A rename is durable only when its folder is synced, too; the same call serves files and folders. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sweep(aside: string): Promise<void> {
  const oldest = Date.now() - ABANDONED_MS;
  for (const name of await readdir(aside)) {
    const path = join(aside, name);
    const found = await stat(path).catch(() => undefined); // another process may sweep at the same time
    if (found && found.mtimeMs < oldest) await rm(path, { force: true, recursive: true });
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
