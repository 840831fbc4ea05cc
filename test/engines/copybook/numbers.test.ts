import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileCopybook } from '../../../engines/copybook/compile.js';
import { Decimal, decimal } from '../../../engines/copybook/decimal.js';
import { toJsonLine } from '../../../engines/copybook/json.js';
import { float, shortestFloat32 } from '../../../engines/copybook/numbers/float.js';

const one = (clauses: string, options = {}) => {
  const compiled = compileCopybook({
    copybooks: [{ name: 'r.cpy', text: `       01 R.\n          05 A ${clauses}.` }],
    options,
  });
  return (bytes: Uint8Array | number[] | string): string | null => {
    const row = compiled.decode(
      typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Uint8Array.from(bytes),
    );
    return row['A'] === null ? null : toJsonLine(row).slice('{"A":'.length, -1);
  };
};
const ebcdicDigits = (digits: string): number[] => [...digits].map((digit) => 0xf0 + Number(digit));
const plain = (digits: string): string => digits.replace(/^0+(?=.)/, '');

/** Numbers as COBOL writes them, made here a second time and another way. */
const write = {
  display: (digits: string, negative: boolean): number[] => {
    const bytes = ebcdicDigits(digits);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) - (negative ? 0x20 : 0x30);
    return bytes;
  },
  packed: (digits: string, negative: boolean): number[] => {
    const nibbles = `${digits.length % 2 === 0 ? '0' : ''}${digits}${negative ? 'd' : 'c'}`;
    return [...Buffer.from(nibbles, 'hex')];
  },
  binary: (digits: string, negative: boolean, length: number): number[] => {
    const value = BigInt.asUintN(length * 8, negative ? -BigInt(digits) : BigInt(digits));
    return [...Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex')];
  },
};

const digitsOf = (least: number, most: number) =>
  fc
    .integer({ min: least, max: most })
    .chain((length) => fc.tuple(fc.stringMatching(new RegExp(`^[0-9]{${length}}$`)), fc.boolean()));

describe('whole numbers come back with every digit', () => {
  const expected = (digits: string, negative: boolean): string =>
    negative && /[1-9]/.test(digits) ? `-${plain(digits)}` : plain(digits);

  test('DISPLAY with an overpunched sign, up to 38 digits', () => {
    fc.assert(
      fc.property(digitsOf(1, 38), ([digits, negative]) => {
        expect(one(`PIC S9(${digits.length})`)(write.display(digits, negative))).toBe(
          expected(digits, negative),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('COMP-3, up to 38 digits', () => {
    fc.assert(
      fc.property(digitsOf(1, 38), ([digits, negative]) => {
        expect(one(`PIC S9(${digits.length}) COMP-3`)(write.packed(digits, negative))).toBe(
          expected(digits, negative),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('COMP in either byte order, up to 38 digits', () => {
    fc.assert(
      fc.property(digitsOf(1, 38), ([digits, negative]) => {
        const big = one(`PIC S9(${digits.length}) COMP`);
        const little = one(`PIC S9(${digits.length}) COMP-9`);
        const length = compileCopybook({
          copybooks: [{ name: 'r', text: `       01 A.\n         05 B PIC S9(${digits.length}) COMP.` }],
        }).layout.recordLength;
        const short = digits.length <= 2 ? 1 : length;
        expect(big(write.binary(digits, negative, length))).toBe(expected(digits, negative));
        expect(little(write.binary(digits, negative, short).reverse())).toBe(expected(digits, negative));
      }),
      { numRuns: 60 },
    );
  });

  test('decimals keep their scale, however they are stored', () => {
    fc.assert(
      fc.property(digitsOf(4, 37), fc.integer({ min: 1, max: 3 }), ([digits, negative], scale) => {
        const picture = `PIC S9(${digits.length - scale})V9(${scale})`;
        const value = decimal(negative, digits, scale, { precision: digits.length, scale })?.text;
        expect(one(picture)(write.display(digits, negative))).toBe(value);
        expect(one(`${picture} COMP-3`)(write.packed(digits, negative))).toBe(value);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what is no number is null, and nothing becomes zero', () => {
  test.each([
    ['PIC 9(3) COMP-3', [0x12, 0x3a]],
    ['PIC 9(3) COMP-3', [0x1b, 0x3c]],
    ['PIC 9(3) COMP-3', [0x40, 0x40]],
    ['PIC 9(4) COMP-3U', [0x12, 0x3f]],
    ['PIC 9(3)', [0xf1, 0xc1, 0xf2]],
    ['PIC 9(3)', [0x40, 0x40, 0x40]],
    ['PIC 9(3)', [0, 0, 0]],
    ['PIC 9(3)V99', [0x40, 0x40, 0x40, 0x40, 0x40]],
    ['PIC S9(3)', [0xd1, 0xd2, 0xf3]],
    ['PIC 9(3)', [0x60, 0xf1, 0xf2]],
    ['PIC 9(2).9', [0xf1, 0x4b, 0x4b, 0xf1]],
    ['PIC 9(10) COMP', [0xff, 0, 0, 0, 0, 0, 0, 0]],
    ['PIC 99V9 COMP', [0xff, 0xff]],
    ['PIC 9(3)', [0xf1, 0xf2]],
  ])('%s of %j', (clauses, bytes) => {
    expect(one(clauses)(bytes)).toBeNull();
  });

  test('without null detection blanks are zero where the picture has a point', () => {
    expect(one('PIC 9(3)V99', { improved_null_detection: 'false' })([0x40, 0x40, 0x40, 0x40, 0x40])).toBe(
      '0.00',
    );
  });
});

test.each([
  ['PIC PPP9(2)', ebcdicDigits('45'), '0.00045'],
  ['PIC 9(2)PPP', ebcdicDigits('45'), '45000'],
  ['PIC SVP9(3)', write.display('123', true), '-0.0123'],
  ['PIC +9(2)', [0x4e, 0xf1, 0xf2], '12'],
  ['PIC 9(2)-', [0xf1, 0xf2, 0x60], '-12'],
  ['PIC Z(3)9.99', [0x40, 0x40, 0xf1, 0xf2, 0x4b, 0xf5, 0xf0], '12.50'],
  ['PIC $Z,ZZ9.99CR', [0x5b, 0xf1, 0x6b, 0xf2, 0xf3, 0xf4, 0x4b, 0xf5, 0xf0, 0xc3, 0xd9], '-1234.50'],
  ['PIC S9(2) SIGN LEADING', [0xd1, 0xf2], '-12'],
  ['PIC S9(2) LEADING SEPARATE', [0x60, 0xf1, 0xf2], '-12'],
  ['PIC 9(9) COMP', [0xff, 0xff, 0xff, 0xfe], '4294967294'],
  ['PIC 9(4) COMP-3U', [0x12, 0x34], '1234'],
  ['PIC 9(2) NATIONAL', [0, 0x31, 0, 0x32], '12'],
  ['PIC 9(18) COMP', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], '18446744073709551615'],
])('%s of %j is %s', (clauses, bytes, value) => {
  expect(one(clauses)(bytes)).toBe(value);
});

test('a positive sign punched over an unsigned number is accepted only when asked for', () => {
  expect(one('PIC 9(2)')([0xf1, 0xc2])).toBeNull();
  expect(one('PIC 9(2)', { strict_sign_overpunching: 'false' })([0xf1, 0xc2])).toBe('12');
  expect(one('PIC 9(2)', { strict_sign_overpunching: 'false' })([0xf1, 0xd2])).toBeNull();
  expect(one('PIC S9(3)', { encoding: 'ascii' })('12}')).toBe('-120');
});

describe('floats', () => {
  test('IBM hexadecimal floats of both lengths', () => {
    const bytes = Buffer.from('C276A00000000000', 'hex');
    expect(float(bytes, 0, 4, 'hfp')).toBe(-118.625);
    expect(float(bytes, 0, 8, 'hfp')).toBe(-118.625);
    expect(float(Buffer.from(bytes).reverse(), 0, 8, 'hfp_little_endian')).toBe(-118.625);
  });

  test('IEEE 754 floats come back in the shortest text that reads the same', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const bytes = Buffer.alloc(4);
        bytes.writeFloatBE(value);
        const read = shortestFloat32(float(bytes, 0, 4, 'ieee754'));
        expect(Math.fround(read)).toBe(value);
        expect(String(read).length).toBeLessThanOrEqual(String(value).length);
      }),
    );
  });
});

test('decimals that a column is too short for are null, decimals too long for it are rounded half up', () => {
  expect(decimal(false, '12345', 2, { precision: 4, scale: 2 })).toBeNull();
  expect(decimal(true, '12345', 3, { precision: 4, scale: 2 })).toEqual(new Decimal('-12.35'));
  expect(decimal(true, '0', 0, { precision: 4, scale: 2 })).toEqual(new Decimal('0.00'));
});

test('DISPLAY numbers may stay text, with their zeros and signs', () => {
  const options = { encoding: 'ascii', display_pic_always_string: 'true' };
  expect(one('PIC 9(4)', options)('0001')).toBe('"0001"');
  expect(one('PIC S9(4)', options)('  2{')).toBe('"+20"');
  expect(one('PIC S9(4)', options)('001J')).toBe('"-0011"');
  expect(one('PIC 99V99', options)('0110')).toBe('1.10');
});
