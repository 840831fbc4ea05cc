import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { MillraceError } from '../../schemas/errors.js';
import { runInThread } from '../thread.js';
import { detectCompression, readBytes, type Compression } from './decompress.js';
import type { Digest } from './digest-thread.js';
import { decodeStream, textEncoding, Utf8Check, utf8Evidence, type TextEncoding } from './encoding.js';

/** A source file as text that can be read from its start as often as needed. */
export interface OpenedText {
  /** of the file as it lies there, compressed or not; rejects with {@link EncodingDoubt} where the encoding was assumed */
  sha256: Promise<string>;
  encoding: TextEncoding;
  /**
   * What the scanner reads, without a byte order mark.
   * @param onBytes is told how many bytes of the file were read so far
   */
  read(onBytes?: (bytes: number) => void): AsyncGenerator<Buffer, void>;
  /** @throws MillraceError Unavailable when the file is no longer the one that was hashed */
  assertUnchanged: () => Promise<void>;
}

interface OpenOptions {
  signal: AbortSignal | undefined;
  /** the text is taken for UTF-8 when it begins so, and the hash says in the end whether it is */
  assume: boolean;
}

/** A text that begins as UTF-8 does not go on so: it has to be opened again without assuming anything. */
export class EncodingDoubt extends Error {}

/** Smaller files are hashed before anyone could have begun to read them. */
const LARGE = 32 << 20;
const HEAD = 1 << 20;

/**
 * Hashes the file and finds out how its bytes are text. For `auto` the whole text is looked at, not a sample: the one
 * byte that tells windows-1252 from UTF-8 may come late. A large file is hashed beside the reading.
 * @throws MillraceError SourceUnreadable, SourceEmpty, EncodingUnknown
 */
export async function openText(
  path: string,
  format: { encoding: string; compression: Compression | 'auto' },
  { signal, assume }: OpenOptions,
): Promise<OpenedText> {
  const assertUnchanged = await unchangedSince(path);
  const compression =
    format.compression === 'auto'
      ? await detectCompression(path).catch((error: unknown) => {
          throw unreadable(path, error);
        })
      : format.compression;
  if (assume && compression === 'none' && (await stat(path)).size >= LARGE) {
    const head = await firstBytes(path);
    const settled =
      format.encoding !== 'auto' || textEncoding('auto', head, NO_UTF8, path).name !== SINGLE_BYTE;
    if (settled || isUtf8(head.subarray(0, head.lastIndexOf(0x0a) + 1))) {
      const encoding = textEncoding(format.encoding, head, UTF8, path);
      const sha256 = digest(path, signal).then(({ sha256: found, utf8 }) => {
        if (!settled && !utf8) throw new EncodingDoubt();
        return found;
      });
      return openedText(path, compression, encoding, sha256, assertUnchanged, signal);
    }
  }
  const hash = createHash('sha256');
  const check = new Utf8Check();
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of readBytes(path, compression, signal, (raw) => hash.update(raw))) {
    if (head.length < 4) head = Buffer.concat([head, chunk.subarray(0, 4)]);
    if (format.encoding === 'auto') check.look(chunk);
  }
  const evidence = check.end() ? UTF8 : await utf8Evidence(readBytes(path, compression, signal));
  const encoding = textEncoding(format.encoding, head, evidence, path);
  const sha256 = Promise.resolve(hash.digest('hex'));
  return openedText(path, compression, encoding, sha256, assertUnchanged, signal);
}

const UTF8 = { characters: 0, strays: 0 };
const NO_UTF8 = { characters: 0, strays: 1 };
/** what `auto` falls back to when nothing speaks for another encoding */
const SINGLE_BYTE = 'windows-1252';

async function firstBytes(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

const digest = (path: string, signal: AbortSignal | undefined): Promise<Digest> =>
  runInThread<{ path: string }, Digest>(
    new URL('./digest-thread.js', import.meta.url),
    'digestFile',
    { path },
    { signal, keep: true },
  );

function openedText(
  path: string,
  compression: Compression,
  encoding: TextEncoding,
  sha256: Promise<string>,
  assertUnchanged: () => Promise<void>,
  signal: AbortSignal | undefined,
): OpenedText {
  // whoever waits for it is told; nobody has to
  sha256.catch(() => undefined);
  return {
    ...{ sha256, encoding },
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
