import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

export interface FileCacheOptions {
  folder: string;
  /** files may take up so much before the least recently used go */
  maxBytes: number;
  /** what was asked for within this time stays, whatever it takes up: somebody may be reading it by its path */
  keepMs: number;
}

const ASIDE = '.tmp';

/**
 * Local copies of objects, shared by the processes of a machine. A name stands for one content for ever, so a file that
 * is there is right; it appears whole or not at all.
 */
export class FileCache {
  private readonly fetching = new Map<string, Promise<string>>();
  private sinceSweep = Infinity;

  constructor(private readonly options: FileCacheOptions) {}

  /** @param fetch writes the content into the path it is given; called only when the file is not there */
  async file(name: string, bytes: number, fetch: (path: string) => Promise<void>): Promise<string> {
    const path = join(this.options.folder, name);
    const now = new Date();
    // touched first: a sweep spares what was just used
    const kept = await utimes(path, now, now)
      .then(() => stat(path))
      .catch(() => undefined);
    if (kept?.size === bytes) return path;
    let pending = this.fetching.get(name);
    if (!pending) {
      pending = this.fetch(path, bytes, fetch).finally(() => this.fetching.delete(name));
      this.fetching.set(name, pending);
    }
    return pending;
  }

  private async fetch(path: string, bytes: number, fetch: (path: string) => Promise<void>): Promise<string> {
    const { folder, maxBytes } = this.options;
    const aside = join(folder, ASIDE);
    // other users of the machine may not read what the lake holds
    await mkdir(aside, { recursive: true, mode: 0o700 });
    const temporary = join(aside, randomUUID());
    try {
      await fetch(temporary);
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    this.sinceSweep += bytes;
    if (this.sinceSweep > maxBytes / 20) {
      this.sinceSweep = 0;
      await this.sweep();
    }
    return path;
  }

  private async sweep(): Promise<void> {
    const { folder, maxBytes, keepMs } = this.options;
    const oldest = Date.now() - keepMs;
    const found = await looked(folder);
    let total = found.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, bytes, usedMs } of found.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= maxBytes || usedMs > oldest) break;
      await rm(path, { force: true });
      total -= bytes;
    }
    // left by a process that died; a download that takes a day is not under way any more
    for (const { path, usedMs } of await looked(join(folder, ASIDE))) {
      if (usedMs < Date.now() - 86_400_000) await rm(path, { force: true });
    }
  }
}

async function looked(folder: string): Promise<{ path: string; bytes: number; usedMs: number }[]> {
  const found = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined); // another process may sweep at the same time
    if (info?.isFile()) found.push({ path, bytes: info.size, usedMs: info.mtimeMs });
  }
  return found;
}
