#!/usr/bin/env node
// Writes engines/copybook/pages/tables.ts from the EBCDIC tables of the C library: node scripts/code-pages.mjs
// Needs the iconv command of glibc. A page is the 192 characters of bytes 0x40 to 0xFF; the control characters below
// are the same in all of them and stand in code-page.ts.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const PAGES = [
  ...[
    '037',
    '273',
    '274',
    '275',
    '277',
    '278',
    '280',
    '281',
    '284',
    '285',
    '290',
    '297',
    '420',
    '423',
    '424',
    '500',
  ],
  ...[
    '803',
    '838',
    '870',
    '871',
    '875',
    '880',
    '905',
    '918',
    '1025',
    '1026',
    '1047',
    '1097',
    '1112',
    '1122',
    '1123',
  ],
  ...['1130', '1132', '1137', '1140', '1141', '1142', '1143', '1144', '1145', '1146', '1147', '1148', '1149'],
  ...['1153', '1154', '1155', '1156', '1157', '1158', '1160', '1164', '1166', '4971'],
];

/** Pages that the C library lacks, as others with a difference. */
const DERIVED = {
  // Thai without the euro
  838: () => page('1160').replace('€', ' '),
};

/** Byte by byte, so that one without a character is seen. */
function page(name) {
  let characters = '';
  for (let byte = 0x40; byte < 0x100; byte++) {
    const input = Buffer.from([byte]);
    const { stdout, stderr } = spawnSync('iconv', ['-c', '-f', `IBM${name}`, '-t', 'UTF-8'], { input });
    if (/not supported/.test(stderr.toString())) throw new Error(`iconv does not know IBM${name}`);
    const text = stdout.toString();
    characters += text.length === 1 ? text : ' ';
  }
  return characters;
}

const quoted = (text) =>
  `'${text.replace(
    /[\\'\u0000-\u001f\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202f\ufeff\u0300-\u036f\u0e31-\u0e3a\u0e47-\u0e4e\u0590-\u08ff\ue000-\uffff]/g,
    (c) => (/[\\']/.test(c) ? `\\${c}` : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  )}'`;

const lines = PAGES.map((name) => `  '${name}':\n    ${quoted((DERIVED[name] ?? page)(name))},`);
writeFileSync(
  new URL('../engines/copybook/pages/tables.ts', import.meta.url),
  `/* Made by scripts/code-pages.mjs from the tables of glibc; do not edit. */\n
/** EBCDIC code pages: the characters of bytes 0x40 to 0xFF; a byte without one is a blank. */
// prettier-ignore
export const TABLES: Record<string, string> = {\n${lines.join('\n')}\n};\n`,
);
