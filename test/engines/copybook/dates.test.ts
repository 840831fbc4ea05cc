import { describe, expect, test } from 'vitest';
import { compileCopybook } from '../../../engines/copybook/compile.js';
import { dateReader } from '../../../engines/copybook/date-format.js';

const day = (value: string | number, formats: string[], nulls: string[] = []) => {
  const days = dateReader({ type: 'date', formats, nulls })(value);
  return typeof days === 'number' ? new Date(days * 86_400_000).toISOString().slice(0, 10) : days;
};

describe('dates of IBM i', () => {
  test.each([
    [1_260_115, 'CYYMMDD', '2026-01-15'],
    [991_231, 'CYYMMDD', '1999-12-31'],
    [101, 'CYYMMDD', '1900-01-01'],
    [1_000_229, 'CYYMMDD', '2000-02-29'],
    [50_115, 'YYMMDD', '2005-01-15'],
    [400_115, 'YYMMDD', '1940-01-15'],
    [20_260_115, 'YYYYMMDD', '2026-01-15'],
    ['2026-01-15', '*ISO', '2026-01-15'],
    ['01/15/2026', '*USA', '2026-01-15'],
    ['15.01.2026', '*EUR', '2026-01-15'],
    ['26/01/15', '*YMD', '2026-01-15'],
    ['15/01/26', '*DMY', '2026-01-15'],
    ['26/015', '*JUL', '2026-01-15'],
    ['126/01/15', '*CYMD', '2026-01-15'],
    ['2026-01-15', '%Y-%m-%d', '2026-01-15'],
    ['0001-01-01', '*ISO', '0001-01-01'],
  ])('%j as %s is %s', (value, format, expected) => {
    expect(day(value, [format])).toBe(expected);
  });

  test.each([
    [1_260_230, 'CYYMMDD'],
    [0, 'CYYMMDD'],
    [9_999_999, 'CYYMMDD'],
    [-1_260_115, 'CYYMMDD'],
    ['2026-1-15', '*ISO'],
    ['26/366', '*JUL'],
  ])('%j as %s is none, which is a fault', (value, format) => {
    expect(day(value, [format])).toBeNull();
  });

  test('formats are tried in order, and declared values mean none', () => {
    expect(day('15.01.2026', ['*ISO', '*EUR'])).toBe('2026-01-15');
    expect(day(0, ['CYYMMDD'], ['0'])).toBeUndefined();
  });

  test('timestamps keep their microseconds, also at the end of time', () => {
    const read = dateReader({ type: 'timestamp', formats: ['YYYY-MM-DD-hh.mm.ss.ffffff'], nulls: [] });
    expect(read('2026-01-15-08.30.00.000123')).toBe(BigInt(Date.UTC(2026, 0, 15, 8, 30)) * 1000n + 123n);
    expect(read('9999-12-31-24.00.00.000000')).toBe(BigInt(Date.UTC(10_000, 0, 1)) * 1000n);
  });
});

describe('declared dates', () => {
  const copybooks = [
    { name: 'c', text: '       01 R.\n         05 G.\n           10 D PIC 9(7).\n         05 B PIC X COMP.' },
  ];
  const declared = (column: string) =>
    compileCopybook({ copybooks, dates: { [column]: { type: 'date', formats: ['CYYMMDD'], nulls: [] } } });

  test('reach fields in groups', () => {
    expect(declared('g.d').columns[0]?.type).toEqual({
      kind: 'struct',
      fields: [{ name: 'D', type: { kind: 'date' } }],
    });
  });

  test('are refused for fields that are not there or hold none', () => {
    expect(() => declared('D')).toThrow('Column D of the stream: the copybook has no such field');
    expect(() => declared('B')).toThrow('holds no dates');
  });
});
