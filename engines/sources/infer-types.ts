import type { DuckDBConnection } from '@duckdb/node-api';
import type { CsvFormat, TypeName } from '../../schemas/source.js';
import { stagedRelation } from './dialect.js';
import type { UntypedColumn } from './header.js';
import type { Segment } from './stage-records.js';
import { castValue, namedNull, type TypedColumn } from './typed-columns.js';

/** In the order in which they are tried; what fits none of them is text. */
const CANDIDATES = ['boolean', 'int64', 'double', 'date', 'timestamp'] as const;
type Candidate = (typeof CANDIDATES)[number];

const SAMPLE = 20_000;

/**
 * Finds the narrowest type that **every** value of a column fits. A sample only proposes; the proposal is then checked
 * on the whole file, and what fails there is decided on the whole file, too. Columns without any value are text.
 */
export async function inferTypes(
  session: DuckDBConnection,
  columns: UntypedColumn[],
  segments: Segment[],
  format: CsvFormat,
): Promise<TypedColumn[]> {
  const { nulls } = format;
  const staged = stagedRelation(segments, format);
  const types = new Map<number, TypeName>();
  const open = columns.filter(({ type }) => type === undefined).map(({ field }) => field);
  if (open.length > 0 && segments.length > 0) {
    const proposed = await fitting(session, `(FROM ${staged} LIMIT ${SAMPLE})`, open, nulls, () => [
      ...CANDIDATES,
    ]);
    const confirmed = await fitting(session, staged, open, nulls, (field) => {
      const candidate = proposed.get(field);
      return candidate ? [candidate] : [];
    });
    const failed = open.filter((field) => proposed.get(field) && !confirmed.get(field));
    const widened = await fitting(session, staged, failed, nulls, () => [...CANDIDATES]);
    for (const field of open) types.set(field, confirmed.get(field) ?? widened.get(field) ?? 'text');
  }
  return columns.map((column) => ({ ...column, type: column.type ?? types.get(column.field) ?? 'text' }));
}

/** The first candidate of each field that all its values fit; none when it has no value. */
async function fitting(
  session: DuckDBConnection,
  relation: string,
  fields: number[],
  nulls: string[],
  candidates: (field: number) => Candidate[],
): Promise<Map<number, Candidate>> {
  const tests = fields.flatMap((field) => candidates(field).map((candidate) => ({ field, candidate })));
  const found = new Map<number, Candidate>();
  if (tests.length === 0) return found;
  const values = fields.map((field) => `nullif(${namedNull(`f${field}`, nulls)}, '') AS v${field}`);
  const checks = tests.map(({ field, candidate }) => `bool_and(${surelyFits(candidate, `v${field}`)})`);
  const reader = await session.runAndReadAll(
    `SELECT ${checks.join(', ')} FROM (SELECT ${values.join(', ')} FROM ${relation})`,
  );
  const [answers] = reader.getRowsJson();
  tests.forEach(({ field, candidate }, index) => {
    if (answers?.[index] === true && !found.has(field)) found.set(field, candidate);
  });
  return found;
}

/** Null for no value. Stricter than a declared type: inference must not change what a text says. */
function surelyFits(candidate: Candidate, value: string): string {
  switch (candidate) {
    case 'boolean':
      return `lower(${value}) IN ('true', 'false')`;
    case 'int64':
      // reads back as it was written: no leading zeros (a postcode), no plus sign, no blanks
      return keepNull(value, `coalesce(TRY_CAST(${value} AS BIGINT)::VARCHAR = ${value}, false)`);
    case 'double':
      // a double holds 15 digits for sure; longer numbers stay text and can be declared decimal
      return keepNull(
        value,
        `regexp_full_match(${value}, '-?(0|[1-9][0-9]{0,14})([.][0-9]{1,14})?([eE][+-]?[0-9]{1,2})?') AND length(${value}) <= 17`,
      );
    default:
      return keepNull(value, `coalesce(${castValue(candidate, value)} IS NOT NULL, false)`);
  }
}

const keepNull = (value: string, check: string): string => `CASE WHEN ${value} IS NOT NULL THEN ${check} END`;
