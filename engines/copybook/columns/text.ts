import type { Field } from '../layout.js';
import type { CopybookSettings } from '../settings.js';
import { INLINE, type Column } from './column.js';
import { fieldDecoder } from './field-decoder.js';

/** Decodes `bytes[from, to)` into a row of the column. */
export type PutText = (bytes: Uint8Array, from: number, to: number, row: number) => void;

/** A code page as the fast way needs it; found by asking the general decoder about each byte, so that both agree. */
interface CharacterTable {
  /** code unit by byte, -1 where it takes the general decoder to tell */
  units: Int32Array;
  /** 1 for bytes that go when they stand at the beginning or the end */
  left: Uint8Array;
  right: Uint8Array;
  blankIsNull: boolean;
}

/** One byte a character is all that is known here; pages of two bytes a character leave everything to the decoder. */
function characterTable(field: Field, settings: CopybookSettings): CharacterTable {
  const ascii = settings.encoding === 'ascii';
  const decode = fieldDecoder({ ...field, length: 4 }, settings);
  const letter = ascii ? 0x41 : 0xc1;
  const blank = ascii ? 0x20 : 0x40;
  const ask = (...bytes: number[]): unknown => decode(Uint8Array.from(bytes), 0, bytes.length);
  const units = new Int32Array(256);
  const left = new Uint8Array(256);
  const right = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const between = ask(letter, byte, letter);
    const single = typeof between === 'string' && between.length === 3 && !(ascii && byte >= 0x80);
    const unit = single ? between.charCodeAt(1) : -1;
    units[byte] = unit >= 0xd800 && unit < 0xe000 ? -1 : unit;
    left[byte] = ask(byte, letter) === 'A' ? 1 : 0;
    right[byte] = ask(letter, byte) === 'A' ? 1 : 0;
  }
  return { units, left, right, blankIsNull: ask(blank, blank) === null };
}

/**
 * A decoder of text fields into a column. Most texts are short and plain: those up to 12 bytes are written where
 * DuckDB keeps them, longer ones into the column's heap.
 */
export function textDecoder(column: Column, field: Field, settings: CopybookSettings): PutText {
  const { units, left, right, blankIsNull } = characterTable(field, settings);
  const decode = fieldDecoder(field, settings);
  const blank = settings.encoding === 'ascii' ? 0x20 : 0x40;
  const { words, bytes } = column;
  const general: PutText = (b, from, to, row) => {
    const text = decode(b, from, to);
    if (typeof text === 'string') column.putText(row, text);
    else column.setNull(row);
  };

  const long: PutText = (b, from, to, row) => {
    const { heap, heapUsed } = column;
    // the heap holds three bytes for each character of every row of a batch
    let end = heapUsed;
    for (let n = from; n < to; n++) {
      const unit = units[b[n] as number] as number;
      if (unit < 0x80) heap[end++] = unit;
      else if (unit < 0x800) {
        heap[end++] = 0xc0 | (unit >> 6);
        heap[end++] = 0x80 | (unit & 63);
      } else {
        heap[end++] = 0xe0 | (unit >> 12);
        heap[end++] = 0x80 | ((unit >> 6) & 63);
        heap[end++] = 0x80 | (unit & 63);
      }
    }
    column.keep(row, end - heapUsed);
  };

  return (b, fieldStart, fieldEnd, row) => {
    let from = fieldStart;
    let to = fieldEnd;
    while (to > from && right[b[to - 1] as number] === 1) to--;
    while (from < to && left[b[from] as number] === 1) from++;
    const w = row << 2;
    if (from === to) {
      if (b[fieldStart] !== blank || b[fieldEnd - 1] !== blank) general(b, fieldStart, fieldEnd, row);
      else if (blankIsNull) column.setNull(row);
      else words[w] = words[w + 1] = words[w + 2] = words[w + 3] = 0;
      return;
    }
    let all = 0;
    for (let n = from; n < to; n++) all |= units[b[n] as number] as number;
    if (all < 0) return general(b, fieldStart, fieldEnd, row);
    const length = to - from;
    if (length > INLINE || all >= 0x80) return long(b, from, to, row);
    words[w] = length;
    words[w + 1] = words[w + 2] = words[w + 3] = 0;
    const place = (row << 4) + 4 - from;
    for (let n = from; n < to; n++) bytes[place + n] = units[b[n] as number] as number;
  };
}
