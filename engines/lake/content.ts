import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** @returns SHA-256 in hex */
export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Hashes a local file without holding it in memory. @returns SHA-256 in hex; an aborted signal rejects with its reason */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.allocUnsafeSlow(Math.min(1 << 20, size + 1));
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/**
 * A name derived from inputs: equal inputs give equal names on every machine, whatever the order of their keys.
 * @returns 24 hex digits (96 bits)
 */
export function contentKey(...parts: unknown[]): string {
  return sha256(stableJson(parts)).slice(0, 24);
}

/** JSON with sorted keys; properties that are `undefined` count as absent, as in JSON itself. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}
