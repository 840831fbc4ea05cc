import { MillraceError } from '../../schemas/errors.js';
import { Decimal } from './decimal.js';

/** How the numbers and texts of a field mean days or moments. Plain data: it goes to threads. */
export interface DateRule {
  type: 'date' | 'timestamp';
  formats: string[];
  /** values that mean none */
  nulls: string[];
}

/**
 * @returns days since 1970 of a date, microseconds of a timestamp; undefined for what is declared to be none, null for
 *   what is no date
 */
export type DateReader = (value: string | number | Decimal | null) => number | bigint | null | undefined;

/** Formats of IBM i under the names that DDS, RPG and SQL give them. */
const NAMES: Record<string, string> = {
  ...{ '*ISO': 'YYYY-MM-DD', '*JIS': 'YYYY-MM-DD', '*USA': 'MM/DD/YYYY', '*EUR': 'DD.MM.YYYY' },
  ...{ '*YMD': 'YY/MM/DD', '*MDY': 'MM/DD/YY', '*DMY': 'DD/MM/YY', '*JUL': 'YY/DDD', '*CYMD': 'CYY/MM/DD' },
  ...{ '*YMD0': 'YYMMDD', '*MDY0': 'MMDDYY', '*DMY0': 'DDMMYY', '*CYMD0': 'CYYMMDD', '*ISO0': 'YYYYMMDD' },
};
/** What strptime calls the parts. */
const DIRECTIVES: Record<string, string> = {
  ...{ Y: 'YYYY', y: 'YY', m: 'MM', d: 'DD', j: 'DDD', H: 'hh', M: 'mm', S: 'ss', f: 'ffffff' },
};
const PARTS = /YYYY|YY|MM|DDD|DD|C(?=YY)|hh|mm|ss|f{1,6}/g;
/** Two-digit years of IBM i stand for 1940 to 2039. */
const PIVOT = 40;

/** @throws MillraceError ProjectInvalid for a format that is none */
export function dateReader({ type, formats, nulls }: DateRule): DateReader {
  const parsers = formats.map(parserOf);
  const none = new Set(nulls);
  return (value) => {
    if (value === null) return null;
    const text = value instanceof Decimal ? value.text : String(value).trim();
    if (text === '' || none.has(text)) return undefined;
    for (const parse of parsers) {
      const found = parse(text);
      if (found) return type === 'date' ? found.days : BigInt(found.days) * 86_400_000_000n + found.micros;
    }
    return null;
  };
}

interface Moment {
  days: number;
  micros: bigint;
}

function parserOf(format: string): (text: string) => Moment | undefined {
  const pattern = patternOf(format);
  const parts = pattern.match(PARTS) ?? [];
  const separated = pattern.replaceAll(PARTS, '') !== '';
  const escaped = pattern.replaceAll(/[^A-Za-z]/g, '\\$&');
  const expression = new RegExp(`^${escaped.replaceAll(PARTS, (part) => `(\\d{${part.length}})`)}$`);
  return (text) => {
    // a number has lost the zeros before it
    const match = expression.exec(separated ? text : text.padStart(pattern.length, '0'));
    if (!match) return undefined;
    const at: Record<string, number> = {};
    parts.forEach((part, index) => {
      const digits = match[index + 1] ?? '';
      at[part.startsWith('f') ? 'f' : part] = Number(part.startsWith('f') ? digits.padEnd(6, '0') : digits);
    });
    return momentOf(at);
  };
}

function patternOf(format: string): string {
  const named = NAMES[format.toUpperCase()];
  if (named !== undefined) return named;
  const pattern = format.replaceAll(/%(.)/g, (all, letter: string) => DIRECTIVES[letter] ?? all);
  const parts = new Set<string>(pattern.match(PARTS) ?? []);
  const day = parts.has('DDD') || (parts.has('MM') && parts.has('DD'));
  if ((parts.has('YYYY') || parts.has('YY')) && day && !/[\w%]/.test(pattern.replaceAll(PARTS, '')))
    return pattern;
  throw new MillraceError('ProjectInvalid', {
    what: `'${format}' is no format of dates`,
    fix: `Write it with C, YY or YYYY, MM, DD or DDD, hh, mm, ss and ffffff, such as CYYMMDD; or use ${Object.keys(NAMES).slice(0, 9).join(', ')} or strptime's %Y-%m-%d`,
  });
}

function momentOf(at: Record<string, number>): Moment | undefined {
  const { YYYY, YY = 0, C, MM = 1, DD = 1, DDD, hh = 0, mm = 0, ss = 0, f = 0 } = at;
  const short = C === undefined ? (YY < PIVOT ? 2000 : 1900) + YY : 1900 + 100 * C + YY;
  const year = YYYY ?? short;
  // SQL of IBM i ends days at 24.00.00
  if (year === 0 || hh > 24 || mm > 59 || ss > 59 || (hh === 24 && mm + ss + f > 0)) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, DDD === undefined ? MM - 1 : 0, DDD ?? DD);
  const real =
    date.getUTCFullYear() === year &&
    (DDD === undefined ? date.getUTCMonth() === MM - 1 && date.getUTCDate() === DD : DDD > 0);
  if (!real) return undefined;
  const seconds = hh * 3_600 + mm * 60 + ss;
  return { days: date.getTime() / 86_400_000, micros: BigInt(seconds) * 1_000_000n + BigInt(f) };
}
