// Options of copybook files, in the groups of schemas/copybook.ts.
import { join } from 'node:path';
import { z } from 'zod';
import { Declarations } from './comments.mjs';
import { page, table } from './markdown.mjs';
import { code, typeOf } from './types.mjs';

/**
 * @param {string} root
 * @param {{ CopybookOptions: z.ZodType, COPYBOOK_PREFIXES: Record<string, readonly string[]>, COPYBOOK_IGNORED: readonly string[], codePages: string[] }} copybook
 */
export function copybookPage(root, { CopybookOptions, COPYBOOK_PREFIXES, COPYBOOK_IGNORED, codePages }) {
  const declarations = new Declarations(join(root, 'schemas'), ['copybook.ts']);
  const members = declarations.members('CopybookOptions');
  const { properties } = z.toJSONSchema(CopybookOptions, { io: 'output', unrepresentable: 'any' });
  const groups = new Map();
  for (const [name, schema] of Object.entries(properties)) {
    const { text = '', group = '' } = members.get(name) ?? {};
    const rows = groups.get(group) ?? groups.set(group, []).get(group);
    rows.push([`\`${name}\``, typeOf(schema), defaultOf(schema), text]);
  }
  const prefixes = declarations.members('COPYBOOK_PREFIXES');
  return page(
    '# Copybook options',
    'What `copybook(files, options)` and `millrace copybook decode --options <file>` take, under the names of Cobrix. Names and values may be ' +
      'written in any case, values as text, too. How they work together: [copybooks.md](../copybooks.md).',
    ...[...groups].flatMap(([group, rows]) => [
      `## ${group === '' ? 'In general' : group[0].toUpperCase() + group.slice(1)}`,
      table(['option', 'type', 'default', 'meaning'], rows),
    ]),
    '## Options that are given several times',
    'What follows the name is a number, or for code pages the name of one. `-` may stand for `_` in all but the last two.',
    table(
      ['option', 'meaning'],
      Object.entries(COPYBOOK_PREFIXES).map(([key, [name]]) => [
        `\`${name}${name.endsWith(':') ? '<page>' : '…'}\``,
        prefixes.get(key)?.text ?? '',
      ]),
    ),
    '## Code pages',
    `${codePages
      .toSorted()
      .map((name) => `\`${name}\``)
      .join(', ')}. \`IBM-037\` and \`037\` are \`cp037\`, and so on.`,
    '## Taken without effect',
    `They steer Spark, or name what is given elsewhere: ${COPYBOOK_IGNORED.map((name) => `\`${name}\``).join(', ')}.`,
  );
}

function defaultOf({ default: value }) {
  if (value === undefined) return 'optional';
  if (value === '') return 'none';
  return value === Number.MAX_SAFE_INTEGER ? 'no limit' : code(value);
}
