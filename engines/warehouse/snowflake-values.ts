import type { Column } from 'snowflake-sdk';

/** A date with its parts, as the driver gives timestamps. */
interface DriverDate extends Date {
  getEpochSeconds(): number;
  getNanoSeconds(): number;
}

function timestamp(value: DriverDate): string {
  const seconds = new Date(value.getEpochSeconds() * 1000).toISOString().replace(/\.\d+Z$/, '');
  const nanos = value.getNanoSeconds();
  return nanos === 0 ? seconds : `${seconds}.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
}

function number(text: string, column: Column): number | string {
  if (column.getType() === 'real') return Number(text);
  if (column.getScale() > 0) return text;
  return Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

/** One value of an answer as the port promises it; numbers and JSON come as text, the driver would round them. */
export function plainValue(value: unknown, column: Column): unknown {
  if (value === null || value === undefined) return null;
  if (column.isNumber()) return number(value as string, column);
  if (column.isTimestampNtz()) return timestamp(value as DriverDate);
  if (column.isTimestamp()) return `${timestamp(value as DriverDate)}Z`;
  if (column.isDate()) return (value as Date).toISOString().slice(0, 10);
  if (column.isTime())
    return (value as string).replace(/\.?0+$/, (zeros) => (zeros.startsWith('.') ? '' : zeros));
  if (column.isBinary()) return Buffer.from(value as Buffer).toString('hex');
  return value;
}

/** A column's type as Snowflake writes it. */
export function typeName(column: Column): string {
  const type = column.getType().toUpperCase();
  if (type === 'FIXED') return `NUMBER(${column.getPrecision() || 38},${column.getScale() || 0})`;
  return { TEXT: 'VARCHAR', REAL: 'FLOAT' }[type] ?? type;
}
