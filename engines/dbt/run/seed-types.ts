const NULL = /^\s*(?:null)?\s*$/i;

/** what counts as no value in every type but text */
export const isNull = (cell: string): boolean => NULL.test(cell);

const NUMBER = /^[+-]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const NOT_FINITE = /^[+-]?(?:nan|inf|infinity)$/i;
const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})$/;
const TIMESTAMP = /^(\d{4}-\d{1,2}-\d{1,2})\s+(?:[01]?\d|2[0-3]):[0-5]?\d:[0-5]?\d$/;
const ISO_TIMESTAMP =
  /^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?$/;

function isDate(text: string): boolean {
  const [, year = 0, month = 0, day = 0] = (DATE.exec(text) ?? []).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year > 0;
}
const withDate =
  (pattern: RegExp) =>
  (text: string): boolean =>
    isDate(pattern.exec(text)?.[1] ?? '');

/**
 * dbt's guesses in its order: a column gets the first type that all of its values are. A column without a value is a
 * number. Where dbt-duckdb would read `5%`, `$5` or `1,000` as numbers and then fail to load them, they stay text.
 */
const TYPES: readonly [matches: (text: string) => boolean, type: (values: readonly string[]) => string][] = [
  [(text) => NUMBER.test(text) || NOT_FINITE.test(text), numberType],
  [isDate, () => 'date'],
  [withDate(TIMESTAMP), () => 'timestamp without time zone'],
  [withDate(ISO_TIMESTAMP), () => 'timestamp without time zone'],
  [(text) => /^(?:true|false)$/i.test(text), () => 'boolean'],
];

/** @returns the type dbt gives a column with these cells, as it stands in `create table` */
export function guessType(cells: readonly string[]): string {
  const values = cells.filter((cell) => !isNull(cell)).map((cell) => cell.trim());
  for (const [matches, type] of TYPES) if (values.every(matches)) return type(values);
  return 'text';
}

/** Whole numbers that do not fit into 32 bits get a wider type, where dbt-duckdb fails. */
function numberType(values: readonly string[]): string {
  let widest = 'integer';
  for (const value of values) {
    if (NOT_FINITE.test(value) || !isWhole(value)) return 'float8';
    const size = Math.abs(Number(value.replaceAll('_', '')));
    if (size >= 2 ** 63) widest = 'decimal(38,0)';
    else if (size >= 2 ** 31 && widest === 'integer') widest = 'bigint';
  }
  return widest;
}

/** `1.0` and `1e3` are whole numbers, as in Python's normalized decimals */
function isWhole(value: string): boolean {
  const [mantissa = '', exponent = '0'] = value.toLowerCase().split('e');
  const decimals = (mantissa.split('.')[1] ?? '').replace(/0+$/, '').length;
  if (decimals > 0 || !exponent.startsWith('-')) return decimals <= Number(exponent);
  const digits = mantissa.replace(/[^\d.]/g, '').replace(/\..*$/, '');
  return /^0*$/.test(digits) || digits.length - digits.replace(/0+$/, '').length >= -Number(exponent);
}
