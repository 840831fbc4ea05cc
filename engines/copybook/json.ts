import { Decimal } from './decimal.js';
import type { Row, Value } from './decode/runtime.js';

/** A record as one line of JSON: decimals with all their digits as numbers, bytes as base64, without null fields. */
export function toJsonLine(row: Row): string {
  let text = '{';
  for (const key in row) {
    const value = row[key] as Value;
    if (value === null) continue;
    text += `${text.length > 1 ? ',' : ''}${quoted(key)}:${toJson(value)}`;
  }
  return `${text}}`;
}

const keys = new Map<string, string>();

/** The names of fields come again with every record. */
function quoted(key: string): string {
  let text = keys.get(key);
  if (text === undefined) keys.set(key, (text = JSON.stringify(key)));
  return text;
}

function toJson(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  // JSON has no NaN and no infinity; Spark writes their names
  if (typeof value === 'number')
    return Number.isFinite(value) ? (Object.is(value, -0) ? '0' : String(value)) : `"${value}"`;
  if (value instanceof Decimal) return value.text;
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  return toJsonLine(value);
}
