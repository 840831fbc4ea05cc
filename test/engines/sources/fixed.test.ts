import iconv from 'iconv-lite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fixed } from '../../../schemas/format.js';
import { Bench, quarantineOf, rowsOf } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

const fields = {
  id: { start: 1, length: 4 },
  name: { start: 5, length: 8 },
  amount: { start: 13, length: 7 },
};

test('fields are cut by character, trimmed, and cast like those of delimited text', async () => {
  const text = 'HEADER\n   1Zoë "x"   10.50\r\n   2   ,        n/a\n   3Bob\n\n   4Ann           x\n';
  const staged = await bench.extract(text, {
    format: fixed({ fields, skipLines: 1, nulls: ['n/a'] }),
    columns: { id: 'int32', name: 'text', amount: 'decimal(10,2)' },
    tolerance: 0.5,
  });
  expect(await rowsOf(staged)).toEqual([
    [1, 'Zoë "x"', '10.50'],
    [2, ',', null],
  ]);
  expect(await quarantineOf(staged)).toMatchObject([
    { record: 3, line: 4, reason: 'it ends at character 7, within the field of characters 5 to 12' },
    {
      record: 4,
      line: 6,
      reason: `column "amount": 'x' is not decimal(10,2)`,
      raw: Buffer.from('   4Ann           x'),
    },
  ]);
});

test('types are inferred, and a single-byte encoding keeps its places', async () => {
  const text = iconv.encode('0001Jürgen      1.5\n0002Zoë         2.5\n', 'windows-1252');
  const staged = await bench.extract(text, { format: fixed({ fields, encoding: 'windows-1252' }) });
  expect(staged.batch.schema.map(({ type }) => type)).toEqual(['text', 'text', 'double']);
  expect(await rowsOf(staged)).toEqual([
    ['0001', 'Jürgen', 1.5],
    ['0002', 'Zoë', 2.5],
  ]);
});

test('blanks are kept where that is declared', async () => {
  const staged = await bench.extract('  a bc\n', {
    format: fixed({ fields: { v: { start: 1, length: 6 } }, trim: false }),
  });
  expect(await rowsOf(staged)).toEqual([['  a bc']]);
});
