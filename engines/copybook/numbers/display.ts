import { decimal, wholeNumber, type Numeric, type Precision } from '../decimal.js';

/** How a DISPLAY number is read; made once for each field. */
export interface DisplayFormat {
  ebcdic: boolean;
  /** a minus makes the number invalid */
  unsigned: boolean;
  /** the sign may be punched over the first or last digit */
  overpunch: boolean;
  /** signs may be punched over any digit, also of unsigned fields; the last one counts */
  relaxed: boolean;
  /** a field of 0x00 or blanks only is null; otherwise blanks are zero where the picture has a point */
  nullDetection: boolean;
  /** characters of an edited picture between the digits are read over */
  edited: boolean;
}

const OVERPUNCH = '{ABCDEFGHI}JKLMNOPQR';

/** Sign and digits, with a point where the data has one; undefined when the bytes are no number. */
interface Read {
  negative: boolean;
  /** the data says that it is positive */
  plus?: boolean;
  /** digits and at most one point */
  text: string;
}

/**
 * A number without decimals. @param digits of the picture; decide how large the value may be: 32 bits up to 9, 64 up
 * to 18, else no more digits than these
 */
export function displayInteger(
  b: Uint8Array,
  from: number,
  to: number,
  format: DisplayFormat,
  digits: number,
): Numeric | null {
  if (format.ebcdic) {
    const plain = plainDigits(b, from, to);
    if (plain >= 0) return plain > 0x7fffffff && digits <= 9 ? null : plain;
  }
  const read = readDisplay(b, from, to, format);
  if (!read || read.text === '') return null;
  if (digits > 18) return whole(read, digits);
  return read.text.includes('.') ? null : within(wholeNumber(read.negative, read.text), digits);
}

/** A number whose point is implied. @param exponent digits right of the point, P included */
export function displayDecimal(
  b: Uint8Array,
  from: number,
  to: number,
  format: DisplayFormat,
  exponent: number,
  column: Precision,
): Numeric | null {
  const read = readDisplay(b, from, to, format);
  if (!read || read.text.includes('.')) return null;
  return decimal(read.negative, read.text === '' ? '0' : read.text, exponent, column);
}

/** A number whose point is a character of the data. */
export function displayExplicit(
  b: Uint8Array,
  from: number,
  to: number,
  format: DisplayFormat,
  column: Precision,
): Numeric | null {
  const read = readDisplay(b, from, to, format);
  if (!read) return null;
  const parts = read.text.split('.');
  const [before = '', after = ''] = parts;
  if (parts.length > 2 || before + after === '') return null;
  return decimal(read.negative, before + after, after.length, column);
}

/** The digits as they stand, with their sign in front. */
export function displayText(b: Uint8Array, from: number, to: number, format: DisplayFormat): string | null {
  const read = readDisplay(b, from, to, format);
  return read && read.text !== '' ? `${read.negative ? '-' : read.plus ? '+' : ''}${read.text}` : null;
}

function whole({ negative, text }: Read, digits: number): Numeric | null {
  const [before = '', after = '', more] = text.split('.');
  if (more !== undefined) return null;
  const value = decimal(negative, before + after, after.length, { precision: digits, scale: 0 });
  return value && wholeNumber(negative, value.text.replace('-', ''));
}

/** The bounds of the 32 and 64 bits that a picture of so many digits is kept in. */
export function within(value: Numeric, digits: number): Numeric | null {
  if (typeof value === 'number')
    return digits <= 9 && (value > 0x7fffffff || value < -0x80000000) ? null : value;
  if (digits <= 9) return null;
  const big = BigInt(value.text);
  return big > 0x7fffffffffffffffn || big < -0x8000000000000000n ? null : value;
}

/** EBCDIC digits only, and few enough for a JavaScript number: the common case. -1 otherwise. */
function plainDigits(b: Uint8Array, from: number, to: number): number {
  if (to - from > 15 || from === to) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = (b[at] as number) - 0xf0;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function readDisplay(b: Uint8Array, from: number, to: number, format: DisplayFormat): Read | undefined {
  if (format.nullDetection && isBlank(b, from, to, format.ebcdic)) return undefined;
  if (format.edited) return readEdited(b, from, to, format);
  return format.ebcdic ? readEbcdic(b, from, to, format) : readAscii(b, from, to, format);
}

function isBlank(b: Uint8Array, from: number, to: number, ebcdic: boolean): boolean {
  const blank = ebcdic ? 0x40 : 0x20;
  for (let at = from; at < to; at++) if (b[at] !== 0 && b[at] !== blank) return false;
  return true;
}

function readEbcdic(
  b: Uint8Array,
  from: number,
  to: number,
  { unsigned, overpunch, relaxed }: DisplayFormat,
): Read | undefined {
  let sign = '';
  let text = '';
  for (let at = from; at < to; at++) {
    const byte = b[at] as number;
    const closed = sign !== '' && !relaxed;
    if (byte >= 0xf0 && byte <= 0xf9) text += String.fromCharCode(byte - 0xc0);
    else if (byte === 0x4b || byte === 0x6b) text += '.';
    else if (byte === 0x40 || byte === 0) continue;
    else if (closed) return undefined;
    else if ((overpunch || relaxed) && byte >= 0xc0 && byte <= 0xc9) {
      text += String.fromCharCode(byte - 0x90);
      sign = '+';
    } else if ((overpunch || relaxed) && byte >= 0xd0 && byte <= 0xd9) {
      text += String.fromCharCode(byte - 0xa0);
      sign = '-';
    } else if (byte === 0x60) sign = '-';
    else if (byte === 0x4e) sign = '+';
    else return undefined;
  }
  return sign === '-' && unsigned ? undefined : { negative: sign === '-', plus: sign === '+', text };
}

function readAscii(
  b: Uint8Array,
  from: number,
  to: number,
  { unsigned, overpunch, relaxed }: DisplayFormat,
): Read | undefined {
  let sign = '';
  let text = '';
  for (let at = from; at < to; at++) {
    const byte = b[at] as number;
    if ((byte >= 0x30 && byte <= 0x39) || byte === 0x20) text += String.fromCharCode(byte);
    else if (byte === 0x2d || byte === 0x2b) sign = byte === 0x2d ? '-' : '+';
    else if (byte === 0x2e || byte === 0x2c) text += '.';
    else {
      const punched = OVERPUNCH.indexOf(String.fromCharCode(byte));
      const allowed = relaxed || (overpunch && (at === from || at === to - 1));
      if (punched < 0 || !allowed) return undefined;
      sign = punched >= 10 ? '-' : '+';
      text += String.fromCharCode(0x30 + (punched % 10));
    }
  }
  text = text.trim();
  if (text.includes(' ')) return undefined;
  return sign === '-' && unsigned ? undefined : { negative: sign === '-', plus: sign === '+', text };
}

/** `$1,234.50-`, `***12.00`, `(blank)12CR`: digits, the last point, and a sign somewhere. */
function readEdited(b: Uint8Array, from: number, to: number, { ebcdic }: DisplayFormat): Read | undefined {
  let text = '';
  for (let at = from; at < to; at++)
    text += ebcdic ? (EDITING[b[at] as number] ?? '?') : String.fromCharCode(b[at] as number);
  const negative = /-|CR|DB/.test(text);
  const plain = text.replaceAll(/[ \0$*+\-/]|CR|DB/g, '');
  const point = Math.max(plain.lastIndexOf('.'), plain.includes('.') ? -1 : plain.lastIndexOf(','));
  const before = point < 0 ? plain : plain.slice(0, point);
  const after = point < 0 ? '' : plain.slice(point + 1);
  const digits = before.replaceAll(/[.,]/g, '');
  if (!/^\d*$/.test(digits) || !/^\d*$/.test(after)) return undefined;
  return { negative, text: point < 0 ? digits : `${digits}.${after}` };
}

const EDITING: Record<number, string> = {
  ...Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [0xf0 + digit, String(digit)])),
  ...{ 0x00: ' ', 0x40: ' ', 0x4b: '.', 0x6b: ',', 0x4e: '+', 0x60: '-', 0x5b: '$', 0x5c: '*', 0x61: '/' },
  ...{ 0xc3: 'C', 0xd9: 'R', 0xc4: 'D', 0xc2: 'B' },
};
