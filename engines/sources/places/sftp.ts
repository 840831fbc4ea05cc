import { posix } from 'node:path';
import type { Stats } from 'ssh2';
import { milliseconds } from '../../../schemas/duration.js';
import { MillraceError } from '../../../schemas/errors.js';
import type { SftpPlace as SftpSpec } from '../../../schemas/place.js';
import { pause } from '../../pause.js';
import { readHostKeys } from './host-key.js';
import { byName, readPattern } from './pattern.js';
import type { FetchOptions, Place, PlacedFile } from './place.js';
import { readInto, type Arrived } from './sftp-download.js';
import { addressOf, connectSftp, explainSftp, isGone, type SftpSession } from './sftp-session.js';

type Secret = (reference: string) => Promise<string>;

/** Broken connections in a row that brought not one byte; then it is left to the caller's retry. */
const ATTEMPTS = 4;

/** @throws MillraceError ProjectInvalid when a host key cannot be read; the server is asked at the first call */
export function openSftpPlace(spec: SftpSpec, secret: Secret): Place {
  readHostKeys(spec.hostKey);
  return new SftpPlace(spec, secret);
}

/** A folder of an SFTP server, over one connection that is made when it is needed, and again after it broke. */
class SftpPlace implements Place {
  readonly uri: string;
  private connection: Promise<SftpSession> | undefined;

  constructor(
    private readonly spec: SftpSpec,
    private readonly secret: Secret,
  ) {
    this.uri = `${addressOf(spec)}/${spec.folder.replace(/^\.?\/*/, '')}`;
  }

  async list(glob: string, signal?: AbortSignal): Promise<PlacedFile[]> {
    const { folder, levels, matches } = readPattern(glob);
    const hidden = /(^|\/)\./.test(glob);
    const files: PlacedFile[] = [];
    const walk = async (below: string, depth: number): Promise<void> => {
      const entries = await this.entries(below, signal);
      const arrived = this.arrivedOf(entries.map(({ name }) => name));
      for (const { name, stats, linked } of entries) {
        const file = posix.join(below, name);
        if (stats.isFile() && matches(file) && arrived.has(name)) files.push(placed(file, stats));
        // a link to a folder above would lead round in circles
        const follow = levels ? depth < levels.length - 1 && levels[depth]?.(name) : !linked;
        if (stats.isDirectory() && follow && (hidden || !name.startsWith('.'))) await walk(file, depth + 1);
      }
    };
    await walk(folder, 0);
    return files.sort(byName);
  }

  async names(folder: string, signal?: AbortSignal): Promise<string[]> {
    const entries = await this.entries(folder, signal);
    return entries
      .filter(({ stats }) => stats.isFile())
      .map(({ name }) => name)
      .slice(0, 1_000);
  }

  /** Waits, looks a second time, and takes what is the same; a marker was looked for when the files were listed. */
  async complete(files: PlacedFile[], signal?: AbortSignal): Promise<PlacedFile[]> {
    const { complete } = this.spec;
    if (!('settled' in complete) || files.length === 0) return files;
    await pause(milliseconds(complete.settled), signal);
    const now = new Map<string, PlacedFile>();
    for (const folder of new Set(files.map(({ file }) => posix.dirname(file)))) {
      for (const { name, stats } of await this.entries(folder, signal)) {
        const file = posix.join(folder, name);
        now.set(file, placed(file, stats));
      }
    }
    return files.filter((file) => same(file, now.get(file.file)));
  }

  async fetch(
    listed: PlacedFile,
    path: string,
    { signal, onProgress }: FetchOptions = {},
  ): Promise<PlacedFile & { path: string }> {
    const download: Download = { listed, path, arrived: { bytes: 0 }, first: undefined, onProgress };
    for (let failures = 0; ;) {
      const before = download.arrived.bytes;
      let file: PlacedFile | 'changed';
      try {
        file = await this.connected(signal, (session) => this.goOn(session, download, signal));
      } catch (error) {
        signal?.throwIfAborted();
        const told = explainSftp(error, this.spec, this.remote(listed.file));
        failures = download.arrived.bytes > before ? 0 : failures + 1;
        if (!(told instanceof MillraceError) || told.type !== 'Unavailable' || failures >= ATTEMPTS)
          throw told;
        await pause(100 * 2 ** failures, signal);
        continue;
      }
      if (file !== 'changed') return { ...file, path };
      throw new MillraceError('Unavailable', {
        ...{ what: 'The file changed while it was read', where: { file: `${this.uri}/${listed.file}` } },
        fix: 'Deliver files under another name and rename them when they are complete, or raise `settled`. The retry reads the new content',
      });
    }
  }

  /** Reads what is still missing of a download. */
  private async goOn(
    session: SftpSession,
    download: Download,
    signal: AbortSignal | undefined,
  ): Promise<PlacedFile | 'changed'> {
    const { listed, path, arrived, onProgress } = download;
    const handle = await session.open(this.remote(listed.file));
    try {
      const look = async (): Promise<PlacedFile> => placed(listed.file, await session.fstat(handle));
      const begun = await look();
      if (download.first === undefined) {
        download.first = begun;
        const { complete } = this.spec;
        // delivered anew since it was listed: it has to settle again, which shows when it has been read
        if (!same(listed, begun) && 'settled' in complete) {
          await pause(milliseconds(complete.settled), signal);
        }
      }
      const { first } = download;
      // what arrived before a connection broke counts only while the file is still that one
      if (!same(first, begun)) return 'changed';
      await readInto(session, handle, path, { size: first.bytes, arrived, onProgress });
      return arrived.bytes === first.bytes && same(first, await look()) ? first : 'changed';
    } finally {
      session.close(handle);
    }
  }

  async close(): Promise<void> {
    const session = await this.connection?.catch(() => undefined);
    this.connection = undefined;
    session?.end();
  }

  /** Works over the connection, or a new one when the last one broke; an abort ends it. */
  private async connected<T>(
    signal: AbortSignal | undefined,
    work: (session: SftpSession) => Promise<T>,
  ): Promise<T> {
    const session = await this.session(signal);
    signal?.throwIfAborted();
    const abort = (): void => session.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await work(session);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  private async session(signal: AbortSignal | undefined): Promise<SftpSession> {
    const last = this.connection;
    const open = await last?.catch(() => undefined);
    if (open && !open.broken) return open;
    // several that wait for one connection make one new one
    if (this.connection === last) this.connection = connectSftp(this.spec, this.secret, signal);
    return this.connection as Promise<SftpSession>;
  }

  /** What is in a folder, links followed; nothing when there is no such folder. */
  private async entries(folder: string, signal: AbortSignal | undefined): Promise<Entry[]> {
    const path = this.remote(folder);
    try {
      return await this.connected(signal, async (session) => {
        const entries: Entry[] = [];
        for (const { filename: name, attrs } of await session.readdir(path)) {
          const linked = attrs.isSymbolicLink();
          const stats = linked ? await target(session, posix.join(path, name)) : attrs;
          if (stats) entries.push({ name, stats, linked });
        }
        return entries;
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (isGone(error)) return [];
      throw explainSftp(error, this.spec, path);
    }
  }

  /** Of the names in a folder those that count as there: with a marker beside them, and no markers. */
  private arrivedOf(names: string[]): Set<string> {
    const { complete } = this.spec;
    const all = new Set(names);
    if ('settled' in complete) return all;
    const markerOf = (file: string): string =>
      complete.marker.replaceAll('{file}', file).replaceAll('{stem}', file.replace(/\.[^.]*$/, ''));
    const marked = names.filter((name) => markerOf(name) !== name && all.has(markerOf(name)));
    const markers = new Set(marked.map(markerOf));
    return new Set(marked.filter((name) => !markers.has(name)));
  }

  private remote(file: string): string {
    return posix.join(this.spec.folder, file);
  }
}

interface Download {
  listed: PlacedFile;
  path: string;
  arrived: Arrived;
  /** the file as it was when the download began */
  first: PlacedFile | undefined;
  onProgress: FetchOptions['onProgress'];
}

interface Entry {
  name: string;
  stats: Stats;
  linked: boolean;
}

const placed = (file: string, { size, mtime }: Stats): PlacedFile => ({
  file,
  bytes: size,
  mtimeMs: mtime * 1000,
});

const same = (a: PlacedFile, b: PlacedFile | undefined): boolean =>
  a.bytes === b?.bytes && a.mtimeMs === b.mtimeMs;

/** @returns undefined for a link that leads nowhere */
const target = (session: SftpSession, path: string): Promise<Stats | undefined> =>
  session.stat(path).catch((error: unknown) => {
    if (isGone(error)) return undefined;
    throw error;
  });
