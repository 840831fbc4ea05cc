import { duckType } from '../lake/types.js';
import { quoteIdent, quoteText } from '../warehouse/port.js';
import { isNested, type Casting, type TypedColumn } from './typed-columns.js';

/** A select over staged records, and which of its rows go into bronze. */
export interface CastSelect {
  from: string;
  fits: string;
}

/** Columns whose value is cast: those of text are taken as they are, variants come from another one's cast. */
export const isCast = (column: TypedColumn): boolean =>
  column.field !== null && column.type !== 'text' && column.variantOf === undefined;
const hasField = (column: TypedColumn): column is TypedColumn & { field: number } => column.field !== null;

/**
 * A select over the staged text that has each column cast, beside its text and the position columns; `fits` says
 * whether every value of a row fits. DuckDB's own casts are too kind for a bronze layer (1.5 becomes the integer 2, a
 * time's offset is dropped), so each type says what it takes. The layers make it cast each value once.
 */
export function castSelect(casting: Casting, staged: string, nulls: string[]): CastSelect {
  const typed = casting.columns.filter(isCast);
  const names = ['record, line, byte, length', ...fieldsOf(casting).map(textName)];
  const tries = typed.map((column) => `${tryValue(column)} AS t${column.field}`);
  const casts = typed.map((column) => `${castOf(column)} AS ${castName(column)}`);
  const from = `(SELECT ${[...names, ...casts].join(', ')} FROM (
    SELECT ${[...names, ...tries].join(', ')} FROM (
    SELECT ${['record, line, byte, length', ...textsOf(casting, nulls)].join(', ')} FROM ${staged})))`;
  const conditions = [
    ...casting.columns.flatMap(fitsOf),
    ...casting.leftOut.filter(({ then }) => then === 'reject').map((column) => `${textName(column)} IS NULL`),
    ...(casting.rejectAll === null ? [] : ['false']),
  ];
  return { from, fits: conditions.join(' AND ') || 'true' };
}

/**
 * The same for a relation whose fields were read as their columns' types, and whose values are known to be sure: there
 * is nothing left to cast.
 */
export function typedSelect(casting: Casting, typed: string): CastSelect {
  const values = casting.columns
    .filter(({ field, variantOf }) => field !== null && variantOf === undefined)
    .map((column) => `f${column.field} AS ${castName(column)}`);
  return { from: `(SELECT record, ${values.join(', ')} FROM ${typed})`, fits: 'true' };
}

/**
 * The columns of {@link castSelect} under their own names.
 * @param sure of {@link typedSelect}, where nothing can misfit
 */
export const selectColumns = ({ columns }: Casting, sure = false): string[] =>
  columns.map((column) => `${valueOf(column, columns, sure)} AS ${quoteIdent(column.name)}`);

function valueOf(column: TypedColumn, columns: TypedColumn[], sure: boolean): string {
  if (!hasField(column)) return `NULL::${duckType(column.type)}`;
  if (column.variantOf === undefined) return castName(column);
  const of = columns.find(({ name }) => name === column.variantOf);
  return !sure && of && isCast(of) ? `CASE WHEN ${isMisfit(of)} THEN ${shownText(of)} END` : 'NULL::VARCHAR';
}

/** An aggregate over {@link castSelect}: values left out; null when none can be. */
export function discardedCount({ columns, leftOut }: Casting): string | null {
  const counts = [
    ...columns
      .filter(isCast)
      .filter(({ misfit }) => misfit === 'discard')
      .map(
        (column) =>
          `count(*) FILTER (WHERE ${isMisfit(column)}${isNested(column.type) ? ` OR ${isPart(column)}` : ''})`,
      ),
    ...leftOut.filter(({ then }) => then === 'discard').map((column) => `count(${textName(column)})`),
  ];
  return counts.length > 0 ? counts.join(' + ') : null;
}

/** An aggregate over {@link castSelect} for each column that may have variants: whether it has. */
export const variantChecks = ({ columns }: Casting): { name: string; has: string }[] =>
  columns
    .filter(isCast)
    .filter(({ misfit }) => misfit === 'variant')
    .map((column) => ({ name: column.name, has: `coalesce(bool_or(${isMisfit(column)}), false)` }));

/** An expression that says which values of a row do not fit, for people. */
export function reasonOf({ columns, leftOut, rejectAll }: Casting): string {
  const reasons = columns.flatMap((column) => {
    const label = `column ${quoteIdent(column.name)}: `;
    if (!hasField(column)) return column.required ? [quoteText(`${label}a value is required`)] : [];
    const formats = column.formats ? ` (${column.formats.join(' or ')})` : '';
    const missing = `WHEN ${absent(column)} THEN ${quoteText(`${label}a value is required`)}`;
    const wrong =
      `WHEN ${castName(column)} IS NULL AND NOT ${absent(column)} ` +
      `THEN ${quoteText(`${label}'`)} || left(trim(${shownText(column)}), 60) || ${quoteText(`' is not ${column.type}${formats}`)}`;
    const cases = [
      ...(column.required ? [missing] : []),
      ...(isCast(column) && column.misfit === 'reject' ? [wrong] : []),
    ];
    return cases.length > 0 ? [`CASE ${cases.join(' ')} END`] : [];
  });
  for (const { name, field, then, stray } of leftOut) {
    if (then !== 'reject') continue;
    const why = stray
      ? `${quoteText(`column ${quoteIdent(name)}: '`)} || left(r${field}, 60) || ${quoteText(`' is not an object`)}`
      : quoteText(`column ${quoteIdent(name)} is not one of the stream's`);
    reasons.push(`CASE WHEN r${field} IS NOT NULL THEN ${why} END`);
  }
  if (rejectAll !== null) reasons.push(quoteText(rejectAll));
  return `concat_ws('; ', ${reasons.length > 0 ? reasons.join(', ') : "''"})`;
}

/** Fields that are read, each once. */
const fieldsOf = ({ columns, leftOut }: Casting): { field: number }[] =>
  [...new Set([...columns.filter(hasField), ...leftOut].map(({ field }) => field))].map((field) => ({
    field,
  }));

const textsOf = (casting: Casting, nulls: string[]): string[] =>
  fieldsOf(casting).map((column) => `${namedNull(`f${column.field}`, nulls)} AS ${textName(column)}`);

const textName = ({ field }: { field: number | null }): string => `r${field}`;
/** The value as it came: a nested one that does not fit is staged with a mark before it. */
const shownText = (column: TypedColumn): string =>
  isNested(column.type) ? `ltrim(${textName(column)}, chr(1))` : textName(column);
/** Of a nested value some members were left out: it is staged with a blank before it. */
const isPart = (column: TypedColumn): string => `coalesce(starts_with(${textName(column)}, ' '), false)`;
const castName = (column: TypedColumn): string => (isCast(column) ? `c${column.field}` : textName(column));

/** The field, null where its text is one that means null. */
export const namedNull = (field: string, nulls: string[]): string =>
  nulls.length > 0
    ? `CASE WHEN ${field} IN (${nulls.map(quoteText).join(', ')}) THEN NULL ELSE ${field} END`
    : field;

/** No value: blanks matter in text only. Never null itself. */
const absent = (column: TypedColumn): string =>
  column.type === 'text' ? `(${textName(column)} IS NULL)` : `(coalesce(trim(${textName(column)}), '') = '')`;

const isMisfit = (column: TypedColumn): string => `(${castName(column)} IS NULL AND NOT ${absent(column)})`;

function fitsOf(column: TypedColumn): string[] {
  if (column.field === null) return column.required ? ['false'] : [];
  if (column.required) {
    if (!isCast(column) || column.misfit === 'reject') return [`${castName(column)} IS NOT NULL`];
    return [`NOT ${absent(column)}`];
  }
  // the second test costs something and is made for the few only that have no value
  return isCast(column) && column.misfit === 'reject'
    ? [`CASE WHEN ${castName(column)} IS NOT NULL THEN true ELSE ${absent(column)} END`]
    : [];
}

const tryValue = (column: TypedColumn): string =>
  column.formats ? 'NULL' : tryCast(textName(column), column.type);

/** Takes the value as DuckDB cast it when that is surely right, and looks closer only when it is not. */
function castOf({ type, field, formats }: TypedColumn): string {
  const [text, tried] = [`r${field}`, `t${field}`];
  const closer = castValue(type, `trim(${text})`, formats);
  if (formats) return closer;
  return `CASE WHEN ${surely(type, text, tried)} THEN ${tried} ELSE ${closer} END`;
}

function surely(type: string, text: string, tried: string): string {
  if (type === 'double') return `isfinite(${tried}) AND NOT contains(${text}, '_')`;
  if (type === 'date') return `${tried} IS NOT NULL AND strlen(${text}) = 10`;
  // without an offset, a zone or a fraction
  if (type === 'timestamp') return `${tried} IS NOT NULL AND strlen(${text}) = 19 AND ${text}[17] = ':'`;
  if (type === 'boolean') return `${text} IN ('true', 'false')`;
  if (type === 'json' || isNested(type)) return `${tried} IS NOT NULL`;
  if (type === 'timestamptz' || type === 'time' || type === 'binary') return 'false';
  return `${tried}::VARCHAR = ${text}`;
}

/** @returns an expression that is null when `value`, without blanks around it, is no text of that type */
export function castValue(type: string, value: string, formats?: string[]): string {
  if (formats)
    return `TRY_CAST(try_strptime(${value}, [${formats.map(quoteText).join(', ')}]) AS ${duckType(type)})`;
  switch (type) {
    case 'text':
      return value;
    case 'boolean':
      return `CASE WHEN lower(${value}) IN ('true', 't', 'yes', 'y', '1') THEN true
        WHEN lower(${value}) IN ('false', 'f', 'no', 'n', '0') THEN false END`;
    case 'double':
      return when(
        `isfinite(TRY_CAST(${value} AS DOUBLE)) AND NOT contains(${value}, '_')`,
        tryCast(value, type),
      );
    case 'date':
      return when(`length(${value}) = 10`, tryCast(value, type));
    case 'time':
      return when(
        `regexp_full_match(${value}, '[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?')`,
        tryCast(value, type),
      );
    case 'timestamp':
      // an offset would be dropped without a word; 'Z' says what bronze assumes anyway
      return when(
        `length(${value}) >= 10 AND NOT contains(substr(${value}, 11), '+') AND NOT contains(substr(${value}, 11), '-')`,
        tryCast(value, type),
      );
    case 'timestamptz':
      return when(`length(${value}) >= 10`, tryCast(value, type));
    case 'binary':
      // as JSON and XML carry bytes
      return `TRY(from_base64(${value}))`;
  }
  const scale = /^decimal\(\d+,\s?(\d+)\)$/.exec(type)?.[1];
  if (scale !== undefined)
    return when(`regexp_full_match(${value}, '[+-]?[0-9]*[.]?[0-9]{0,${scale}}0*')`, tryCast(value, type));
  if (INTEGERS.has(type)) return when(`regexp_full_match(${value}, '[+-]?[0-9]+')`, tryCast(value, type));
  return tryCast(value, type);
}

const INTEGERS = new Set([
  ...['int32', 'int64', 'TINYINT', 'SMALLINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'HUGEINT'],
]);

function tryCast(value: string, type: string): string {
  if (type === 'binary') return 'NULL::BLOB';
  // a nested value is staged as JSON
  return isNested(type)
    ? `TRY_CAST(TRY_CAST(${value} AS JSON) AS ${duckType(type)})`
    : `TRY_CAST(${value} AS ${duckType(type)})`;
}
const when = (condition: string, value: string): string => `CASE WHEN ${condition} THEN ${value} END`;
