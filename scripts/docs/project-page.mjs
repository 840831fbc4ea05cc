// Every option of millrace.ts: types and defaults from the zod schemas, meanings from the comments beside them.
import { join } from 'node:path';
import { z } from 'zod';
import { Declarations } from './comments.mjs';
import { anchorOf, page, table } from './markdown.mjs';
import { alternatives, code, isRecord, typeOf } from './types.mjs';

/**
 * @typedef {object} Section one object of the schema
 * @property {string} path where it stands: `sources.<name>.streams.<name>`
 * @property {string[]} kinds what tells it from others at that place, innermost last: `kind 'files'`
 * @property {Row[]} rows
 * @property {string} body what it says; two of one body are written once
 */
/** @typedef {{ name: string, required: boolean, schema: object, below: Section[], text: string }} Row */

/** @param {string} root @param {z.ZodType} Project */
export function projectPage(root, Project) {
  const declarations = new Declarations(join(root, 'schemas'));
  const schema = z.toJSONSchema(Project, { io: 'input', unrepresentable: 'any', override: withDefault });
  const sections = [];
  collect(sections, {
    declarations,
    path: 'project',
    kinds: [],
    schema,
    members: declarations.members('Project'),
  });
  const written = new Map();
  for (const section of sections) if (!written.has(section.body)) written.set(section.body, section);
  const shown = [...written.values()];
  const titleOf = (section) => title(written.get(section.body), shown);
  return page(
    '# `millrace.ts`, option by option',
    'The file exports one `project({ … })` as its default. `<name>` stands for a name of your own: lower case letters, ' +
      'digits and `_`, beginning with a letter. What has no default and is not marked optional must be there. ' +
      'An option that does not exist is an error, with a suggestion.',
    ...shown.flatMap((section) => [
      `## ${titleOf(section)}`,
      table(
        ['option', 'type', 'default', 'meaning'],
        section.rows.map((row) => [`\`${row.name}\``, typeCell(row, titleOf), defaultOf(row), row.text]),
      ),
    ]),
  );
}

/** What is left out where the default stands behind a transformation: nobody could write it, but it is there. */
function withDefault({ zodSchema, jsonSchema }) {
  const { type, defaultValue } = zodSchema._zod.def;
  if (type === 'default') jsonSchema.default ??= defaultValue;
}

/** Adds a section for an object, then those of the objects in it. @returns {Section} */
function collect(sections, { declarations, path, kinds, schema, members }) {
  const section = { path, kinds, rows: [], body: '' };
  sections.push(section);
  for (const [name, property] of Object.entries(schema.properties)) {
    const { text = '', value } = members?.get(name) ?? {};
    const inner = path === 'project' ? name : `${path}.${name}`;
    const declared = declarations.objectsOf(value);
    const found = objectsIn(property);
    const below = found.map((one, index) =>
      collect(sections, {
        declarations,
        path: inner + one.suffix,
        kinds: found.length > 1 ? [...kinds, kindOf(one.schema)] : kinds,
        schema: one.schema,
        members: declared[index],
      }),
    );
    const required = (schema.required ?? []).includes(name);
    section.rows.push({ name, required, schema: property, below, text });
  }
  section.body = JSON.stringify(
    section.rows.map(({ below, ...row }) => [row, below.map(({ body }) => body)]),
  );
  return section;
}

/** The objects with options of their own that a property holds, and how the path goes on to each. */
function objectsIn(schema) {
  if (schema.properties) return [{ schema, suffix: '' }];
  if (schema.items) return suffixed(objectsIn(schema.items), '[]');
  if (isRecord(schema)) return suffixed(objectsIn(schema.additionalProperties), '.<name>');
  const choices = alternatives(schema);
  return choices.length > 1 ? choices.flatMap(objectsIn) : [];
}

const suffixed = (found, suffix) => found.map((one) => ({ ...one, suffix: suffix + one.suffix }));

/** What tells one object of a union from the others. */
function kindOf({ properties, required = [] }) {
  const { kind } = properties;
  if (kind) return `kind ${(kind.enum ?? [kind.const]).map(code).join(' or ')}`;
  return `with \`${required[0] ?? Object.keys(properties)[0]}\``;
}

/** The heading of a section: with its kind where there are others at the same place. */
function title({ path, kinds }, shown) {
  const others = shown.filter((one) => one.path === path);
  if (others.length === 1) return `\`${path}\``;
  const own = kinds.at(-1);
  const clear = others.filter((one) => one.kinds.at(-1) === own).length === 1;
  return [`\`${path}\``, ...(clear ? [own] : kinds)].filter(Boolean).join(', ');
}

/** A type, with links to the objects in it. @param {Row} row */
function typeCell({ schema, below }, titleOf) {
  const waiting = [...below];
  return typeOf(schema, (object) => {
    const section = waiting.shift();
    const [label] = below.length > 1 ? [kindOf(object)] : ['object'];
    return `[${label}](#${anchorOf(titleOf(section))})`;
  });
}

/** @param {Row} row */
function defaultOf({ required, schema, below }) {
  if (schema.default === undefined) return required ? '**required**' : 'optional';
  // an object's defaults stand with its own options; of several, which one it is
  if (below.length === 0 || isRecord(schema) || typeof schema.default !== 'object')
    return code(schema.default);
  if (below.length === 1) return 'as below';
  const { kind } = schema.default;
  return kind === undefined ? code(schema.default) : `kind ${code(kind)}`;
}
