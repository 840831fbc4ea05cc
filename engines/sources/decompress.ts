import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { MillraceError } from '../../schemas/errors.js';
import type { CsvFormat } from '../../schemas/source.js';

type Compression = Exclude<CsvFormat['compression'], 'auto'>;

const CHUNK = 1 << 20;

/** Recognises gzip and zstd by their first bytes; a name may lie. */
export async function detectCompression(path: string): Promise<Compression> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead >= 2 && buffer.readUInt16BE(0) === 0x1f8b) return 'gzip';
    return bytesRead === 4 && buffer.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
  } finally {
    await handle.close();
  }
}

/**
 * The bytes of a file, decompressed, in chunks of at most about 1 MB.
 * @param onRead is told the bytes of the file itself as they are read
 * @throws MillraceError SourceUnreadable with the byte of the compressed file at which it ends or breaks
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
  try {
    if (compression === 'none') yield* file();
    else if (compression === 'gzip') yield* through(file(), zlib.createGunzip({ chunkSize: CHUNK }));
    else yield* unzstd(file());
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
