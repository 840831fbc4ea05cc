import { Decimal, toNumber, type Value } from './values.js';

/** digits of a quotient, as in Python's default context */
const PRECISION = 28;

interface Exact {
  digits: bigint;
  /** how many of them stand behind the point */
  scale: number;
}

function exactOf(value: Value): Exact {
  const text =
    value instanceof Decimal ? value.text : String(typeof value === 'bigint' ? value : toNumber(value));
  const [mantissa = '0', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale };
}

function made({ digits, scale }: Exact): Decimal {
  const sign = digits < 0n ? '-' : '';
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
  return new Decimal(scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`);
}

function quotient(a: Exact, b: Exact): Decimal {
  const shift = PRECISION + b.scale;
  const digits = (a.digits * 10n ** BigInt(shift)) / b.digits;
  const result = { digits, scale: a.scale - b.scale + shift };
  // no more digits behind the point than it takes
  while (result.scale > Math.max(0, a.scale - b.scale) && result.digits % 10n === 0n) {
    result.digits /= 10n;
    result.scale--;
  }
  const excess = String(result.digits).replace('-', '').length - PRECISION;
  if (excess <= 0 || result.scale < excess) return made(result);
  const cut = 10n ** BigInt(excess);
  const half = result.digits < 0n ? -cut / 2n : cut / 2n;
  return made({ digits: (result.digits + half) / cut, scale: result.scale - excess });
}

/** Arithmetic of exact numbers; `//` and `%` go toward zero, as Python's decimals do. */
export function decimalArithmetic(operator: string, left: Value, right: Value): Value | undefined {
  const [a, b] = [exactOf(left), exactOf(right)];
  const scale = Math.max(a.scale, b.scale);
  const [x, y] = [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale)];
  switch (operator) {
    case '+':
      return made({ digits: x + y, scale });
    case '-':
      return made({ digits: x - y, scale });
    case '*':
      return made({ digits: a.digits * b.digits, scale: a.scale + b.scale });
    case '/':
      return quotient(a, b);
    case '//':
      return made({ digits: x / y, scale: 0 });
    case '%':
      return made({ digits: x % y, scale });
    default:
      return undefined;
  }
}
