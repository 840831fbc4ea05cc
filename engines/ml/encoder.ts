import { MillraceError } from '../../schemas/errors.js';
import type { Feature } from '../../schemas/train.js';
import { quoteIdent, quoteText, type ColumnInfo } from '../warehouse/port.js';
import type { Dataset } from './dataset.js';

/** How one column is read; the part of a {@link Feature} that encodes. */
export type Encoding = Pick<Feature, 'name' | 'kind' | 'type' | 'categories'>;

/** More distinct texts than this are names or notes, not categories. */
const MAX_CATEGORIES = 1_000;
const NAN = `CAST('NaN' AS FLOAT)`;
const FLOAT_MAX = '3.4028234e38';

/** @throws MillraceError FeatureInvalid for a type that is no number, boolean or text */
export function kindOf({ name, type }: ColumnInfo): Feature['kind'] {
  if (/^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/.test(type)) return 'numeric';
  if (type === 'BOOLEAN') return 'boolean';
  if (/^(VARCHAR|UUID|ENUM\(.*\))$/s.test(type)) return 'category';
  const advice = /^(DATE|TIME)/.test(type)
    ? `Turn it into a number in the model (date_diff('day', ${name}, …), month(${name})) or list it in exclude`
    : 'Turn it into numbers or text in the model, or list it in exclude';
  throw new MillraceError('FeatureInvalid', {
    what: `column ${quoteIdent(name)} has the type ${type}, which a predictor cannot learn from`,
    fix: advice,
  });
}

/**
 * Learns how to read the columns from the rows that `where` selects: a category's code is its rank by frequency.
 * @throws MillraceError FeatureInvalid for text with more than 1,000 distinct values
 */
export async function fitEncodings(dataset: Dataset, names: string[], where: string): Promise<Encoding[]> {
  const encodings: Encoding[] = [];
  for (const name of names) {
    const column = dataset.columns.find((found) => found.name === name);
    if (!column) continue;
    const kind = kindOf(column);
    const categories = kind === 'category' ? await readCategories(dataset, name, where) : [];
    encodings.push({ ...column, kind, categories });
  }
  return encodings;
}

async function readCategories({ query }: Dataset, name: string, where: string): Promise<string[]> {
  const column = `CAST(${quoteIdent(name)} AS VARCHAR)`;
  const found = await query(
    `SELECT ${column} AS value FROM rows WHERE (${where}) AND ${column} IS NOT NULL
     GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT ${MAX_CATEGORIES + 1}`,
  );
  if (found.length > MAX_CATEGORIES) {
    throw new MillraceError('FeatureInvalid', {
      what: `text column ${quoteIdent(name)} has more than ${MAX_CATEGORIES} distinct values`,
      fix: 'It identifies rows rather than describes them: list it in exclude, or group its values in the model',
    });
  }
  return found.map(({ value }) => String(value));
}

const enumName = (name: string): string => quoteIdent(`category of ${name}`);

/** Declares the categories as enums, whose casts DuckDB does by hashing. To be called before the other functions' SQL runs. */
export async function declareCategories({ run }: Dataset, encodings: Encoding[]): Promise<void> {
  for (const { name, categories } of encodings) {
    if (categories.length === 0) continue;
    await run(`CREATE TYPE ${enumName(name)} AS ENUM (${categories.map(quoteText).join(', ')})`);
  }
}

/** SQL of the encoded value, a FLOAT; NaN for null and whatever cannot be used. */
export function encodeSql(encoding: Encoding, type: string): string {
  const column = quoteIdent(encoding.name);
  if (encoding.kind === 'boolean') return orNaN(`CAST(CAST(${column} AS INTEGER) AS FLOAT)`);
  if (encoding.kind === 'category') {
    if (encoding.categories.length === 0) return NAN;
    return orNaN(`CAST(enum_code(${asCategory(encoding)}) AS FLOAT)`);
  }
  if (!isFloating(type)) return orNaN(`CAST(${column} AS FLOAT)`);
  return `CASE WHEN ${finiteSql(column, type)} THEN CAST(${column} AS FLOAT) ELSE ${NAN} END`;
}

/** A 64-bit number may be finite and still too large for 32 bits. */
const finiteSql = (column: string, type: string): string =>
  type === 'FLOAT' ? `isfinite(${column})` : `(isfinite(${column}) AND abs(${column}) <= ${FLOAT_MAX})`;

const orNaN = (sql: string): string => `coalesce(${sql}, ${NAN})`;
const isFloating = (type: string): boolean => type === 'FLOAT' || type === 'DOUBLE';
const asCategory = ({ name }: Encoding): string =>
  `TRY_CAST(CAST(${quoteIdent(name)} AS VARCHAR) AS ${enumName(name)})`;

/** SQL that is true for a NaN, an infinity or a number beyond 32-bit floats, and not for a null; null for a type that has none. */
export function nonFiniteSql({ name }: Encoding, type: string): string | null {
  if (!isFloating(type)) return null;
  return `NOT ${finiteSql(quoteIdent(name), type)}`;
}

/** SQL that is true for a category that training never saw; null for other kinds. */
export function unknownSql(encoding: Encoding): string | null {
  if (encoding.kind !== 'category') return null;
  const column = quoteIdent(encoding.name);
  if (encoding.categories.length === 0) return `(${column} IS NOT NULL)`;
  return `(${column} IS NOT NULL AND ${asCategory(encoding)} IS NULL)`;
}

/** @throws MillraceError NonFiniteFeature naming column, count and an example's id */
export async function refuseNonFinite(
  dataset: Dataset,
  encodings: Encoding[],
  id: string,
  where: string,
): Promise<void> {
  const found = await firstBad(
    dataset,
    encodings.map((encoding) => ({
      name: encoding.name,
      sql: nonFiniteSql(encoding, typeOf(dataset, encoding)),
    })),
    id,
    where,
  );
  if (!found) return;
  throw new MillraceError('NonFiniteFeature', {
    what: `column ${quoteIdent(found.name)} holds NaN, an infinity or a number beyond 3.4e38 in ${found.rows} rows, e.g. where ${id} = ${found.example}`,
    fix: 'Make it null (missing) or a number in the model; nullif and isfinite help',
  });
}

/** @throws MillraceError UnknownCategory naming column, value, count and an example's id */
export async function refuseUnknown(dataset: Dataset, encodings: Encoding[], id: string): Promise<void> {
  const checks = encodings.map((encoding) => ({ name: encoding.name, sql: unknownSql(encoding) }));
  const found = await firstBad(dataset, checks, id, 'true');
  if (!found) return;
  throw new MillraceError('UnknownCategory', {
    what: `column ${quoteIdent(found.name)} holds the category '${found.value}', which training never saw; ${found.rows} rows have such, e.g. where ${id} = ${found.example}`,
    fix: "Train again with these rows, or set score.unknownCategory to 'quarantine' or 'missing'",
  });
}

export function typeOf({ columns }: Dataset, { name }: Encoding): string {
  return columns.find((column) => column.name === name)?.type ?? '';
}

interface Bad {
  name: string;
  rows: number;
  /** id of the first such row */
  example: string;
  value: string;
}

async function firstBad(
  { query }: Dataset,
  checks: { name: string; sql: string | null }[],
  id: string,
  where: string,
): Promise<Bad | null> {
  const wanted = checks.filter((check) => check.sql !== null);
  if (wanted.length === 0) return null;
  const counts = wanted.map(({ sql }, at) => `count_if(${sql}) AS c${at}`).join(', ');
  const [row] = await query(`SELECT ${counts} FROM rows WHERE ${where}`);
  const at = wanted.findIndex((_, index) => Number(row?.[`c${index}`]) > 0);
  const bad = wanted[at];
  if (!bad) return null;
  const [example] = await query(
    `SELECT CAST(${quoteIdent(id)} AS VARCHAR) AS id, CAST(${quoteIdent(bad.name)} AS VARCHAR) AS value
     FROM rows WHERE (${where}) AND ${bad.sql} ORDER BY 1 LIMIT 1`,
  );
  return {
    name: bad.name,
    rows: Number(row?.[`c${at}`]),
    example: String(example?.['id']),
    value: String(example?.['value']),
  };
}
