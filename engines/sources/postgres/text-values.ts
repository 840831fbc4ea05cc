import { duckType } from '../../lake/types.js';

/** A column of bronze that is made of a text of the server. */
export interface TextColumn {
  /** of bronze: `int64`, `decimal(10,2)`, `VARCHAR[]` */
  type: string;
  /** type that the column has in the source: another one where a type was declared, or the stream is wider */
  sourceType: string;
  /** a row without a value does not fit */
  required: boolean;
}

/** Types all of whose texts DuckDB reads by itself, whatever the server sends. */
const PLAIN = new Set(['text', 'boolean', 'int32', 'int64', 'double', 'uuid']);

/** The type to read a column of the server's CSV with; the rest is cast by {@link castText}. */
export const csvType = ({ type, sourceType }: TextColumn): string =>
  PLAIN.has(type) && sourceType === type ? duckType(type) : 'VARCHAR';

/**
 * An expression for the value of a column that was read as {@link csvType}. The server knows values that bronze does
 * not: `infinity` and years BC as dates, NaN as numeric, arrays of several dimensions.
 * @param onMisfit `fail` makes the statement fail at the first of those, `null` gives NULL
 */
export function castText(text: string, column: TextColumn, onMisfit: 'fail' | 'null'): string {
  if (csvType(column) !== 'VARCHAR') return text;
  const { type } = column;
  if (type === 'text') return text;
  const cast = (value: string, to = type): string =>
    `${onMisfit === 'fail' ? 'CAST' : 'TRY_CAST'}(${value} AS ${duckType(to)})`;
  const misfit = onMisfit === 'fail' ? `error('a value does not fit')` : 'NULL';
  const unless = (odd: string, value: string): string => `CASE WHEN ${odd} THEN ${misfit} ELSE ${value} END`;
  if (type.endsWith('[]'))
    return unless(`json_type(${text}, '$[0]') = 'ARRAY'`, castList(text, type.slice(0, -2), cast));
  switch (type) {
    case 'json':
      return cast(text);
    case 'binary':
      return `unhex(substr(${text}, 3))`;
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      // 'infinity', '-infinity' and '0044-03-15 BC', whose end DuckDB would drop
      return unless(`right(${text}, 1) IN ('y', 'C')`, cast(text));
    case 'int32':
    case 'int64':
      return unless(`NOT regexp_full_match(${text}, '[+-]?[0-9]+')`, cast(text));
    default: {
      const scale = /^decimal\(\d+,\s?(\d+)\)$/.exec(type)?.[1];
      // of a numeric without a scale of its own, digits would be rounded away
      return scale !== undefined && column.sourceType !== type
        ? unless(`NOT regexp_full_match(${text}, '[+-]?[0-9]*[.]?[0-9]{0,${scale}}0*')`, cast(text))
        : cast(text);
    }
  }
}

/** A list comes as a JSON array of texts, so that no number passes through a double. */
function castList(text: string, element: string, cast: (value: string, to?: string) => string): string {
  const texts = `from_json(${text}, '["VARCHAR"]')`;
  if (element === 'VARCHAR') return texts;
  if (element === 'BLOB') return `list_transform(${texts}, lambda x: unhex(substr(x, 3)))`;
  const odd = /^(DATE|TIMESTAMP)/.test(element)
    ? `list_transform(${texts}, lambda x: CASE WHEN right(x, 1) IN ('y', 'C') THEN 'does not fit' ELSE x END)`
    : texts;
  return cast(odd, `${element}[]`);
}

/** Whether the value of a row does not fit: there is a text, and no value of it. */
export const isMisfit = (text: string, value: string, { required }: TextColumn): string =>
  required ? `${value} IS NULL` : `(${text} IS NOT NULL AND ${value} IS NULL)`;

/** SQL of the server for a column of a copy: arrays as JSON of texts, the rest as it is. */
export const serverText = (column: string, sourceType: string): string =>
  sourceType.endsWith('[]') ? `array_to_json(${column}::text[])` : column;
