/**
 * A number with all its digits. Row objects hold JavaScript numbers where these are exact (whole numbers up to 2^53,
 * COMP-1 and COMP-2), and this for all others.
 */
export class Decimal {
  /** @param text canonical decimal text: `-12.50`, no exponent, no superfluous leading zero */
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

export type Numeric = number | Decimal;

/** Precision and scale of a decimal column. */
export interface Precision {
  precision: number;
  scale: number;
}

/** A whole number as exactly as JavaScript can hold it. @param digits with or without leading zeros */
export function wholeNumber(negative: boolean, digits: string): Numeric {
  const plain = withoutZeros(digits) || '0';
  if (plain.length < 16) return negative && plain !== '0' ? -Number(plain) : Number(plain);
  const number = BigInt(plain);
  if (number <= BigInt(Number.MAX_SAFE_INTEGER)) return negative ? -Number(number) : Number(number);
  return new Decimal(negative ? `-${plain}` : plain);
}

/**
 * `digits` × 10^-`exponent` with as many decimals as the column has, rounded half up where it has fewer.
 * @returns null when the column has too few digits for it
 */
export function decimal(
  negative: boolean,
  digits: string,
  exponent: number,
  { precision, scale }: Precision,
): Decimal | null {
  let text = digits;
  if (exponent < scale) text += '0'.repeat(scale - exponent);
  else if (exponent > scale) text = roundedUp(text, exponent - scale);
  const significant = withoutZeros(text);
  if (significant.length > precision) return null;
  const padded = significant.padStart(scale + 1, '0');
  const whole = padded.slice(0, padded.length - scale);
  const sign = negative && significant !== '' ? '-' : '';
  return new Decimal(
    scale === 0 ? `${sign}${whole}` : `${sign}${whole}.${padded.slice(padded.length - scale)}`,
  );
}

function withoutZeros(digits: string): string {
  let at = 0;
  while (digits.charCodeAt(at) === 0x30) at++;
  return at === 0 ? digits : digits.slice(at);
}

/** Drops the last `count` digits, half up. */
function roundedUp(digits: string, count: number): string {
  const padded = digits.padStart(count + 1, '0');
  const kept = padded.slice(0, padded.length - count);
  return (padded[padded.length - count] ?? '0') >= '5' ? String(BigInt(kept) + 1n) : kept;
}
