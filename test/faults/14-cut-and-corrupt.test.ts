import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copybook, csv, parquet } from '../../schemas/format.js';
import { Bench, quarantineOf, rowsOf, withSession } from '../engines/sources/support.js';
import { packed, saleOf, SALE_BYTES, SALE_COPYBOOK } from '../support/sales.js';

const RECORDS = 40;
const format = { ...copybook('sale.cpy'), texts: { 'sale.cpy': SALE_COPYBOOK } };
const sales = Buffer.concat(Array.from({ length: RECORDS }, (_, n) => saleOf(n + 1)));
/** Places spread over a file, odd ones too, its last byte among them. */
const cuts = (size: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => 1 + Math.floor((n * (size - 2)) / (count - 1)));

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

test('a mainframe file that ends in a record, wherever, loses nothing: the rest of it is aside with its byte', async () => {
  for (const size of [2, 1, 11, 29].map((part) => 7 * SALE_BYTES + part)) {
    const staged = await bench.extract(sales.subarray(0, size), { format, tolerance: 0.2 });
    expect(staged.batch).toMatchObject({ read: 8, loaded: 7, quarantined: 1, filtered: 0 });
    const [rest] = await quarantineOf(staged);
    expect(rest).toMatchObject({ record: 8, byte: 7 * SALE_BYTES });
    expect(rest?.raw).toEqual(sales.subarray(7 * SALE_BYTES, size));
  }
});

test('a packed decimal with any digit or sign that is none is aside with its byte, and is never a zero', async () => {
  const broken = ['a000001', '0b00001', '00c0001', '000d001', '0000e01', '00000f1', '000000a'];
  const bad = [
    ...broken.map((digits) => packed(digits)),
    Buffer.from('00000012', 'hex'),
    Buffer.from('00000019', 'hex'),
  ];
  const records = bad.flatMap((amount, n) => [saleOf(2 * n + 1), saleOf(2 * n + 2, amount)]);
  const staged = await bench.extract(Buffer.concat(records), { format, tolerance: 0.6 });
  expect(staged.batch).toMatchObject({ read: 2 * bad.length, loaded: bad.length, quarantined: bad.length });
  const kept = await quarantineOf(staged);
  for (const [n, one] of kept.entries()) {
    const start = (2 * n + 1) * SALE_BYTES;
    expect(one).toMatchObject({ record: 2 * n + 2, byte: start, raw: records[2 * n + 1] });
    expect(Number(/at byte (\d+)/.exec(one.reason)?.[1]) - start - 25).toBeOneOf([0, 1, 2, 3]);
    expect(one.reason).toMatch(/^AMOUNT: /);
  }
  const amounts = (await rowsOf(staged)).map((row) => Number(row[2]));
  expect(amounts).toEqual(bad.map((_, n) => (2 * n + 1) / 100));
});

test('gzip that is cut anywhere is refused with the byte at which it ends', async () => {
  const rows = Array.from({ length: 5_000 }, (_, id) => `${id},${(id * 7_919) % 10_007}`);
  const whole = gzipSync(`id,n\n${rows.join('\n')}\n`);
  for (const size of cuts(whole.length, 25)) {
    // of so few bytes nobody can tell that they were gzip
    if (size < 2) continue;
    const failed = bench.extract(whole.subarray(0, size), { format: csv() });
    await expect(failed, `${size} bytes`).rejects.toMatchObject({
      type: 'SourceUnreadable',
      where: { byte: size },
    });
  }
  expect((await bench.extract(whole, { format: csv() })).batch.loaded).toBe(5_000);
});

test('Parquet that is cut anywhere is refused with its byte', async () => {
  const path = `${bench.root}/whole.parquet`;
  await withSession((session) =>
    session.run(
      `COPY (SELECT i AS id, md5(i::VARCHAR) AS text FROM range(3000) t(i)) TO '${path}' (FORMAT parquet)`,
    ),
  );
  const whole = await readFile(path);
  for (const size of cuts(whole.length, 25)) {
    const failed = bench.extract(whole.subarray(0, size), { format: parquet() });
    await expect(failed, `${size} bytes`).rejects.toMatchObject({
      ...{ type: expect.stringMatching(/SourceUnreadable|FormatMismatch/), retryable: false },
    });
  }
  const torn = Buffer.from(whole);
  torn.fill(0, 4_000, 4_400);
  const outcome = await bench.extract(torn, { format: parquet() }).catch((error: unknown) => error);
  expect(outcome).toMatchObject({ type: 'SourceUnreadable' });
});
