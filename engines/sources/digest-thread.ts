import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { ThreadContext } from '../thread.js';
import { Utf8Check } from './encoding.js';

export interface Digest {
  /** of the file's bytes */
  sha256: string;
  /** whether all of them are UTF-8 */
  utf8: boolean;
}

const CHUNK = 4 << 20;

/** Hashes a file beside the thread that reads it. */
export async function digestFile({ path }: { path: string }, { signal }: ThreadContext): Promise<Digest> {
  const hash = createHash('sha256');
  const check = new Utf8Check();
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      check.look(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest('hex'), utf8: check.end() };
}
