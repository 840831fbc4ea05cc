import type { BronzeSchema } from '../../schemas/lake.js';
import type { TypeName } from '../../schemas/source.js';
import { quoteIdent, quoteText } from '../warehouse/port.js';

/** One column of bronze and where it comes from. */
export interface TypedColumn {
  name: string;
  type: TypeName;
  /** 0-based field in the record */
  field: number;
  formats?: string[] | undefined;
  required?: boolean | undefined;
}

export const schemaOf = (columns: TypedColumn[]): BronzeSchema =>
  columns.map(({ name, type }) => ({ name, type }));

const SQL_TYPES: Record<string, string> = {
  ...{ text: 'VARCHAR', boolean: 'BOOLEAN', int32: 'INTEGER', int64: 'BIGINT', double: 'DOUBLE' },
  ...{ date: 'DATE', timestamp: 'TIMESTAMP', timestamptz: 'TIMESTAMPTZ' },
};

/** @returns the type as DuckDB writes it */
export const sqlType = (type: TypeName): string => SQL_TYPES[type] ?? type.toUpperCase();

/**
 * A select over the staged text that has each column cast, beside its text and the position columns; `fits` says
 * whether every value of a row fits. DuckDB's own casts are too kind for a bronze layer (1.5 becomes the integer 2, a
 * time's offset is dropped), so each type says what it takes. The layers make it cast each value once.
 */
export function castSelect(
  columns: TypedColumn[],
  staged: string,
  nulls: string[],
): { from: string; fits: string } {
  const typed = columns.filter(({ type }) => type !== 'text');
  const position = 'record, line, byte, length';
  const texts = columns.map((column) => `${namedNull(`f${column.field}`, nulls)} AS ${textName(column)}`);
  const tries = typed.map((column) => `${tryValue(column)} AS t${column.field}`);
  const casts = typed.map((column) => `${castOf(column)} AS ${castName(column)}`);
  const names = columns.map(textName);
  const from = `(SELECT ${[position, ...names, ...casts].join(', ')} FROM (
    SELECT ${[position, ...names, ...tries].join(', ')} FROM (
    SELECT ${['record::BIGINT AS record, line, byte, length', ...texts].join(', ')} FROM ${staged})))`;
  const fits = columns.flatMap(fitsOf).join(' AND ') || 'true';
  return { from, fits };
}

/** The columns of {@link castSelect} under their own names. */
export const selectColumns = (columns: TypedColumn[]): string[] =>
  columns.map((column) => `${castName(column)} AS ${quoteIdent(column.name)}`);

/** An expression that says which values of a row do not fit, for people. */
export function reasonOf(columns: TypedColumn[]): string {
  const reasons = columns.flatMap((column) => {
    const text = textName(column);
    const label = `column ${quoteIdent(column.name)}: `;
    const formats = column.formats ? ` (${column.formats.join(' or ')})` : '';
    const missing = `WHEN ${absent(column)} THEN ${quoteText(`${label}a value is required`)}`;
    const wrong =
      `WHEN ${castName(column)} IS NULL AND NOT ${absent(column)} ` +
      `THEN ${quoteText(`${label}'`)} || left(trim(${text}), 60) || ${quoteText(`' is not ${column.type}${formats}`)}`;
    const cases = [...(column.required ? [missing] : []), ...(column.type === 'text' ? [] : [wrong])];
    return cases.length > 0 ? [`CASE ${cases.join(' ')} END`] : [];
  });
  return `concat_ws('; ', ${reasons.length > 0 ? reasons.join(', ') : "''"})`;
}

const textName = ({ field }: TypedColumn): string => `r${field}`;
const castName = (column: TypedColumn): string =>
  column.type === 'text' ? textName(column) : `c${column.field}`;

/** The field, null where its text is one that means null. */
export const namedNull = (field: string, nulls: string[]): string =>
  nulls.length > 0
    ? `CASE WHEN ${field} IN (${nulls.map(quoteText).join(', ')}) THEN NULL ELSE ${field} END`
    : field;

/** No value: blanks matter in text only. Never null itself. */
const absent = (column: TypedColumn): string =>
  column.type === 'text' ? `(${textName(column)} IS NULL)` : `(coalesce(trim(${textName(column)}), '') = '')`;

function fitsOf(column: TypedColumn): string[] {
  if (column.required) return [`${castName(column)} IS NOT NULL`];
  // the second test costs something and is made for the few only that have no value
  return column.type === 'text'
    ? []
    : [`CASE WHEN ${castName(column)} IS NOT NULL THEN true ELSE ${absent(column)} END`];
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

function surely(type: TypeName, text: string, tried: string): string {
  if (type === 'double') return `isfinite(${tried}) AND NOT contains(${text}, '_')`;
  if (type === 'date') return `${tried} IS NOT NULL AND strlen(${text}) = 10`;
  // without an offset, a zone or a fraction
  if (type === 'timestamp') return `${tried} IS NOT NULL AND strlen(${text}) = 19`;
  if (type === 'boolean') return `${text} IN ('true', 'false')`;
  if (type === 'timestamptz') return 'false';
  return `${tried}::VARCHAR = ${text}`;
}

/** @returns an expression that is null when `value`, without blanks around it, is no text of that type */
export function castValue(type: TypeName, value: string, formats?: string[]): string {
  if (formats)
    return `TRY_CAST(try_strptime(${value}, [${formats.map(quoteText).join(', ')}]) AS ${sqlType(type)})`;
  switch (type) {
    case 'text':
      return value;
    case 'boolean':
      return `CASE WHEN lower(${value}) IN ('true', 't', 'yes', 'y', '1') THEN true
        WHEN lower(${value}) IN ('false', 'f', 'no', 'n', '0') THEN false END`;
    case 'int32':
    case 'int64':
      return when(`regexp_full_match(${value}, '[+-]?[0-9]+')`, tryCast(value, type));
    case 'double':
      return when(
        `isfinite(TRY_CAST(${value} AS DOUBLE)) AND NOT contains(${value}, '_')`,
        tryCast(value, type),
      );
    case 'date':
      return when(`length(${value}) = 10`, tryCast(value, type));
    case 'timestamp':
      // an offset would be dropped without a word; 'Z' says what bronze assumes anyway
      return when(
        `length(${value}) >= 10 AND NOT contains(substr(${value}, 11), '+') AND NOT contains(substr(${value}, 11), '-')`,
        tryCast(value, type),
      );
    case 'timestamptz':
      return when(`length(${value}) >= 10`, tryCast(value, type));
    default: {
      const scale = Number(/,\s?(\d+)\)/.exec(type)?.[1] ?? 0);
      return when(`regexp_full_match(${value}, '[+-]?[0-9]*[.]?[0-9]{0,${scale}}0*')`, tryCast(value, type));
    }
  }
}

const tryCast = (value: string, type: TypeName): string => `TRY_CAST(${value} AS ${sqlType(type)})`;
const when = (condition: string, value: string): string => `CASE WHEN ${condition} THEN ${value} END`;
