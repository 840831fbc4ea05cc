import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnarDecoder } from '../../../engines/copybook/columns/columnar-decoder.js';
import { compileCopybook } from '../../../engines/copybook/compile.js';
import { columnValue, rowValue } from './column-values.js';

const DIGITS = [1, 2, 3, 4, 5, 8, 9, 10, 15, 16, 17, 18, 19, 20, 27, 28, 37, 38];
const CLAUSES = [
  ...DIGITS.flatMap((n) => ['', ' COMP', ' COMP-3', ' COMP-3U', ' COMP-9'].flatMap((usage) => [`PIC 9(${n})${usage}`, `PIC S9(${n})${usage}`])),
  ...[1, 2, 5, 9, 10].flatMap((n) => ['', ' COMP', ' COMP-3'].map((usage) => `PIC S9(${n})V9(${n})${usage}`)),
  ...['PPP9(5)', 'SPP9(3)', '9(5)PPP', 'S9(8)PP'].flatMap((nine) => ['', ' COMP', ' COMP-3'].map((usage) => `PIC ${nine}${usage}`)),
  ...['PIC S9(9) SIGN LEADING SEPARATE', 'PIC S9(7) SIGN TRAILING SEPARATE', 'PIC S9(5) SIGN LEADING'],
  ...['PIC +9(8)', 'PIC 9(8)-', 'PIC 9(6).99', 'PIC S9(3).9(2)', 'PIC Z(6)9', 'PIC Z(4)9.99-'],
  ...['COMP-1', 'COMP-2', 'PIC X(1)', 'PIC X(4)', 'PIC X(12)', 'PIC X(13)', 'PIC X(40)', 'PIC N(5)'],
]; // prettier-ignore

const ebcdic = [
  0xf0, 0xf1, 0xf5, 0xf9, 0xc0, 0xc9, 0xd0, 0xd5, 0x40, 0x00, 0x4b, 0x4e, 0x60, 0x0c, 0x1d, 0x12, 0x99, 0xff,
  0x7f,
];
const ascii = [
  0x30, 0x31, 0x35, 0x39, 0x7b, 0x41, 0x7d, 0x4e, 0x20, 0x00, 0x2e, 0x2b, 0x2d, 0x0c, 0x1d, 0x12, 0x99, 0xff,
  0xc3,
];

/** Bytes as they come, with those that mean something more often than others, and runs of one. */
const bytes = (length: number, known: number[]): fc.Arbitrary<Buffer> => {
  const byte = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...known) },
    fc.integer({ min: 0, max: 255 }),
  );
  const mixed = fc.array(byte, { minLength: length, maxLength: length });
  const digits = fc.array(fc.constantFrom(...known.slice(0, 4)), { minLength: length, maxLength: length });
  const runs = byte.map((one) => Array.from({ length }, () => one));
  return fc.oneof(mixed, digits, runs).map((list) => Buffer.from(list));
};

describe.each(['ebcdic', 'ascii'] as const)('every kind of field, %s', (encoding) => {
  const known = encoding === 'ebcdic' ? ebcdic : ascii;
  test.each(CLAUSES)('%s says what the row decoder says, whatever the bytes', (clause) => {
    const compiled = compileCopybook({
      copybooks: [{ name: 'test.cpy', text: `       01  R.\n           05  F  ${clause}.\n` }],
      options: { encoding, floating_point_format: 'IEEE754', ebcdic_code_page: 'cp273' },
    });
    const decoder = columnarDecoder(compiled.layout, compiled.settings);
    if ('because' in decoder) throw new Error(decoder.because);
    const column = decoder.columns[0];
    if (!column) throw new Error('no column');
    const length = compiled.layout.recordLength;
    fc.assert(
      fc.property(fc.array(bytes(length, known), { minLength: 1, maxLength: 40 }), (records) => {
        const offsets = Int32Array.from(records, (_, n) => n * length);
        const ends = offsets.map((offset) => offset + length);
        const batch = { bytes: Buffer.concat(records), count: records.length, offsets, ends };
        const { rows, bad } = decoder.decode(batch);
        const without = new Set(bad.map(({ record }) => record));
        const good = records.filter((_, n) => !without.has(n));
        expect(rows).toBe(good.length);
        good.forEach((record, row) => {
          const expected = rowValue(compiled.decode(record)['F'], column);
          // five bytes of blanks, read as packed digits, are no number that an int32 holds
          const blank = clause.includes('(9) COMP-3U') && expected === '4040404040';
          expect(columnValue(column, row)).toEqual(blank ? null : expected);
        });
        for (const { record } of bad) {
          // nothing that the row decoder can read is left out, and nothing becomes zero instead
          const value = compiled.decode(records[record] as Buffer)['F'] ?? null;
          if (value !== null) expect(Math.abs(Number(value))).toBeGreaterThan(0x7fffffff);
        }
      }),
      { numRuns: 30 },
    );
  });
});
