import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { MillraceError } from '../../schemas/errors.js';
import type { CsvFormat } from '../../schemas/format.js';
import { bunzip2 } from '../bunzip2.js';
import { assertNoBomb } from './unpacked-size.js';

export type Compression = Exclude<CsvFormat['compression'], 'auto'>;

const CHUNK = 1 << 20;

/** Recognises gzip, zstd, bzip2 and zip by their first bytes; a name may lie. */
export async function detectCompression(path: string): Promise<Compression> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead >= 2 && buffer.readUInt16BE(0) === 0x1f8b) return 'gzip';
    if (bytesRead < 4) return 'none';
    if (buffer.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
    if (buffer.toString('latin1', 0, 3) === 'BZh') return 'bzip2';
    // of an empty archive, too
    return ['PK\x03\x04', 'PK\x05\x06'].includes(buffer.toString('latin1')) ? 'zip' : 'none';
  } finally {
    await handle.close();
  }
}

/**
 * The bytes of a file, decompressed, in chunks of at most about 1 MB. A chunk's memory may be used again for the next
 * one: copy what must outlive it.
 * @param onRead is told the bytes of the file itself as they are read
 * @throws MillraceError ArchiveTooLarge; SourceUnreadable with the byte of the compressed file at which it ends or breaks
 */
export async function* readBytes(
  path: string,
  compression: Compression,
  signal?: AbortSignal,
  onRead?: (chunk: Buffer) => void,
): AsyncGenerator<Buffer> {
  let consumed = 0;
  async function* file(): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
      signal?.throwIfAborted();
      consumed += (chunk as Buffer).length;
      onRead?.(chunk as Buffer);
      yield chunk as Buffer;
    }
  }
  // gigabytes of short-lived buffers would keep the garbage collector busier than the scanner
  async function* reusing(): AsyncGenerator<Buffer> {
    const handle = await open(path, 'r');
    let next: Promise<Buffer> | undefined;
    try {
      const { size } = await handle.stat();
      // one is read while the other is looked at
      const buffers = Array.from({ length: 2 }, () => Buffer.allocUnsafeSlow(Math.min(CHUNK, size + 1)));
      const read = async (turn: number): Promise<Buffer> => {
        const buffer = buffers[turn % 2] as Buffer;
        return buffer.subarray(0, (await handle.read(buffer, 0, buffer.length, null)).bytesRead);
      };
      next = read(0);
      for (let turn = 1; ; turn++) {
        signal?.throwIfAborted();
        const chunk = await next;
        if (chunk.length === 0) return;
        next = read(turn);
        consumed += chunk.length;
        onRead?.(chunk);
        yield chunk;
      }
    } finally {
      await next?.catch(() => undefined);
      await handle.close();
    }
  }
  try {
    if (compression === 'none') yield* reusing();
    else {
      let unpacked = 0;
      for await (const chunk of unpack(file(), compression)) {
        assertNoBomb((unpacked += chunk.length), consumed, path);
        yield chunk;
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof MillraceError) throw error;
    throw new MillraceError('SourceUnreadable', {
      what: `The ${compression === 'none' ? 'file' : `${compression} data`} ends or breaks at byte ${consumed}: ${(error as Error).message}`,
      where: { file: path, byte: consumed },
      fix:
        compression === 'none'
          ? 'Check that the file exists and that this user may read it'
          : 'It was probably cut off on its way: deliver it again. Nothing of it was loaded',
      cause: error,
    });
  }
}

function unpack(source: AsyncIterable<Buffer>, compression: Compression): AsyncIterable<Buffer> {
  if (compression === 'gzip') return through(source, zlib.createGunzip({ chunkSize: CHUNK }));
  return compression === 'bzip2' ? bunzip2(source) : unzstd(source);
}

async function* through(source: AsyncIterable<Buffer>, transform: zlib.Gunzip): AsyncGenerator<Buffer> {
  // the callback only marks the error as handled: it also reaches the reader below
  pipeline(source, transform, () => undefined);
  for await (const chunk of transform) yield chunk as Buffer;
}

/** Node has zstd of its own since 22.15; before that the JavaScript decoder serves. */
async function* unzstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const native = (zlib as { createZstdDecompress?: (options: { chunkSize: number }) => zlib.Gunzip })
    .createZstdDecompress;
  if (native) {
    yield* through(source, native({ chunkSize: CHUNK }));
    return;
  }
  const ready: Buffer[] = [];
  const decoder = new Decompress((chunk) => {
    // the decoder reuses its window, so the bytes must be copied before they leave
    if (chunk.length > 0) ready.push(Buffer.from(chunk));
  });
  for await (const chunk of source) {
    decoder.push(chunk);
    yield* ready.splice(0);
  }
  decoder.push(new Uint8Array(0), true);
  yield* ready.splice(0);
}
