import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { csv } from '../../../schemas/format.js';
import { RecordScanner, splitFields, type Dialect } from '../../../engines/sources/csv/record-scanner.js';
import { Bench, quarantineOf, rowsOf } from './support.js';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench.close());

const hard = fc.constantFrom(
  '"',
  '""',
  ',',
  ';',
  '\n',
  '\r',
  '\r\n',
  '\\',
  "'",
  ' ',
  '\t',
  'ä',
  '漢',
  '🎉',
  '\0',
  '#',
  'NULL',
  '\uFEFF',
);
const value = fc
  .oneof(
    fc.string({ unit: fc.oneof(hard, fc.string({ minLength: 1, maxLength: 2 })), maxLength: 6 }),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
  )
  .filter((text) => !text.startsWith('\uFEFF')); // DuckDB's client takes it for a byte order mark
const file = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|', '^', ' ', '§', 'x'),
  eol: fc.constantFrom('\n', '\r\n', '\r'),
  lastEol: fc.boolean(),
  always: fc.boolean(),
  rows: fc
    .integer({ min: 1, max: 5 })
    .chain((width) =>
      fc.array(fc.array(value, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 }),
    ),
});

/** Writes as RFC 4180 says; an empty text is quoted, because unquoted it is null. */
function write({
  delimiter,
  eol,
  lastEol,
  always,
  rows,
}: {
  delimiter: string;
  eol: string;
  lastEol: boolean;
  always: boolean;
  rows: string[][];
}): string {
  const needs = (text: string): boolean =>
    always || text === '' || [delimiter, '"', '\r', '\n'].some((mark) => text.includes(mark));
  const field = (text: string): string => (needs(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const body = rows.map((row) => row.map(field).join(delimiter)).join(eol);
  return lastEol ? body + eol : body;
}

test('any table written as RFC 4180 is scanned back equal, however it is cut into chunks', () => {
  fc.assert(
    fc.property(file, fc.integer({ min: 1, max: 40 }), (table, step) => {
      const bytes = Buffer.from(write(table));
      const dialect: Dialect = { delimiter: Buffer.from(table.delimiter), quote: 0x22, escape: 0x22 };
      const read: string[][] = [];
      const scanner = new RecordScanner({
        dialect,
        ...{ valid: () => true, encodingName: 'utf-8' },
        onRecord: ({ bytes: from, start, end, fault, byte }) => {
          expect(fault).toBeUndefined();
          expect(bytes.subarray(byte, byte + end - start)).toEqual(from.subarray(start, end));
          read.push(splitFields(from.subarray(start, end), dialect).map((field) => field.bytes.toString()));
        },
      });
      scanner.width = table.rows[0]?.length;
      for (let at = 0; at < bytes.length; at += step) scanner.push(bytes.subarray(at, at + step));
      scanner.end();
      expect(read).toEqual(table.rows);
    }),
    { numRuns: 2_000 },
  );
});

test('any table written as RFC 4180 reads back equal from Parquet', async () => {
  await fc.assert(
    fc.asyncProperty(file, async (table) => {
      const columns = Object.fromEntries(
        (table.rows[0] ?? []).map((_, index) => [`c${index}`, 'text' as const]),
      );
      const staged = await bench.extract(write(table), {
        format: csv({ delimiter: table.delimiter, header: false, encoding: 'utf-8' }),
        columns,
      });
      expect(await rowsOf(staged)).toEqual(table.rows);
    }),
    { numRuns: 60 },
  );
}, 30_000);

test('a poison record first, in the middle or last never breaks read = loaded + quarantined', async () => {
  const poison = fc.constantFrom(
    '1,"x',
    '1,"x"y',
    '1',
    '1,2,3',
    'abc,2',
    '"',
    '1,"a\nb",c',
    '1,\xFF',
    '""",1',
  );
  await fc.assert(
    fc.asyncProperty(poison, fc.constantFrom(0, 5, 10), async (record, place) => {
      const lines = Array.from({ length: 10 }, (_, n) => `${n},"v ${n}"`);
      lines.splice(place, 0, record);
      const bytes = Buffer.from(`id,v\n${lines.join('\n')}\n`, 'latin1');
      const staged = await bench.extract(bytes, {
        format: csv({ encoding: 'utf-8' }),
        columns: { id: 'int32', v: 'text' },
        tolerance: 0.5,
      });
      const { read, loaded, quarantined, filtered } = staged.batch;
      expect(loaded).toBe(10);
      expect(read).toBe(loaded + quarantined + filtered);
      const kept = await quarantineOf(staged);
      expect(kept).toHaveLength(quarantined);
      expect(
        Buffer.concat(
          kept.map(({ raw }, index) => (index ? Buffer.concat([Buffer.from('\n'), raw]) : raw)),
        ).toString('latin1'),
      ).toBe(record);
      expect(kept[0]?.line).toBe(place + 2);
    }),
    { numRuns: 27 },
  );
}, 30_000);

test('a line that is longer than a record may be costs that line and no memory', () => {
  const dialect: Dialect = { delimiter: Buffer.from(','), quote: 0x22, escape: 0x22 };
  const seen: [number, number, string | undefined][] = [];
  const scanner = new RecordScanner({
    ...{ dialect, valid: () => true, encodingName: 'utf-8', maxRecordBytes: 100_000 },
    onRecord: ({ line, byte, fault }) => seen.push([line, byte, fault]),
  });
  scanner.width = 2;
  scanner.push(Buffer.from('1,a\n2,'));
  for (let n = 0; n < 50; n++) scanner.push(Buffer.alloc(10_000, 'x'));
  scanner.push(Buffer.from('\n3,c\n'));
  scanner.end();
  expect(seen).toEqual([
    [1, 0, undefined],
    [2, 4, 'it is longer than 100000 bytes; only its first 65536 bytes are kept here'],
    [3, 500_007, undefined],
  ]);
});

/** Values that a type takes, that only DuckDB would take, and that nobody does. */
const odd = fc.constantFrom(
  ...[
    '1',
    '-1',
    '0',
    '007',
    '+5',
    ' 5',
    '5 ',
    '1.5',
    '1.0',
    '1.',
    '.5',
    '1e3',
    '1_000',
    '0x1F',
    '--1',
    '-',
    '1-2',
    'abc',
  ],
  ...[
    '2147483648',
    '9223372036854775808',
    '12345678901234567890123',
    '1.005',
    '123456789.12',
    'NaN',
    'inf',
    '1e999',
  ],
  ...[
    '2025-01-05',
    '2025-1-5',
    '2025/01/05',
    '2025-02-30',
    '20250105',
    '12025-01-5',
    '0000-00-00',
    '2025-01-05 10:00:00',
  ],
  ...[
    '2025-01-05T10:00:00',
    '2025-01-05 10:00-02',
    '2025-01-05 10:00+02',
    '2025-01-05 10:00:00Z',
    '2025-01-05 10:00:0a',
  ],
  ...[
    'true',
    'false',
    'TRUE',
    't',
    'on',
    'off',
    'truth',
    '',
    '',
    '""',
    '"1"',
    '"a,b"',
    '"x""y"',
    'ä',
    '"2025-01-05"',
  ],
);
const TYPED = ['int32', 'int64', 'double', 'decimal(10,2)', 'date', 'timestamp', 'boolean', 'text'] as const;

test('plain text is read as the scanner reads it: the same rows, the same misfits', async () => {
  const good = ['1', '2', '0.5', '1.25', '2025-01-05', '2025-01-05 10:00:00', 'true', 't', 'z'];
  // one odd value a row, so that many files are made of sure values only
  const row = fc.tuple(odd, fc.nat(8)).map(([value, at]) => good.with(at, value));
  const table = fc.array(row, { minLength: 1, maxLength: 4 });
  const columns = Object.fromEntries(TYPED.map((type, n) => [`c${n}`, type]));
  await fc.assert(
    fc.asyncProperty(table, fc.constantFrom('\n', '\r\n'), async (rows, eol) => {
      const header = [...Object.keys(columns), 'last'].join(',');
      const text = [header, good.join(','), ...rows.map((row) => row.join(',')), ''].join(eol);
      const read = async (content: string): Promise<unknown[]> => {
        const spec = { columns: { ...columns, last: 'text' as const }, tolerance: 1 };
        const staged = await bench.extract(content, spec);
        const kept = await quarantineOf(staged);
        return [
          await rowsOf(staged),
          kept.map(({ record, reason, raw }) => [record, reason, raw.toString()]),
        ];
      };
      // an empty line is no record, but makes the text one that only the scanner reads
      expect(await read(text)).toEqual(await read(text.replace(eol, eol + eol)));
    }),
    { numRuns: 40 },
  );
}, 60_000);
