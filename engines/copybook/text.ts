import type { AsciiCharset } from './pages/ascii.js';
import type { Trimming } from './settings.js';

/** Blanks and control characters go from the ends, as Java trims. */
export function trim(text: string, policy: Trimming): string {
  let from = 0;
  let to = text.length;
  if (policy === 'both' || policy === 'left') while (from < to && text.charCodeAt(from) <= 0x20) from++;
  if (policy === 'both' || policy === 'right') while (to > from && text.charCodeAt(to - 1) <= 0x20) to--;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

/** Only 0x00, or nothing at all. */
export function isNull(b: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (b[at] !== 0) return false;
  return true;
}

/** @param table character of each byte */
export function ebcdicText(
  b: Uint8Array,
  from: number,
  to: number,
  table: string,
  trimming: Trimming,
  nullDetection: boolean,
): string | null {
  if (nullDetection && trimming !== 'keep_all' && isNull(b, from, to)) return null;
  let text = '';
  for (let at = from; at < to; at++) text += table[b[at] as number] as string;
  return trim(text, trimming);
}

export function asciiText(
  b: Uint8Array,
  from: number,
  to: number,
  charset: AsciiCharset,
  trimming: Trimming,
  nullDetection: boolean,
): string | null {
  if (nullDetection && trimming !== 'keep_all' && isNull(b, from, to)) return null;
  let plain = true;
  for (let at = from; at < to && plain; at++) plain = (b[at] as number) >= 0x20 && (b[at] as number) < 0x80;
  const slice = b.subarray(from, to);
  if (plain)
    return trim(Buffer.from(slice.buffer, slice.byteOffset, slice.length).toString('latin1'), trimming);
  return trim(
    charset.decode(trimming === 'keep_all' ? slice : slice.filter((byte) => byte >= 0x20)),
    trimming,
  );
}

export function utf16Text(
  b: Uint8Array,
  from: number,
  to: number,
  littleEndian: boolean,
  trimming: Trimming,
  nullDetection: boolean,
): string | null {
  if (nullDetection && isNull(b, from, to)) return null;
  return trim(utf16[littleEndian ? 'le' : 'be'].decode(b.subarray(from, to)), trimming);
}

const utf16 = {
  be: new TextDecoder('utf-16be', { ignoreBOM: true }),
  le: new TextDecoder('utf-16le', { ignoreBOM: true }),
};
