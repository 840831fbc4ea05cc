import { type Decimal, decimal, wholeNumber, type Numeric, type Precision } from '../decimal.js';

/** The two's complement number of any length; exact. */
function readBinary(
  b: Uint8Array,
  from: number,
  to: number,
  signed: boolean,
  littleEndian: boolean,
): number | bigint {
  const length = to - from;
  if (length <= 4) {
    let value = 0;
    for (let at = 0; at < length; at++)
      value = value * 256 + (b[littleEndian ? to - 1 - at : from + at] as number);
    return signed && value >= 2 ** (length * 8 - 1) ? value - 2 ** (length * 8) : value;
  }
  if (length === 8) {
    const high = littleEndian ? word(b, to - 1, -1) : word(b, from, 1);
    const low = littleEndian ? word(b, from + 3, -1) : word(b, from + 4, 1);
    // most numbers are small enough for a JavaScript number
    if (high < 0x200000) return high * 2 ** 32 + low;
    if (signed && high >= 0xffe00000) return (high - 2 ** 32) * 2 ** 32 + low;
  }
  let value = 0n;
  for (let at = 0; at < length; at++)
    value = (value << 8n) | BigInt(b[littleEndian ? to - 1 - at : from + at] as number);
  return signed ? BigInt.asIntN(length * 8, value) : value;
}

/** Four bytes from `at` on, or backwards, as an unsigned number. */
const word = (b: Uint8Array, at: number, step: 1 | -1): number =>
  (b[at] as number) * 0x1000000 +
  (((b[at + step] as number) << 16) | ((b[at + 2 * step] as number) << 8) | (b[at + 3 * step] as number));

/**
 * A binary whole number. All that the bytes can hold is taken, also beyond the picture, but for unsigned numbers that
 * are larger than the integer of the column.
 */
export function binaryInteger(
  b: Uint8Array,
  from: number,
  to: number,
  signed: boolean,
  littleEndian: boolean,
  digits: number,
): Numeric | null {
  const value = readBinary(b, from, to, signed, littleEndian);
  if (typeof value === 'number') return !signed && digits < 9 && value > 0x7fffffff ? null : value;
  if (digits < 18 && value > 0x7fffffffffffffffn) return null;
  const text = String(value < 0n ? -value : value);
  if (digits > 18 && text.length > digits) return null;
  return wholeNumber(value < 0n, text);
}

export function binaryDecimal(
  b: Uint8Array,
  from: number,
  to: number,
  signed: boolean,
  littleEndian: boolean,
  exponent: number,
  column: Precision,
): Decimal | null {
  const value = readBinary(b, from, to, signed, littleEndian);
  return decimal(value < 0, String(value < 0 ? -value : value), exponent, column);
}
