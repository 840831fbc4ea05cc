// JSON schemas in words.

const COLUMN_TYPES = '../sources.md#columns-and-types';
const DURATION = "duration: `'90s'`, `'15m'`, `'24h'`, `'7d'`";
const PATTERNS = [
  [/^\^\\d\+\(ms/, () => DURATION],
  [/^\^\(text\|boolean/, () => `[column type](${COLUMN_TYPES})`],
  [/^\^\(env\|file\)/, () => "reference: `'env:NAME'` or `'file:/path'`"],
  [/MB\|GB/, () => "size: `'512MB'`, `'2GB'`"],
  [/\\\.\(\[a-z/, () => "`'source.stream'` or `'source.*'`"],
  [/\{0,62\}/, () => 'name'],
];

/** What may stand in the place of a schema: itself, or the alternatives of a union. */
export const alternatives = (schema) =>
  (schema.oneOf ?? schema.anyOf)?.flatMap(alternatives) ??
  (Array.isArray(schema.type) ? schema.type.map((type) => ({ ...schema, type })) : [schema]);

export const isRecord = (schema) =>
  typeof schema.additionalProperties === 'object' && schema.properties === undefined;

/**
 * A JSON schema in words.
 * @param {object} schema
 * @param {(schema: object) => string} objectAs says where the options of an object are
 */
export function typeOf(schema, objectAs = () => 'object') {
  const choices = alternatives(schema);
  if (choices.length > 1) return [...new Set(choices.map((one) => typeOf(one, objectAs)))].join(' or ');
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(', ');
  if (schema.items) return `list of ${typeOf(schema.items, objectAs)}`;
  if (isRecord(schema)) return `by name: ${typeOf(schema.additionalProperties, objectAs)}`;
  if (schema.properties) return objectAs(schema);
  if (schema.type === 'string') return textType(schema);
  if (schema.type === 'integer' || schema.type === 'number')
    return `${schema.type === 'integer' ? 'whole number' : 'number'}${rangeOf(schema)}`;
  return schema.type ?? 'anything';
}

function textType({ pattern = '', format }) {
  if (format === 'uri') return 'address';
  return PATTERNS.find(([known]) => known.test(pattern))?.[1]() ?? 'text';
}

function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }) {
  const limits = [
    exclusiveMinimum !== undefined && `above ${exclusiveMinimum}`,
    minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER && `from ${minimum}`,
    exclusiveMaximum !== undefined && `below ${exclusiveMaximum}`,
    maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && `to ${maximum}`,
  ].filter(Boolean);
  return limits.length > 0 ? ` ${limits.join(' ')}` : '';
}

export const code = (value) =>
  `\`${typeof value === 'string' ? `'${value}'` : JSON.stringify(value).replaceAll(',', ', ')}\``;
