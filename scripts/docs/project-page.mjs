// Every option of millrace.ts: types and defaults from the zod schemas, meanings from the comments beside them.
import { join } from 'node:path';
import { z } from 'zod';
import { Declarations } from './comments.mjs';
import { page, table } from './markdown.mjs';

/** @param {string} root @param {z.ZodType} Project */
export function projectPage(root, Project) {
  const declarations = new Declarations(join(root, 'schemas'));
  const schema = z.toJSONSchema(Project, { io: 'input', unrepresentable: 'any' });
  return page(
    '# `millrace.ts`, option by option',
    'The file exports one `project({ … })` as its default. `<name>` stands for a name of your own: lower case letters, ' +
      'digits and `_`, beginning with a letter. What has no default and is not marked optional must be there. ' +
      'An option that does not exist is an error, with a suggestion.',
    ...sections(declarations, 'project', schema, declarations.members('Project')),
  );
}

/** One section for an object, then those of the objects in it. */
function sections(declarations, path, schema, members) {
  const rows = [];
  const below = [];
  for (const [name, property] of Object.entries(schema.properties)) {
    const { text, value } = members.get(name) ?? { text: '' };
    const nested = objectIn(property);
    const inner = path === 'project' ? name : `${path}.${name}`;
    if (nested)
      below.push(
        ...sections(declarations, inner + nested.suffix, nested.schema, declarations.membersOf(value)),
      );
    rows.push([`\`${name}\``, typeOf(property), defaultOf(schema, name, property), text]);
  }
  return [`## \`${path}\``, table(['option', 'type', 'default', 'meaning'], rows), ...below];
}

/** The object with options of its own that a property holds, and how its path goes on. */
function objectIn(schema) {
  if (schema.properties) return { schema, suffix: '' };
  if (schema.items) return suffixed(objectIn(schema.items), '[]');
  if (isRecord(schema)) return suffixed(objectIn(schema.additionalProperties), '.<name>');
  return (schema.anyOf ?? []).map(objectIn).find(Boolean);
}

const suffixed = (found, suffix) => found && { ...found, suffix: suffix + found.suffix };
const isRecord = (schema) => typeof schema.additionalProperties === 'object' && !schema.properties;

const PATTERNS = [
  [/^\^\\d\+\(ms/, "duration: `'90s'`, `'15m'`, `'24h'`, `'7d'`"],
  [
    /^\^\(text\|boolean/,
    "`'text'`, `'boolean'`, `'int32'`, `'int64'`, `'double'`, `'date'`, `'timestamp'`, `'timestamptz'`, `'decimal(p,s)'`",
  ],
  [/^\^\(env\|file\)/, "reference: `'env:NAME'` or `'file:/path'`"],
  [/MB\|GB/, "size: `'512MB'`, `'2GB'`"],
  [/\\\.\(\[a-z/, "`'source.stream'` or `'source.*'`"],
  [/\{0,62\}/, 'name'],
];

/** A JSON schema in words. */
function typeOf(schema) {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(', ');
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  if (isRecord(schema)) return `by name: ${typeOf(schema.additionalProperties)}`;
  if (schema.properties) return 'object, see below';
  if (schema.type === 'string')
    return PATTERNS.find(([known]) => known.test(schema.pattern ?? ''))?.[1] ?? 'text';
  if (schema.type === 'integer' || schema.type === 'number')
    return `${schema.type === 'integer' ? 'whole number' : 'number'}${rangeOf(schema)}`;
  return schema.type ?? 'anything';
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

function defaultOf({ required = [] }, name, schema) {
  if (schema.default === undefined) return required.includes(name) ? '**required**' : 'optional';
  // an object's defaults stand with its own options
  return objectIn(schema) && !isRecord(schema) ? 'as below' : code(schema.default);
}

const code = (value) =>
  `\`${typeof value === 'string' ? `'${value}'` : JSON.stringify(value).replaceAll(',', ', ')}\``;
