import type { RelationType, Row } from './port.js';

export const sameName = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Of a row of `show objects`. A dynamic table is a view whose rows are kept. */
export function relationTypeOf(row: Row): RelationType {
  const kind = String(row['kind']).toUpperCase();
  if (row['is_dynamic'] === 'Y' || kind === 'DYNAMIC TABLE' || kind === 'MATERIALIZED VIEW')
    return 'materialized_view';
  if (kind === 'VIEW') return 'view';
  return kind === 'EXTERNAL TABLE' ? 'external' : 'table';
}
