import { expect, test } from 'vitest';
import { compileCopybook } from '../../../engines/copybook/compile.js';
import { asciiCharset } from '../../../engines/copybook/pages/ascii.js';
import { codePage, codePageNames } from '../../../engines/copybook/pages/code-page.js';
import type { MillraceError } from '../../../schemas/errors.js';

test('every page has a character for each byte, and letters, digits and blanks where EBCDIC has them', () => {
  for (const name of codePageNames()) {
    const { table } = codePage(name);
    expect(table, name).toHaveLength(256);
    expect([0xc1, 0xd1, 0xe9, 0xf0, 0xf9, 0x40].map((byte) => table[byte]).join(''), name).toBe('AJZ09 ');
  }
});

test.each([
  ['cp037', 0x5a, '!'],
  ['cp037', 0x4a, '¢'],
  ['cp273', 0xc0, 'ä'],
  ['cp277', 0x5b, 'Å'],
  ['cp278', 0x5b, 'Å'],
  ['cp280', 0x54, '}'],
  ['cp284', 0x7b, 'Ñ'],
  ['cp285', 0x5b, '£'],
  ['cp297', 0x51, '{'],
  ['cp500', 0x4a, '['],
  ['cp838', 0x42, 'ก'],
  ['cp870', 0x58, 'ĺ'],
  ['cp875', 0x41, 'Α'],
  ['cp1025', 0x77, 'а'],
  ['cp1047', 0xad, '['],
  ['cp1140', 0x9f, '€'],
  ['cp1141', 0x9f, '€'],
  ['cp1142', 0x5a, '€'],
  ['cp1148', 0x9f, '€'],
  ['cp1149', 0x9f, '€'],
])('%s has at %i the character %s', (name, byte, character) => {
  expect(codePage(name).table[byte]).toBe(character);
});

test('a page is found under the names that Cobrix, IBM and CCSIDs give it', () => {
  for (const name of ['cp037', '037', 'IBM-037', 'ibm037', 'CCSID 37'.replace(' 37', '037')])
    expect(codePage(name).table[0x4a]).toBe('¢');
});

test('an unknown page or charset is an error that names those that are close', () => {
  const wrong = (run: () => unknown): MillraceError => {
    try {
      run();
    } catch (error) {
      return error as MillraceError;
    }
    throw new Error('nothing was thrown');
  };
  expect(wrong(() => codePage('cp1074'))).toMatchObject({
    type: 'EncodingUnknown',
    fix: expect.stringContaining("'cp1047'"),
  });
  expect(wrong(() => asciiCharset('ISO-8859-99'))).toMatchObject({ type: 'EncodingUnknown' });
});

test('fields may have a page of their own', () => {
  const { decode } = compileCopybook({
    copybooks: [{ name: 'r', text: '       01 R.\n         05 A-1 PIC X.\n         05 B PIC X.' }],
    options: { ebcdic_code_page: 'cp037', 'field_code_page:cp870': 'a-1' },
  });
  expect(decode(Uint8Array.of(0x58, 0x58))).toEqual({ A_1: 'ĺ', B: 'ì' });
});

test('texts are trimmed as asked, and only 0x00 is null', () => {
  const decode = (policy: string, bytes: number[], more = {}) =>
    compileCopybook({
      copybooks: [{ name: 'r', text: '       01 R.\n         05 A PIC X(4).' }],
      options: { string_trimming_policy: policy, ...more },
    }).decode(Uint8Array.from(bytes))['A'];
  const bytes = [0x40, 0xc1, 0x00, 0x40];
  expect(['both', 'left', 'right', 'none'].map((policy) => decode(policy, bytes))).toEqual([
    'A',
    'A  ',
    ' A',
    ' A  ',
  ]);
  expect(decode('both', [0, 0, 0, 0])).toBeNull();
  expect(decode('both', [0, 0, 0, 0], { improved_null_detection: 'false' })).toBe('');
  expect(decode('none', [0x40, 0x40, 0x40, 0x40])).toBe('    ');
});

test('ASCII text is read in its charset, without control characters', () => {
  const decode = (bytes: Buffer, options = {}) =>
    compileCopybook({
      copybooks: [{ name: 'r', text: '       01 R.\n         05 A PIC X(4).' }],
      options: { encoding: 'ascii', ...options },
    }).decode(bytes)['A'];
  expect(decode(Buffer.from('é\u0001x'))).toBe('éx');
  expect(decode(Buffer.from('éx', 'latin1'), { ascii_charset: 'ISO-8859-1' })).toBe('éx');
  expect(decode(Buffer.from('aéx', 'latin1'), { ascii_charset: 'US-ASCII' })).toBe('a x');
  expect(decode(Buffer.from('aéx', 'latin1'))).toBe('a\ufffdx');
  expect(decode(Buffer.from([0x80, 0x31]), { ascii_charset: 'windows-1252' })).toBe('€1');
  // an EBCDIC field in a file that is ASCII otherwise
  expect(decode(Buffer.from([0xc1, 0x81]), { 'field_code_page:cp037': 'A' })).toBe('Aa');
});

test('CCSIDs are code pages by number, and those that are no EBCDIC say what they are', () => {
  expect([37, 273, 1141, 500].map((ccsid) => codePage(String(ccsid)).table)).toEqual(
    ['cp037', 'cp273', 'cp1141', 'cp500'].map((name) => codePage(name).table),
  );
  const text = '       01 R.\n         05 T PIC X.';
  const read = (options: Record<string, string | number>) =>
    compileCopybook({ copybooks: [{ name: 'c', text }], options }).decode(Buffer.from([0xc0]))['T'];
  expect([read({ ccsid: 273 }), read({ ebcdic_code_page: 273 }), read({ ccsid: '37' })]).toEqual([
    'ä',
    'ä',
    '{',
  ]);
  expect(() => codePage('65535')).toThrow('CCSID 65535 says that the data is untagged');
  expect(() => codePage('1208')).toThrow('CCSID 1208 is UTF-8, no EBCDIC');
  expect(() => read({ ccsid: 37, ebcdic_code_page: 'cp037' })).toThrow('cannot be used together');
});

test('code pages of two bytes a character are told apart from those that nobody knows', () => {
  for (const name of ['cp300', 'cp00300', 'cp1364', 'IBM-1388'])
    expect(() => codePage(name)).toThrow('has characters of two bytes');
});
