import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { readSimpleYaml } from '../../../engines/dbt/project/simple-yaml.js';

const library = (text: string): unknown => parseDocument(text, { version: '1.1' }).toJS();

test.each([
  'version: 2\nmodels:\n  - name: a\n    columns:\n    - name: id # the key\n      tests: [unique, not_null]\n',
  '---\na:\n  - b\n  -\n    c: 1\n  - - 1\n    - 2\nd:\ne: ~\n',
  "a: 'it''s'\nb: \"x: y # z\"\nc: {d: [1, 2.5, true], 'e f': null, g: }\n",
  'a: [\n  one,\n  {two: 2},\n]\nb: text (in brackets), and a comma\n',
  'description: |\n  first\n    second\n\n  third\n\nnext: >\n  joined\n  text\nlast: >-\n  one\n',
  'on-run-start: "{{ x }}"\n+materialized: table\nfalse_friend: trueish\nurl: http://x.org/#a\n',
  '# only a comment\n',
  '',
])('%j is read as the library reads it', (text) => {
  expect(readSimpleYaml(text)?.data).toEqual(library(text));
});

test.each([
  'a: &x 1\nb: *x\n',
  'a: 1\na: 2\n',
  'a: b: c\n',
  'a: one\n  two\n',
  '- a\nb: 1\n',
  'a:\n\t- b\n',
  'a: [1, 2\n',
  'a: "x\\ny"\n',
  'yes: 1\n',
  'a: 0x1f\n',
  'a: {b: 1} c\n',
  '? a\n: b\n',
  'a: !!str 1\n',
  '<<: {a: 1}\n',
  'a: >\n  x\n\n  y\n',
])('%j is left to the library', (text) => {
  expect(readSimpleYaml(text)).toBeUndefined();
});
