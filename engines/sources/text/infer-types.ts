import type { DuckDBConnection } from '@duckdb/node-api';
import { castSelect, castValue, namedNull, variantChecks } from '../cast.js';
import type { Casting, FileColumn } from '../typed-columns.js';
import type { Segment, TextLayout } from './segment.js';
import { stagedRelation } from './staged-relation.js';

/** In the order in which they are tried; what fits none of them is text. */
const CANDIDATES = ['boolean', 'int64', 'double', 'date', 'timestamp'] as const;
type Candidate = (typeof CANDIDATES)[number];

const SAMPLE = 20_000;

/**
 * Finds the narrowest type that **every** value of a column fits. A sample only proposes; the proposal is then checked
 * on the whole file, and what fails there is decided on the whole file, too. Columns without any value have none.
 * @returns by field
 */
export async function inferTypes(
  session: DuckDBConnection,
  columns: FileColumn[],
  segments: Segment[],
  layout: TextLayout,
): Promise<Map<number, string>> {
  const { nulls } = layout;
  const staged = stagedRelation(segments, layout);
  const fields = columns.map(({ field }) => field);
  const types = new Map<number, string>();
  if (fields.length === 0 || segments.length === 0) return types;
  const proposed = await fitting(session, `(FROM ${staged} LIMIT ${SAMPLE})`, fields, nulls, () => [
    ...CANDIDATES,
  ]);
  const confirmed = await fitting(session, staged, fields, nulls, (field) => {
    const candidate = proposed.found.get(field);
    return candidate ? [candidate] : [];
  });
  const failed = fields.filter((field) => proposed.found.has(field) && !confirmed.found.has(field));
  const widened = await fitting(session, staged, failed, nulls, () => [...CANDIDATES]);
  for (const field of fields) {
    const type = confirmed.found.get(field) ?? widened.found.get(field);
    if (type) types.set(field, type);
    else if (confirmed.present.has(field)) types.set(field, 'text');
  }
  return types;
}

/** Leaves out the columns for misfits that no value of the file needs. */
export async function dropUnusedVariants(
  session: DuckDBConnection,
  casting: Casting,
  segments: Segment[],
  layout: TextLayout,
): Promise<Casting> {
  const checks = variantChecks(casting);
  if (checks.length === 0 || segments.length === 0) return casting;
  const { from } = castSelect(casting, stagedRelation(segments, layout), layout.nulls);
  const reader = await session.runAndReadAll(
    `SELECT ${checks.map(({ has }) => has).join(', ')} FROM ${from}`,
  );
  const [answers] = reader.getRowsJson();
  const needed = new Set(checks.filter((_check, index) => answers?.[index] === true).map(({ name }) => name));
  return {
    ...casting,
    columns: casting.columns.filter(({ variantOf }) => variantOf === undefined || needed.has(variantOf)),
  };
}

/** The first candidate of each field that all its values fit, and which fields have a value at all. */
async function fitting(
  session: DuckDBConnection,
  relation: string,
  fields: number[],
  nulls: string[],
  candidates: (field: number) => Candidate[],
): Promise<{ found: Map<number, Candidate>; present: Set<number> }> {
  const tests = fields.flatMap((field) => candidates(field).map((candidate) => ({ field, candidate })));
  const found = new Map<number, Candidate>();
  const present = new Set<number>();
  if (fields.length === 0) return { found, present };
  const values = fields.map((field) => `nullif(${namedNull(`f${field}`, nulls)}, '') AS v${field}`);
  const checks = [
    ...tests.map(({ field, candidate }) => `bool_and(${surelyFits(candidate, `v${field}`)})`),
    ...fields.map((field) => `count(v${field}) > 0`),
  ];
  const reader = await session.runAndReadAll(
    `SELECT ${checks.join(', ')} FROM (SELECT ${values.join(', ')} FROM ${relation})`,
  );
  const [answers] = reader.getRowsJson();
  tests.forEach(({ field, candidate }, index) => {
    if (answers?.[index] === true && !found.has(field)) found.set(field, candidate);
  });
  fields.forEach((field, index) => {
    if (answers?.[tests.length + index] === true) present.add(field);
  });
  return { found, present };
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
