import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import picomatch from 'picomatch';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { MillraceError } from '../../schemas/errors.js';
import { assertNoBomb } from './unpacked-size.js';

/**
 * Unpacks the files of an archive one after the other, in the archive's order; each is gone when the next is asked for.
 * @param pattern of the entries to read; without one all are
 * @throws MillraceError SourceUnreadable when the archive is cut off or encrypted, ArchiveTooLarge, SourceEmpty
 */
export async function* unpackZip(
  archive: string,
  pattern: string | undefined,
  folder: string,
  signal?: AbortSignal,
): AsyncGenerator<{ entry: string; path: string; count: number }> {
  const zip = await openZip(archive);
  try {
    const entries = await entriesOf(zip, archive, pattern);
    const path = join(folder, 'unpacked');
    for (const entry of entries) {
      signal?.throwIfAborted();
      if (entry.isEncrypted()) throw encrypted(archive, entry.fileName);
      try {
        await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(path), {
          ...(signal && { signal }),
        });
      } catch (error) {
        signal?.throwIfAborted();
        throw unreadableZip(archive, error, entry.fileName);
      }
      yield { entry: entry.fileName, path, count: entries.length };
      await rm(path, { force: true });
    }
  } finally {
    zip.close();
  }
}

/** What a zip archive says it unpacks to, in bytes. @throws MillraceError SourceUnreadable, ArchiveTooLarge */
export async function zipSize(archive: string): Promise<number> {
  const zip = await openZip(archive);
  try {
    let size = 0;
    for await (const entry of zip.eachEntry()) size += entry.uncompressedSize;
    assertNoBomb(size, zip.fileSize, archive);
    return size;
  } catch (error) {
    throw error instanceof MillraceError ? error : unreadableZip(archive, error);
  } finally {
    zip.close();
  }
}

async function openZip(archive: string): Promise<ZipFile> {
  try {
    return await openPromise(archive, { autoClose: false });
  } catch (error) {
    throw unreadableZip(archive, error);
  }
}

async function entriesOf(zip: ZipFile, archive: string, pattern: string | undefined): Promise<Entry[]> {
  const matches = pattern === undefined ? () => true : picomatch(pattern);
  const names: string[] = [];
  const entries: Entry[] = [];
  // overlapping entries would count for each: they are how a small archive becomes a huge one
  let size = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      // folders, and what archivers of Apple put beside each file
      if (entry.fileName.endsWith('/') || entry.fileName.startsWith('__MACOSX/')) continue;
      names.push(entry.fileName);
      if (!matches(entry.fileName)) continue;
      size += entry.uncompressedSize;
      if (entry.uncompressedSize > 0) entries.push(entry);
    }
  } catch (error) {
    throw unreadableZip(archive, error);
  }
  assertNoBomb(size, zip.fileSize, archive);
  if (entries.length > 0) return entries;
  const shown = names.slice(0, 5).map((name) => `'${name}'`);
  throw new MillraceError('SourceEmpty', {
    what:
      pattern !== undefined && names.length > 0
        ? `No entry of the archive matches '${pattern}'; it has ${shown.join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
        : 'The archive holds no file with content',
    where: { file: archive },
    fix: 'Correct the part of the path after "!", or ask the sender for the data',
  });
}

const encrypted = (archive: string, entry: string): MillraceError =>
  new MillraceError('SourceUnreadable', {
    what: `The entry '${entry}' of the archive is encrypted`,
    where: { file: archive },
    fix: 'Archives with a password are not read: have it delivered without one, over a connection that is encrypted itself',
  });

function unreadableZip(archive: string, error: unknown, entry?: string): MillraceError {
  const where = entry === undefined ? 'The archive' : `The entry '${entry}' of the archive`;
  return new MillraceError('SourceUnreadable', {
    what: `${where} cannot be unpacked: ${(error as Error).message}`,
    where: { file: archive },
    fix: 'It was probably cut off or damaged on its way: deliver it again. Nothing of it was loaded',
    cause: error,
  });
}
