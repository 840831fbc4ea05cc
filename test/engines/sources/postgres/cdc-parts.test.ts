import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arrayAsJson } from '../../../../engines/sources/postgres/cdc/array-text.js';
import { formatLsn, parseLsn, Visible } from '../../../../engines/sources/postgres/cdc/lsn.js';
import { parseCsvRow } from '../../../../engines/sources/postgres/csv-row.js';

describe('a snapshot', () => {
  test('shows what had ended, not what was under way or came later', () => {
    const visible = new Visible('100:105:100,103');
    const shown = [99, 100, 101, 102, 103, 104, 105, 106].filter((xid) => visible.shows(xid));
    expect(shown).toEqual([99, 101, 102, 104]);
  });

  test('knows the numbers of transactions before and after they began anew at 2^32', () => {
    const epoch = 3n * 2n ** 32n;
    const visible = new Visible(`${epoch - 5n}:${epoch + 5n}:${epoch - 5n},${epoch + 2n}`);
    const before = 2 ** 32;
    expect([before - 6, before - 5, before - 4].map((xid) => visible.shows(xid))).toEqual([
      true,
      false,
      true,
    ]);
    expect([1, 2, 4, 5, 6].map((xid) => visible.shows(xid))).toEqual([true, false, true, false, false]);
  });

  test('waits for those that were under way before, not for later ones', () => {
    const before = new Visible('10:20:10,15');
    expect(new Visible('15:30:15,25').waitsFor(before)).toBe(true);
    expect(new Visible('25:30:25').waitsFor(before)).toBe(false);
  });
});

test('a position in the log reads as the server writes it', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (lsn) => parseLsn(formatLsn(lsn)) === lsn),
  );
  expect(formatLsn(parseLsn('16/B374D848'))).toBe('16/B374D848');
});

test('an array of any texts becomes JSON of the same texts', () => {
  const written = (values: (string | null)[]): string =>
    `{${values.map((one) => (one === null ? 'NULL' : `"${one.replaceAll(/["\\]/g, '\\$&')}"`)).join(',')}}`;
  fc.assert(
    fc.property(fc.array(fc.option(fc.string({ unit: 'grapheme' }))), (values) => {
      expect(JSON.parse(arrayAsJson(written(values)))).toEqual(values);
    }),
  );
  expect(arrayAsJson('{{1,2},{NULL,4}}')).toBe('[["1","2"],[null,"4"]]');
  expect(arrayAsJson('[0:1]={a,b}')).toBe('["a","b"]');
});

test('a row of any texts is read from CSV as it was', () => {
  const field = (text: string | null): string => (text === null ? '' : `"${text.replaceAll('"', '""')}"`);
  fc.assert(
    fc.property(fc.array(fc.option(fc.string({ unit: 'binary' })), { minLength: 1 }), (values) => {
      const valid = values.map((one) => (one === null ? null : Buffer.from(one).toString()));
      expect(parseCsvRow(Buffer.from(`${valid.map(field).join(',')}\n`))).toEqual(valid);
    }),
  );
  expect(parseCsvRow(Buffer.from('1,,"a,""b"\n'))).toEqual(['1', null, 'a,"b']);
});
