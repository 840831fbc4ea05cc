import { createHash } from 'node:crypto';

/** ours among all names that UUIDs are made of */
const NAMESPACE = Buffer.from('6d696c6c72616365a11e0a6e2f3b5c01', 'hex');

/** A UUID (version 5) of a name: the same name has the same one, at every retry and on every machine. */
export function uuidOf(...parts: readonly string[]): string {
  const hash = createHash('sha1').update(NAMESPACE).update(JSON.stringify(parts)).digest().subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
