/** What every generated page begins with. */
export const GENERATED = '<!-- Generated from the code by `npm run docs`; a test fails when it is stale. -->';

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** @param {string[]} head @param {string[][]} rows */
export const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows.map((row) => row.map(cell))]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

/** @param {string[]} blocks */
export const page = (...blocks) => `${[GENERATED, ...blocks].join('\n\n')}\n`;

/** The anchor of a heading, as Markdown viewers make it. @param {string} heading */
export const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
