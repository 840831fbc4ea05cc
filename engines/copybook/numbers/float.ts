import type { FloatFormat } from '../settings.js';

const scratch = new DataView(new ArrayBuffer(8));

/**
 * COMP-1 and COMP-2: 4 or 8 bytes, either byte order. `hfp` is IBM hexadecimal floating point; `ibm` is what Cobrix
 * makes of it, see `cobrixSingle`; `ieee754` is IEEE 754.
 */
export function float(b: Uint8Array, from: number, to: number, format: FloatFormat): number {
  const length = to - from;
  const little = format.endsWith('_little_endian');
  for (let at = 0; at < length; at++) scratch.setUint8(at, b[little ? to - 1 - at : from + at] as number);
  if (format.startsWith('ieee754')) return length === 4 ? scratch.getFloat32(0) : scratch.getFloat64(0);
  const first = scratch.getUint8(0);
  const sign = first & 0x80 ? -1 : 1;
  const exponent = (first & 0x7f) - 64;
  // 0.F × 16^exponent; 24 bits are exact, of 56 the last ones round to even
  if (length === 4) {
    const fraction = scratch.getUint32(0) & 0xffffff;
    if (format.startsWith('ibm')) return cobrixSingle(sign, fraction);
    return fraction === 0 ? 0 : Math.fround(sign * fraction * 16 ** (exponent - 6));
  }
  const fraction = Number(scratch.getBigUint64(0) & 0xffffffffffffffn);
  return fraction === 0 ? 0 : sign * fraction * 16 ** (exponent - 14);
}

/** Cobrix reads COMP-1 of format `IBM` without its exponent, and negative numbers as zero; its users' tables have that. */
const cobrixSingle = (sign: number, fraction: number): number =>
  sign < 0 ? 0 : Math.fround(fraction / 2 ** 18);

/** The shortest text that reads back to the same 32-bit float. */
export function shortestFloat32(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}
