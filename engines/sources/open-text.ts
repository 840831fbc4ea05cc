import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { MillraceError } from '../../schemas/errors.js';
import { detectCompression, readBytes, type Compression } from './decompress.js';
import { decodeStream, textEncoding, Utf8Check, utf8Evidence, type TextEncoding } from './encoding.js';

/** A source file as text that can be read from its start as often as needed. */
export interface OpenedText {
  /** of the file as it lies there, compressed or not */
  sha256: string;
  encoding: TextEncoding;
  /**
   * What the scanner reads, without a byte order mark.
   * @param onBytes is told how many bytes of the file were read so far
   */
  read(onBytes?: (bytes: number) => void): AsyncGenerator<Buffer, void>;
  /** @throws MillraceError Unavailable when the file is no longer the one that was hashed */
  assertUnchanged(): Promise<void>;
}

/**
 * Hashes the file and finds out how its bytes are text. For `auto` the whole text is looked at, not a sample: the one
 * byte that tells windows-1252 from UTF-8 may come late.
 * @throws MillraceError SourceUnreadable, SourceEmpty, EncodingUnknown
 */
export async function openText(
  path: string,
  format: { encoding: string; compression: Compression | 'auto' },
  signal?: AbortSignal,
): Promise<OpenedText> {
  const assertUnchanged = await unchangedSince(path);
  const compression =
    format.compression === 'auto'
      ? await detectCompression(path).catch((error: unknown) => {
          throw unreadable(path, error);
        })
      : format.compression;
  const hash = createHash('sha256');
  const check = new Utf8Check();
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of readBytes(path, compression, signal, (raw) => hash.update(raw))) {
    if (head.length < 4) head = Buffer.concat([head, chunk.subarray(0, 4)]);
    if (format.encoding === 'auto') check.look(chunk);
  }
  const evidence = check.end()
    ? { characters: 0, strays: 0 }
    : await utf8Evidence(readBytes(path, compression, signal));
  const encoding = textEncoding(format.encoding, head, evidence, path);
  return {
    ...{ sha256: hash.digest('hex'), encoding },
    read: (onBytes) => {
      let consumed = 0;
      const bytes = readBytes(path, compression, signal, (raw) => onBytes?.((consumed += raw.length)));
      return encoding.kind === 'decoded' ? decodeStream(bytes, encoding.name) : skip(bytes, encoding.bom);
    },
    assertUnchanged,
  };
}

/** Looks at a file now, to tell later whether it is still the same. @throws MillraceError SourceUnreadable, SourceEmpty */
export async function unchangedSince(path: string): Promise<() => Promise<void>> {
  const { size, mtimeMs } = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (size === 0) throw sourceEmpty(path, 'The file is empty');
  return async () => {
    const now = await stat(path);
    if (now.size === size && now.mtimeMs === mtimeMs) return;
    throw new MillraceError('Unavailable', {
      what: 'The file changed while it was read',
      where: { file: path },
      fix: 'Deliver files under another name and rename them when they are complete. The retry reads the new content',
    });
  };
}

export const sourceEmpty = (file: string, what: string): MillraceError =>
  new MillraceError('SourceEmpty', {
    what,
    where: { file },
    fix: 'Ask the sender for the data. If an empty delivery is normal, remove the file or run the next interval',
  });

export function unreadable(path: string, error: unknown): MillraceError {
  return new MillraceError('SourceUnreadable', {
    what: `The file cannot be read: ${(error as Error).message}`,
    where: { file: path },
    fix: 'Check that it still exists and that this user may read it',
    cause: error,
  });
}

async function* skip(source: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of source) {
    const rest = left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
    if (rest.length > 0) yield rest;
  }
}
