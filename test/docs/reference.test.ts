import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { referencePages } = (await import(join(root, 'scripts/docs.mjs'))) as {
  referencePages: () => Record<string, string>;
};
const pages = Object.entries(referencePages());

test.each(pages)('%s says what the code says; else run: npm run docs', (path, text) => {
  expect(readFileSync(join(root, path), 'utf8')).toBe(text);
});

test.each(pages)('%s leaves nothing without a meaning', (_path, text) => {
  // the last cell of each table row
  const silent = text.split('\n').filter((line) => /^\| .* \|\s*\|$/.test(line));
  expect(silent).toEqual([]);
});
