/** A moment as dbt's artifacts write it: ISO 8601 in UTC, with microseconds. */
export const timestamp = (at: Date = new Date()): string => at.toISOString().replace('Z', '000Z');
