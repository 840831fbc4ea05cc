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
  let value = 0n;
  for (let at = 0; at < length; at++)
    value = (value << 8n) | BigInt(b[littleEndian ? to - 1 - at : from + at] as number);
  return signed ? BigInt.asIntN(length * 8, value) : value;
}

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
