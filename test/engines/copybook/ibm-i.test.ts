import { describe, expect, test } from 'vitest';
import { compileCopybook } from '../../../engines/copybook/compile.js';
import { dateOfCyymmdd, journalReader } from '../../../engines/copybook/ibm-i.js';

describe('dates of IBM i', () => {
  test.each([
    [1260115, '2026-01-15'],
    [991231, '1999-12-31'],
    [1000229, '2000-02-29'],
    [0, null],
    [null, null],
  ])('%j is %j', (value, date) => {
    expect(dateOfCyymmdd(value)).toBe(date);
  });
  test('a number that is no day is refused', () => {
    expect(() => dateOfCyymmdd(1260230)).toThrow('1260230 (CYYMMDD) is no day');
  });
});

const orders = compileCopybook({
  copybooks: [
    { name: 'orders', text: '       01 O.\n         05 ID PIC 9(4).\n         05 QTY PIC S9(3) COMP-3.' },
  ],
});

const ebcdic = (text: string): Buffer =>
  Buffer.from(
    [...text].map((c) =>
      c === ' '
        ? 0x40
        : /\d/.test(c)
          ? 0xf0 + Number(c)
          : c <= 'I'
            ? 0xc1 + c.charCodeAt(0) - 65
            : c <= 'R'
              ? 0xd1 + c.charCodeAt(0) - 74
              : 0xe2 + c.charCodeAt(0) - 83,
    ),
  );

function entry(
  type: string,
  row: Buffer,
  { code = 'R', file = 'ORDERS', sequence = 7, incomplete = '0' } = {},
): Buffer {
  const head = [
    '00131',
    String(sequence).padStart(10, '0'),
    code,
    type,
    '011526',
    '083000',
    'JOB'.padEnd(10),
    'ME'.padEnd(10),
    '000042',
    'PGM'.padEnd(10),
    file.padEnd(10),
    'SHOP'.padEnd(10),
    file.padEnd(10),
    '0000000012',
    '0',
    '0000000000',
    incomplete,
    '0',
    ''.padEnd(6),
  ].join('');
  return Buffer.concat([ebcdic(head), row]);
}
const row = Buffer.concat([ebcdic('0042'), Buffer.from([0x01, 0x5c])]);

describe('journal entries', () => {
  const read = journalReader({ 'SHOP/ORDERS': orders });

  test('become changes of rows', () => {
    expect(read(entry('PT', row))).toEqual({
      ...{
        op: 'insert',
        rollback: false,
        sequence: 7,
        timestamp: '2026-01-15T08:30:00',
        recordNumber: 12,
        commitId: 0,
      },
      object: { library: 'SHOP', file: 'ORDERS', member: 'ORDERS' },
      row: { ID: 42, QTY: 15 },
    });
    expect(
      ['UB', 'UP', 'DL', 'BR', 'UR', 'DR']
        .map((type) => read(entry(type, row)))
        .map((change) => [change?.op, change?.rollback]),
    ).toEqual([
      ['before', false],
      ['update', false],
      ['delete', false],
      ['before', true],
      ['update', true],
      ['delete', true],
    ]);
  });

  test('of other files and of commits are none', () => {
    expect(read(entry('PT', row, { file: 'OTHER' }))).toBeUndefined();
    expect(read(entry('CM', Buffer.alloc(0), { code: 'C' }))).toBeUndefined();
    expect(read(entry('CR', Buffer.alloc(0), { code: 'F' }))).toMatchObject({ op: 'truncate', row: null });
  });

  test('that are cut off or incomplete are refused', () => {
    expect(() => read(entry('PT', row).subarray(0, 50))).toThrow('has 50 bytes, its fixed part alone 125');
    expect(() => read(entry('PT', row.subarray(0, 3)))).toThrow('has 3 bytes of the 6');
    expect(() => read(entry('UP', Buffer.alloc(0)))).toThrow('has no record image');
    expect(() => read(entry('PT', row, { incomplete: '1' }))).toThrow('points at data that is not in it');
  });
});
