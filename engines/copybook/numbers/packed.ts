import { decimal, wholeNumber, type Numeric, type Precision } from '../decimal.js';

/**
 * Digits of a packed number; undefined when a half byte is no digit or the last one no sign (C, D or F).
 * @param signed whether the last half byte is a sign (COMP-3), or a digit like all others (COMP-3U)
 */
function readPacked(
  b: Uint8Array,
  from: number,
  to: number,
  signed: boolean,
): { negative: boolean; digits: string } | undefined {
  let digits = '';
  for (let at = from; at < to; at++) {
    const byte = b[at] as number;
    const high = byte >> 4;
    const low = byte & 15;
    if (high > 9) return undefined;
    digits += String.fromCharCode(0x30 + high);
    if (signed && at === to - 1) {
      if (low !== 0xc && low !== 0xd && low !== 0xf) return undefined;
      return { negative: low === 0xd, digits };
    }
    if (low > 9) return undefined;
    digits += String.fromCharCode(0x30 + low);
  }
  return digits === '' ? undefined : { negative: false, digits };
}

export function packedInteger(
  b: Uint8Array,
  from: number,
  to: number,
  signed: boolean,
  digits: number,
): Numeric | null {
  const read = readPacked(b, from, to, signed);
  if (!read) return null;
  const value = wholeNumber(read.negative, read.digits);
  if (digits <= 18) return value;
  // the half byte that an even number of digits leaves over must not be used
  return read.digits.replace(/^0+/, '').length > digits ? null : value;
}

export function packedDecimal(
  b: Uint8Array,
  from: number,
  to: number,
  signed: boolean,
  exponent: number,
  column: Precision,
): Numeric | null {
  const read = readPacked(b, from, to, signed);
  return read ? decimal(read.negative, read.digits, exponent, column) : null;
}
