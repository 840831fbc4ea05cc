import { open } from 'node:fs/promises';
import { asDiskFull } from '../../lake/disk-full.js';
import type { SftpSession } from './sftp-session.js';

/** What every server answers at once; larger requests are cut down by many. */
const CHUNK = 32 << 10;
/** Requests under way: 2 MB in flight hide the round trips of a distant server. */
const PARALLEL = 64;

/** How far a download got: `bytes` from the start are in the file without a hole. */
export interface Arrived {
  bytes: number;
}

/**
 * Reads a remote file into a local one, from `arrived.bytes` to `size`, many requests at once. Whatever it throws,
 * `arrived` then says where to go on.
 * @throws the connection's own error, MillraceError DiskFull
 */
export async function readInto(
  session: SftpSession,
  handle: Buffer,
  path: string,
  {
    size,
    arrived,
    onProgress,
  }: { size: number; arrived: Arrived; onProgress?: ((bytes: number) => void) | undefined },
): Promise<void> {
  const file = await open(path, arrived.bytes > 0 ? 'r+' : 'w');
  const whole = new Set<number>();
  let next = arrived.bytes;
  let failed = false;
  const one = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafe(CHUNK);
    while (next < size && !failed) {
      const start = next;
      const length = Math.min(CHUNK, size - start);
      next += length;
      for (let read = 0; read < length;) {
        const count = await session.read(handle, buffer, length - read, start + read);
        // shorter than it was a moment ago: the caller finds out
        if (count === 0) return;
        await file.write(buffer, 0, count, start + read);
        read += count;
      }
      whole.add(start);
      while (whole.delete(arrived.bytes)) arrived.bytes = Math.min(size, arrived.bytes + CHUNK);
      onProgress?.(arrived.bytes);
    }
  };
  try {
    const all = Array.from({ length: PARALLEL }, () =>
      one().catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    );
    const ended = await Promise.allSettled(all);
    const broken = ended.find(({ status }) => status === 'rejected');
    if (broken?.status === 'rejected') throw asDiskFull(broken.reason, path);
  } finally {
    await file.close();
  }
}
