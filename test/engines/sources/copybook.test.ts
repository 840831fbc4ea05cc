import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StagedBatch } from '../../../engines/lake/bronze.js';
import {
  extractCopybookFile,
  splitCopybookFile,
  type CopybookOptions,
} from '../../../engines/sources/copybook/extract-copybook.js';
import { copybook } from '../../../schemas/format.js';
import { FileStream } from '../../../schemas/source.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'millrace-copybook-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const COPYBOOK = `
       01  SALE.
           05  ID            PIC 9(5).
           05  CUSTOMER      PIC X(20).
           05  AMOUNT        PIC S9(5)V99 COMP-3.
           05  LINES         PIC 9(1).
           05  LINE OCCURS 3 TIMES.
               10  ARTICLE   PIC X(3).
               10  QUANTITY  PIC S9(4) COMP.
`;
const LENGTH = 5 + 20 + 4 + 1 + 3 * 5;

const ebcdic = (text: string): Buffer =>
  Buffer.from(
    Array.from(text, (character) => {
      const index = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(character);
      if (index >= 0) return (index < 9 ? 0xc1 : index < 18 ? 0xd1 - 9 : 0xe2 - 18) + index;
      if (character >= '0' && character <= '9') return 0xf0 + Number(character);
      return 0x40;
    }),
  );

function sale(id: number, name = `CUSTOMER NUMBER ${id % 100}`): Buffer {
  const digits = String(id * 7).padStart(7, '0');
  const quantities = [1, 2, 3].map((n) =>
    Buffer.concat([ebcdic(`A${n}`.padEnd(3)), int16(id % 1_000 === 0 ? -n : n)]),
  );
  return Buffer.concat([
    ebcdic(String(id).padStart(5, '0')),
    ebcdic(name.padEnd(20)),
    Buffer.from(`${digits}${id % 2 === 0 ? 'd' : 'c'}`, 'hex'),
    ebcdic('2'),
    ...quantities,
  ]);
}

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};

interface Options {
  text?: string;
  ending?: string;
  options?: Record<string, string | number | boolean>;
  tolerance?: number;
  threads?: CopybookOptions;
  workDir?: string;
  signal?: AbortSignal;
  onProgress?: () => void;
}

let count = 0;
async function extract(bytes: Buffer, given: Options = {}) {
  const { text = COPYBOOK, options = {}, tolerance, threads, signal, onProgress } = given;
  const file = `sales-${count++}.${given.ending ?? 'dat'}`;
  const path = join(folder, file);
  await writeFile(path, bytes);
  const { size, mtimeMs } = await stat(path);
  const format = { ...copybook('sale.cpy', options), texts: { 'sale.cpy': text } };
  const workDir = given.workDir ?? (await mkdtemp(join(folder, 'work-')));
  const spec = FileStream.parse({ path: '*.dat', format, ...(tolerance !== undefined && { tolerance }) });
  return extractCopybookFile(
    {
      ...{ source: 'host', stream: 'sales', spec, workDir, run: 'test', extractedAt: '2025-11-10T00:00:00Z' },
      file: { file: 'sales.dat', path, bytes: size, mtimeMs },
      interval: { start: '2025-11-03T00:00:00Z', end: '2025-11-10T00:00:00Z' },
      ...{ signal, onProgress },
    },
    threads,
  );
}

async function rows(staged: StagedBatch, columns: string, kind = 'part-'): Promise<unknown[][]> {
  const paths = staged.files.filter(({ key }) => key.includes(kind)).map(({ path }) => `'${path}'`);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const reader = await connection.runAndReadAll(`SELECT ${columns} FROM read_parquet([${paths.join(', ')}])`);
  return reader.getRowsJson();
}

describe('a file of records of one length', () => {
  test('becomes typed Parquet with groups, lists and lineage', async () => {
    const staged = await extract(Buffer.concat([sale(1), sale(2), sale(1_000)]));
    expect(staged.batch).toMatchObject({ read: 3, loaded: 3, quarantined: 0, filtered: 0 });
    expect(staged.batch.schema).toEqual([
      { name: 'ID', type: 'int32' },
      { name: 'CUSTOMER', type: 'text' },
      { name: 'AMOUNT', type: 'decimal(7,2)' },
      { name: 'LINES', type: 'int32' },
      { name: 'LINE', type: 'STRUCT("ARTICLE" VARCHAR, "QUANTITY" INTEGER)[]' },
    ]);
    expect(await rows(staged, 'ID, CUSTOMER, AMOUNT, LINE, _source_file, _source_position')).toEqual([
      [1, 'CUSTOMER NUMBER 1', '0.07', line(1, 2, 3), 'sales.dat', '1'],
      [2, 'CUSTOMER NUMBER 2', '-0.14', line(1, 2, 3), 'sales.dat', '2'],
      [1_000, 'CUSTOMER NUMBER 0', '-70.00', line(-1, -2, -3), 'sales.dat', '3'],
    ]);
  });

  test('a bad packed digit is rejected with its byte, never a zero', async () => {
    const bad = sale(2);
    bad[26] = 0xa1;
    const staged = await extract(Buffer.concat([sale(1), bad, sale(3)]), { tolerance: 0.5 });
    expect(staged.batch).toMatchObject({ read: 3, loaded: 2, quarantined: 1 });
    expect(await rows(staged, 'ID, _source_position')).toEqual([
      [1, '1'],
      [3, '3'],
    ]);
    expect(await rows(staged, 'record, byte, reason, raw = ' + blob(bad), 'quarantine')).toEqual([
      ['2', String(LENGTH), `AMOUNT: bad packed digit 0xa1 at byte ${LENGTH + 26}`, true],
    ]);
  });

  test('a record that the file ends in is rejected with its byte', async () => {
    const cut = sale(3).subarray(0, 20);
    const staged = await extract(Buffer.concat([sale(1), sale(2), cut]), { tolerance: 0.5 });
    expect(staged.batch).toMatchObject({ read: 3, loaded: 2, quarantined: 1 });
    const [reject] = await rows(staged, 'record, byte, reason, raw = ' + blob(cut), 'quarantine');
    expect(reject).toEqual([
      '3',
      String(2 * LENGTH),
      expect.stringContaining('20 of 45 bytes are there'),
      true,
    ]);
  });

  test('without tolerance nothing of a broken file is loaded, and no file is left', async () => {
    const bad = sale(2);
    bad[26] = 0xff;
    const failed = extract(Buffer.concat([sale(1), bad]));
    await expect(failed).rejects.toMatchObject({ name: 'ToleranceExceeded' });
    await expect(failed).rejects.toThrow(`bad packed digit 0xff at byte ${LENGTH + 26}`);
  });

  test('blanks and zeros are no value and no fault', async () => {
    const blank = sale(1);
    blank.fill(0x40, 0, 5);
    blank.fill(0, 25, 29);
    const staged = await extract(blank);
    expect(await rows(staged, 'ID, AMOUNT')).toEqual([[null, null]]);
  });

  test('ranges decoded by several threads give the bytes that one gives', async () => {
    const records = Array.from({ length: 9_000 }, (_, n) => sale(n + 1));
    (records[5_000] as Buffer)[26] = 0xbb;
    const bytes = Buffer.concat(records);
    const [one, two] = await Promise.all(
      [1, 2].map((threads) => extract(bytes, { tolerance: 0.1, threads: { threads, rangeBytes: 100_000 } })),
    );
    const digest = ({ batch }: StagedBatch) => ({ ...batch, source: null });
    if (!one || !two) throw new Error('not extracted');
    expect(one.batch.parts).toHaveLength(5);
    expect(digest(two)).toEqual(digest(one));
    const positions = await rows(
      one,
      'count(*), min(_source_position), max(_source_position), count(DISTINCT ID)',
    );
    expect(positions).toEqual([['8999', '1', '9000', '8999']]);
    expect(await rows(two, 'ID = _source_position')).not.toContainEqual([false]);
  });

  test('ranges can be batches of their own, which together hold the file', async () => {
    const bytes = Buffer.concat(Array.from({ length: 5_000 }, (_, n) => sale(n + 1)));
    const path = join(folder, 'ranges.dat');
    await writeFile(path, bytes);
    const format = { ...copybook('sale.cpy'), texts: { 'sale.cpy': COPYBOOK }, options: {} };
    const ranges = await splitCopybookFile(path, format, 100_000);
    expect(ranges.map(({ firstRecord }) => firstRecord)).toEqual([1, 2_223, 4_445]);
    const batches = await Promise.all(ranges.map((range) => extract(bytes, { threads: { range } })));
    expect(new Set(batches.map(({ batch }) => batch.key)).size).toBe(3);
    expect(batches.map(({ batch }) => batch.read)).toEqual([2_222, 2_222, 556]);
    const found = await Promise.all(batches.map((batch) => rows(batch, 'bool_and(ID = _source_position)')));
    expect(found).toEqual([[[true]], [[true]], [[true]]]);
  });

  test('records of other segments are filtered, and positions stay those of the file', async () => {
    const options = { segment_field: 'LINES', segment_filter: '2' };
    const other = sale(2);
    other[29] = 0xf1;
    const staged = await extract(Buffer.concat([sale(1), other, sale(3)]), { options });
    expect(staged.batch).toMatchObject({ read: 3, loaded: 2, filtered: 1, quarantined: 0 });
    expect(await rows(staged, '_source_position')).toEqual([['1'], ['3']]);
    const none = await extract(other, { options });
    expect(none.batch).toMatchObject({ read: 1, loaded: 0, filtered: 1, parts: [] });
  });

  test('what is passed over is counted also behind the last row, where records are read one by one', async () => {
    const text =
      '       01 R.\n         05 S PIC X.\n         05 A PIC X(2).\n         05 B REDEFINES A PIC 99.\n';
    const options = {
      ...{ record_format: 'D', segment_field: 'S', segment_filter: '1', maximum_record_length: 3 },
      'redefine-rule:1': 'B => S = 1',
    };
    const lines = '2aa\n101\nlonger\n1xy\n102\n2bb\nlonger\n2cc\n';
    const staged = await extract(Buffer.from(lines), { text, options, tolerance: 0.5 });
    expect(staged.batch).toMatchObject({ read: 8, loaded: 2, quarantined: 1, filtered: 5 });
    expect(await rows(staged, '_source_position')).toEqual([['2'], ['5']]);
  });

  test('compressed files are unpacked, and hashed as they came', async () => {
    const staged = await extract(gzipSync(Buffer.concat([sale(1), sale(2)])), { ending: 'dat.gz' });
    expect(staged.batch.loaded).toBe(2);
  });

  test('a file whose records begin as gzip does is no gzip', async () => {
    const text = '       01 R.\n         05 N PIC S9(4) COMP.';
    const staged = await extract(Buffer.from([0x1f, 0x8b, 0x08, 0x00]), { text });
    expect(await rows(staged, 'N')).toEqual([[0x1f8b], [0x0800]]);
  });

  test('an option that does not exist is an error, unless the stream says pedantic: false', async () => {
    const slip = extract(sale(1), { options: { ebcdic_codepage: 'cp273' } });
    await expect(slip).rejects.toMatchObject({
      type: 'ProjectInvalid',
      what: expect.stringContaining('ebcdic_codepage: there is no such option'),
      where: { path: 'sources.host.streams.sales.format' },
      fix: "Did you mean 'ebcdic_code_page'?",
    });
    const staged = await extract(sale(1), { options: { ebcdic_codepage: 'cp273', pedantic: false } });
    expect(staged.batch.loaded).toBe(1);
  });

  test('an empty file is refused', async () => {
    await expect(extract(Buffer.alloc(0))).rejects.toMatchObject({ name: 'SourceEmpty' });
  });

  test('an abort ends it in mid-file, and leaves no file', async () => {
    const bytes = Buffer.concat(Array.from({ length: 50_000 }, (_, n) => sale(n + 1)));
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const workDir = await mkdtemp(join(folder, 'work-'));
    const extraction = extract(bytes, { workDir, signal: stop.signal, onProgress: () => stop.abort(reason) });
    await expect(extraction).rejects.toBe(reason);
    expect(await readdir(workDir)).toEqual([]);
  });
});

describe('files of records with headers', () => {
  const rdw = (record: Buffer): Buffer => {
    const header = Buffer.alloc(4);
    header.writeUInt16BE(record.length);
    return Buffer.concat([header, record]);
  };

  test('are cut into ranges at record boundaries', async () => {
    const records = Array.from({ length: 5_000 }, (_, n) =>
      rdw(sale(n + 1).subarray(0, n % 2 ? LENGTH : 30)),
    );
    const options = { record_format: 'V', is_rdw_big_endian: true };
    const threads = { threads: 2, rangeBytes: 60_000 };
    const staged = await extract(Buffer.concat(records), { options, threads });
    expect(staged.batch).toMatchObject({ read: 5_000, loaded: 5_000 });
    expect(staged.batch.parts.length).toBeGreaterThan(2);
    expect(await rows(staged, 'bool_and(ID = _source_position), count(LINE[1].QUANTITY)')).toEqual([
      [true, '2500'],
    ]);
  });

  test('a header that cannot be right names its byte', async () => {
    const bytes = Buffer.concat([rdw(sale(1)), Buffer.from([0, 0, 0, 0]), rdw(sale(2))]);
    const failed = extract(bytes, { options: { record_format: 'V', is_rdw_big_endian: true } });
    await expect(failed).rejects.toMatchObject({ name: 'RecordInvalid', where: { byte: LENGTH + 4 } });
  });

  test('a record that is cut off is rejected with its header', async () => {
    const cut = rdw(sale(2)).subarray(0, 30);
    const options = { record_format: 'V', is_rdw_big_endian: true };
    const staged = await extract(Buffer.concat([rdw(sale(1)), cut]), { options, tolerance: 0.5 });
    expect(await rows(staged, 'record, byte, raw = ' + blob(cut), 'quarantine')).toEqual([
      ['2', String(LENGTH + 4), true],
    ]);
  });

  test('blocks of them are read as a stream', async () => {
    const block = (...records: Buffer[]): Buffer => {
      const bytes = Buffer.concat(records.map(rdw));
      const header = Buffer.alloc(4);
      header.writeUInt16BE(bytes.length);
      return Buffer.concat([header, bytes]);
    };
    const bad = sale(3);
    bad[26] = 0xa1;
    const bytes = Buffer.concat([block(sale(1), sale(2)), block(bad), block(sale(4))]);
    const options = { record_format: 'VB', is_rdw_big_endian: true, is_bdw_big_endian: true };
    const staged = await extract(bytes, { options, tolerance: 0.5 });
    expect(await rows(staged, 'ID, _source_position, CUSTOMER')).toEqual(
      [1, 2, 4].map((n) => [n, String(n), `CUSTOMER NUMBER ${n}`]),
    );
    const at = 4 + 2 * (LENGTH + 4) + 4 + 4 + 26;
    expect(await rows(staged, 'record, reason', 'quarantine')).toEqual([
      ['3', `AMOUNT: bad packed digit 0xa1 at byte ${at}`],
    ]);
  });
});

test('segments keep the ids that connect them', async () => {
  const text = `
       01  ENTRY.
           05  KIND          PIC X(1).
           05  COMPANY.
               10  NAME      PIC X(9).
           05  CONTACT REDEFINES COMPANY.
               10  PHONE     PIC 9(9).
`;
  const bytes = Buffer.concat([
    ebcdic('CACME     '),
    ebcdic('P012345678'),
    ebcdic('P     0x12'),
    ebcdic('CBOLT     '),
  ]);
  const options = {
    ...{ segment_field: 'KIND', segment_id_level0: 'C', segment_id_level1: 'P', segment_id_prefix: 'T' },
    ...{ 'redefine-segment-id-map:1': 'COMPANY => C', 'redefine-segment-id-map:2': 'CONTACT => P' },
  };
  const staged = await extract(bytes, { text, options, tolerance: 0.5 });
  expect(await rows(staged, 'Seg_Id0, Seg_Id1, COMPANY.NAME, CONTACT.PHONE, _source_position')).toEqual([
    ['T_0_0', null, 'ACME', null, '1'],
    ['T_0_0', 'T_0_0_L1_1', null, 12_345_678, '2'],
    ['T_0_0', 'T_0_0_L1_2', null, 12, '3'],
    ['T_0_3', null, 'BOLT', null, '4'],
  ]);
});

const line = (...quantities: number[]) =>
  quantities.map((QUANTITY, n) => ({ ARTICLE: `A${n + 1}`, QUANTITY }));
const blob = (bytes: Buffer): string => `from_hex('${bytes.toString('hex')}')`;

test('records that are put together of several are decoded one by one', async () => {
  const text = `
       01  ENTRY.
           05  KIND          PIC X(1).
           05  COMPANY.
               10  NAME      PIC X(9).
           05  CONTACT REDEFINES COMPANY.
               10  PHONE     PIC 9(9).
`;
  const bytes = Buffer.concat([ebcdic('CACME     '), ebcdic('P012345678'), ebcdic('CBOLT     ')]);
  const options = {
    segment_field: 'KIND',
    ...{ 'redefine-segment-id-map:1': 'COMPANY => C', 'redefine-segment-id-map:2': 'CONTACT => P' },
    'segment-children:1': 'COMPANY => CONTACT',
  };
  const staged = await extract(bytes, { text, options });
  expect(staged.batch).toMatchObject({ read: 2, loaded: 2 });
  expect(await rows(staged, 'COMPANY')).toEqual([
    [{ NAME: 'ACME', CONTACT: [{ PHONE: 12_345_678 }] }],
    [{ NAME: 'BOLT', CONTACT: [] }],
  ]);
});
