import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import iconv from 'iconv-lite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { csv } from '../../../schemas/format.js';
import { Bench, quarantineOf, readParquet, rowsOf } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

const TABLE = 'id,name,amount\n1,Ann,10.50\n2,"Bob, jun.",\n3,"said ""hi""",7\n';
const TYPES = { id: 'int64', name: 'text', amount: 'decimal(10,2)' } as const;

describe('reading', () => {
  test('declared columns become typed rows with their lineage', async () => {
    const staged = await bench.extract(TABLE, { columns: TYPES });
    expect(await rowsOf(staged)).toEqual([
      ['1', 'Ann', '10.50'],
      ['2', 'Bob, jun.', null],
      ['3', 'said "hi"', '7.00'],
    ]);
    expect(staged.batch).toMatchObject({ read: 3, loaded: 3, quarantined: 0, filtered: 0, quarantine: null });
    expect(staged.batch.schema).toEqual(Object.entries(TYPES).map(([name, type]) => ({ name, type })));
    expect(
      await readParquet(staged.files[0]?.path ?? '', '_source_file, _source_position, _batch, _extracted_at'),
    ).toEqual(
      ['1', '2', '3'].map((position) => ['data.csv', position, staged.batch.key, '2025-01-13 02:00:00+00']),
    );
  });

  test('the same input gives the same bytes', async () => {
    const rows = Array.from({ length: 5_000 }, (_, n) => `${n},"name\n${n % 7}",${n % 100}.25`).join('\n');
    const first = await bench.extract(`id,name,amount\n${rows}`, { columns: TYPES });
    const second = await bench.extract(`id,name,amount\n${rows}`, { columns: TYPES });
    expect(second.batch.parts).toEqual(first.batch.parts);
    expect(second.batch.key).toBe(first.batch.key);
  });

  test('columns come by name, whatever their order in the file', async () => {
    const staged = await bench.extract('Betrag;Nr\n1;2\n', {
      format: csv({ delimiter: ';' }),
      columns: { id: { type: 'int32', from: 'Nr' }, amount: { type: 'double', from: 'Betrag' } },
    });
    expect(await rowsOf(staged)).toEqual([[2, 1]]);
  });

  test.each([
    ['no header', csv({ header: false }), '1,a\n2,b\n'],
    ['skipped lines', csv({ skipLines: 2 }), 'report\n\nid,name\n1,a\n2,b\n'],
    ['a tab', csv({ delimiter: '\t' }), 'id\tname\n1\ta\n2\tb\n'],
    ['a delimiter of two bytes', csv({ delimiter: '§' }), 'id§name\n1§a\n2§b\n'],
    ['another quote', csv({ quote: "'" }), "id,name\n1,'a'\n2,b\n"],
    ['CRLF', csv(), 'id,name\r\n1,a\r\n2,b\r\n'],
    ['CR', csv(), 'id,name\r1,a\r2,b'],
    ['no last line end', csv(), 'id,name\n1,a\n2,b'],
    ['empty lines', csv(), 'id,name\n\n1,a\n\r\n2,b\n\n\n'],
    ['blanks around numbers and names', csv(), ' id , name \n 1 ,a\n2\t,b\n'.replace('\t', ' ')],
  ])('reads %s', async (_what, format, text) => {
    const staged = await bench.extract(text, { format, columns: { id: 'int32', name: 'text' } });
    expect(await rowsOf(staged)).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  test('a backslash may escape a quote where it is declared', async () => {
    const staged = await bench.extract('id,name\n1,"a \\"b\\" \\\\ \\n"\n', {
      format: csv({ escape: '\\' }),
    });
    expect(await rowsOf(staged)).toEqual([['1', 'a "b" \\ \\n']]);
  });

  test('null, empty text and named nulls are told apart', async () => {
    const staged = await bench.extract('a,b\n,""\nNA,x\n"","NA"\n', {
      format: csv({ nulls: ['NA'] }),
      columns: { a: 'text', b: 'text' },
    });
    expect(await rowsOf(staged)).toEqual([
      [null, ''],
      [null, 'x'],
      ['', null],
    ]);
  });

  const umlauts = 'id,name\n1,Jürgen Größe\n2,Zoë €\n';
  const expected = [
    ['1', 'Jürgen Größe'],
    ['2', 'Zoë €'],
  ];
  test.each([
    ['auto', 'utf-8', false],
    ['auto', 'utf-8', true],
    ['auto', 'windows-1252', false],
    ['auto', 'utf-16le', true],
    ['auto', 'utf-16be', true],
    ['utf-16le', 'utf-16le', false],
    ['windows-1252', 'windows-1252', false],
    ['iso-8859-15', 'iso-8859-15', false],
  ])('encoding %s reads %s (byte order mark: %s)', async (declared, actual, addBOM) => {
    const staged = await bench.extract(iconv.encode(umlauts, actual, { addBOM }), {
      format: csv({ encoding: declared }),
    });
    expect(await rowsOf(staged)).toEqual(expected);
  });

  test('a large file that begins as UTF-8 and goes on as windows-1252 is read as what it is', async () => {
    const line = Buffer.from(`1,${'x'.repeat(60)}\n`);
    const lines = Math.ceil((34 << 20) / line.length);
    const text = Buffer.concat([
      Buffer.from('id,name\n'),
      Buffer.alloc(lines * line.length, line),
      Buffer.from([0x32, 0x2c, 0xfc, 0x0a]),
    ]);
    const staged = await bench.extract(text, { columns: { id: 'int32', name: 'text' } });
    expect(staged.batch).toMatchObject({ read: lines + 1, loaded: lines + 1, quarantined: 0 });
    const [last] = await readParquet(staged.files.at(-2)?.path ?? '', 'arg_max(name, _source_position)');
    expect(last).toEqual(['ü']);
    const utf8 = await bench.extract(text.subarray(0, -4), { columns: { id: 'int32', name: 'text' } });
    expect(utf8.batch.source.sha256).toBe(createHash('sha256').update(text.subarray(0, -4)).digest('hex'));
  });

  test('a multi-byte encoding whose bytes look like ASCII is read', async () => {
    const staged = await bench.extract(
      iconv.encode('id,name\n1,表示,\n2,"ソ|"\n'.replace('示,', '示'), 'shift_jis'),
      {
        format: csv({ encoding: 'shift_jis' }),
      },
    );
    expect(await rowsOf(staged)).toEqual([
      ['1', '表示'],
      ['2', 'ソ|'],
    ]);
  });

  test('gzip and zstd are recognised by their bytes', async () => {
    const packed = await bench.extract(gzipSync(TABLE), { columns: TYPES });
    expect(packed.batch.loaded).toBe(3);
    const zstd = await bench.zstd(Array.from({ length: 50_000 }, (_, n) => `${n},n${n},${n}.5`).join('\n'));
    const unpacked = await bench.extract(zstd, { format: csv({ header: false }), columns: TYPES });
    expect(unpacked.batch.loaded).toBe(50_000);
    await expect(bench.extract(zstd.subarray(0, zstd.length - 100))).rejects.toMatchObject({
      type: 'SourceUnreadable',
      where: { byte: zstd.length - 100 },
    });
  });
});

describe('inferring', () => {
  test('every value decides, not a sample', async () => {
    const rows = Array.from({ length: 25_000 }, (_, n) => `${n},${n},2025-01-05,true,00${n},,${n}`);
    rows.push('25000,0.5,2025-01-05 10:00:00,false,1,,x');
    const staged = await bench.extract(`i,d,t,b,zip,none,mixed\n${rows.join('\n')}\n`);
    expect(staged.batch.schema.map(({ type }) => type)).toEqual([
      ...['int64', 'double', 'timestamp', 'boolean', 'text', 'text', 'text'],
    ]);
    expect(staged.inferred).toBe(true);
    expect((await rowsOf(staged)).at(-1)).toEqual([
      '25000',
      0.5,
      '2025-01-05 10:00:00',
      false,
      '1',
      null,
      'x',
    ]);
  });

  test('frozen columns decide for later files', async () => {
    const frozenSchema = [
      { name: 'id', type: 'int64' },
      { name: 'v', type: 'int64' },
    ];
    const staged = await bench.extract('v,id\n1,2\nx,3\n', { tolerance: 0.5 }, { frozenSchema });
    expect(await rowsOf(staged)).toEqual([['2', '1']]);
    expect(staged.inferred).toBe(false);
    await expect(bench.extract('id,w\n1,2\n', {}, { frozenSchema })).rejects.toMatchObject({
      type: 'SchemaMismatch',
    });
    await expect(bench.extract('id,w\n1,2\n', {}, { frozenSchema })).rejects.toThrow(
      "'v' (int64) is gone, 'w' (text) is new",
    );
  });
});

describe('quarantine', () => {
  test.each([
    ['int32', '1.5', '2147483648', '1e3', '1_000'],
    ['int64', '9223372036854775808', 'x', '--1'],
    ['double', 'NaN', 'Infinity', '1,5', '1e999', '1_0.5'],
    ['decimal(10,2)', '1.005', '123456789.00', 'NaN', '1e2'],
    ['boolean', 'maybe', '2'],
    ['date', '2025-02-30', '2025-01-05 10:00', 'infinity', '05.01.2025'],
    ['timestamp', '2025-01-05T25:00:00', '2025-01-05T10:00:00+02:00', 'now'],
  ] as const)('%s does not take %s', async (type, ...values) => {
    const text = `id;v\n0;\n${values.map((value, n) => `${n + 1};${value}`).join('\n')}\n`;
    const spec = {
      format: csv({ delimiter: ';' }),
      columns: { id: 'int32', v: type },
      tolerance: 1,
    } as const;
    const staged = await bench.extract(text, spec);
    expect(staged.batch).toMatchObject({ read: values.length + 1, loaded: 1, quarantined: values.length });
    const reasons = (await quarantineOf(staged)).map(({ reason }) => reason);
    expect(reasons).toEqual(values.map((value) => `column "v": '${value}' is not ${type}`));
  });

  test('formats are tried in order', async () => {
    const staged = await bench.extract('day\n05.01.2025\n2025-01-06\n07/01/2025\n', {
      columns: { day: { type: 'date', formats: ['%Y-%m-%d', '%d.%m.%Y'] } },
      tolerance: 0.5,
    });
    expect(await rowsOf(staged)).toEqual([['2025-01-05'], ['2025-01-06']]);
    expect((await quarantineOf(staged))[0]?.reason).toBe(
      `column "day": '07/01/2025' is not date (%Y-%m-%d or %d.%m.%Y)`,
    );
  });

  test('a missing required value is a reason', async () => {
    const staged = await bench.extract('id,v\n1,2\n,3\n', {
      columns: { id: { type: 'int32', required: true }, v: 'int32' },
      tolerance: 0.5,
    });
    expect(await quarantineOf(staged)).toMatchObject([
      { record: 2, line: 3, byte: 9, reason: 'column "id": a value is required' },
    ]);
  });

  test('each broken record is kept with its position and its own bytes', async () => {
    const lines = ['id,name', '1,a', '2,"b"x', '3', 'x,"é ""q"""', '5,"line\r\nbreak"', '6,e,f', '7,g'];
    const text = iconv.encode(`${lines.join('\r\n')}\r\n`, 'windows-1252');
    const staged = await bench.extract(text, {
      columns: { id: 'int32', name: 'text' },
      format: csv({ encoding: 'windows-1252' }),
      tolerance: 0.6,
    });
    expect(staged.batch).toMatchObject({ read: 7, loaded: 3, quarantined: 4 });
    const kept = await quarantineOf(staged);
    expect(kept.map(({ record, line, reason }) => [record, line, reason])).toEqual([
      [2, 3, 'there is text after a closing quote'],
      [3, 4, 'it has 1 field where 2 are expected'],
      [4, 5, `column "id": 'x' is not int32`],
      [6, 8, 'it has 3 fields where 2 are expected'],
    ]);
    for (const { byte, raw } of kept) expect(text.subarray(byte, byte + raw.length)).toEqual(raw);
    expect(kept.map(({ raw }) => raw.toString('latin1'))).toEqual(['2,"b"x', '3', 'x,"é ""q"""', '6,e,f']);
  });

  test('one stray quote costs one line', async () => {
    const staged = await bench.extract('id,name\n1,a\n2,"b\n3,c\n4,d\n', {
      columns: { id: 'int32', name: 'text' },
      tolerance: 0.5,
    });
    expect(await rowsOf(staged)).toEqual([
      [1, 'a'],
      [3, 'c'],
      [4, 'd'],
    ]);
    expect(await quarantineOf(staged)).toMatchObject([
      { record: 2, line: 3, reason: 'a quote is not closed' },
    ]);
  });

  test('a UTF-8 file with one broken byte stays UTF-8', async () => {
    const good = Array.from({ length: 50 }, (_, n) => `${n},Jürgen`).join('\n');
    const staged = await bench.extract(
      Buffer.concat([Buffer.from(`id,name\n${good}\n99,J`), Buffer.from([0xfc]), Buffer.from('\n')]),
      {
        tolerance: 0.1,
      },
    );
    expect((await rowsOf(staged))[0]).toEqual(['0', 'Jürgen']);
    expect(await quarantineOf(staged)).toMatchObject([{ record: 51, reason: 'it is not valid utf-8' }]);
  });

  test('raw bytes of a UTF-16 file are UTF-16', async () => {
    const staged = await bench.extract(iconv.encode('id\n1\nö\n', 'utf-16le', { addBOM: true }), {
      columns: { id: 'int32' },
      tolerance: 0.5,
    });
    expect((await quarantineOf(staged))[0]?.raw).toEqual(iconv.encode('ö', 'utf-16le'));
  });
});

describe('errors', () => {
  const three = { columns: { id: 'int32', name: 'text', amount: 'double' } } as const;
  test.each([
    ['an empty file', '', {}, 'SourceEmpty', 'The file is empty'],
    ['only empty lines', '\n\n', {}, 'SourceEmpty', 'no record'],
    ['only a header', 'id,name,amount\n', three, 'SourceEmpty', 'a header and no record'],
    ['another delimiter', 'id;name;amount\n1;a;2\n', three, 'FormatMismatch', 'csv({ delimiter: ";" })'],
    ['another delimiter, undeclared', 'id\tname\n1\ta\n', {}, 'FormatMismatch', 'csv({ delimiter: "\\t" })'],
    [
      'another delimiter, no header',
      '1|a|2\n',
      { ...three, format: csv({ header: false }) },
      'FormatMismatch',
      'vertical bar',
    ],
    ['a missing column', 'id,nam,amount\n1,a,2\n', three, 'ColumnMissing', "'name' may be 'nam'"],
    ['a column too many', 'id,name,amount,x\n1,a,2,3\n', three, 'SchemaMismatch', "not declared: 'x'"],
    ['a column twice', 'id,Name,name\n1,a,2\n', {}, 'FormatMismatch', 'Columns 2 and 3'],
    ['a column without name', 'id,,name\n1,a,2\n', {}, 'FormatMismatch', 'Column 2'],
    ['a reserved column', 'id,_batch\n1,a\n', {}, 'FormatMismatch', 'reserved'],
    ['a broken header', 'id,"na"me\n1,a\n', {}, 'FormatMismatch', 'text after a closing quote'],
    ['an unknown encoding', 'id\n1\n', { format: csv({ encoding: 'utf-9' }) }, 'EncodingUnknown', "'utf-9'"],
    [
      'nothing but broken rows',
      'id,name,amount\nx,a,1\ny,b,2\n',
      { ...three, tolerance: 1 },
      'ToleranceExceeded',
      '2 of 2 records',
    ],
    [
      'only records of another width',
      'id,name,amount\n1\n2\n',
      three,
      'ToleranceExceeded',
      'record 1 (line 2, byte 15): it has 1 field',
    ],
    [
      'more than is tolerated',
      'id,name,amount\n1,a,1\ny,b,2\n',
      { ...three, tolerance: 0.4 },
      'ToleranceExceeded',
      `'y' is not int32`,
    ],
  ])('%s', async (_what, text, spec, type, message) => {
    const failed = bench.extract(text, spec);
    await expect(failed).rejects.toMatchObject({ type });
    await expect(failed).rejects.toThrow(message);
    expect(await readdir(bench.workDir)).toEqual([]);
  });

  test('a gzip file that was cut off names the byte', async () => {
    const noise = Array.from({ length: 20_000 }, (_, n) => `${n},${(n * 7919) % 10_007}`).join('\n');
    const whole = gzipSync(`id,v\n${noise}`);
    const cut = whole.subarray(0, whole.length >> 1);
    await expect(bench.extract(cut)).rejects.toMatchObject({
      type: 'SourceUnreadable',
      where: { byte: cut.length },
    });
    await expect(bench.extract(cut, { format: csv({ encoding: 'utf-8' }) })).rejects.toMatchObject({
      type: 'SourceUnreadable',
    });
    expect(await readdir(bench.workDir)).toEqual([]);
  });

  test('an abort stops it and leaves nothing', async () => {
    const text = `id,v\n${Array.from({ length: 200_000 }, (_, n) => `${n},${n}`).join('\n')}`;
    for (const after of [0, 20, 60, 120]) {
      const abort = new AbortController();
      const reason = new Error('cancelled');
      setTimeout(() => abort.abort(reason), after);
      await expect(bench.extract(text, {}, { signal: abort.signal })).rejects.toBe(reason);
      expect(await readdir(bench.workDir)).toEqual([]);
    }
  });
});
