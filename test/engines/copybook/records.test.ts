import { describe, expect, test } from 'vitest';
import { compileCopybook, type DecodedRecord, type ReadOptions } from '../../../engines/copybook/compile.js';
import { toJsonLine } from '../../../engines/copybook/json.js';
import type { MillraceError } from '../../../schemas/errors.js';

const TWO = '       01 R.\n         05 A PIC X(2).';

async function read(
  text: string,
  options: Record<string, string>,
  data: Buffer,
  more: ReadOptions & { chunk?: number } = {},
): Promise<DecodedRecord[]> {
  const compiled = compileCopybook({ copybooks: [{ name: 'r.cpy', text }], options });
  const { chunk = 3, ...rest } = more;
  // small chunks, so that nothing may lie in one piece
  const chunks = function* () {
    for (let at = 0; at < data.length; at += chunk) yield data.subarray(at, at + chunk);
  };
  const records: DecodedRecord[] = [];
  for await (const record of compiled.readRecords(chunks(), rest)) records.push(record);
  return records;
}
const values = async (...args: Parameters<typeof read>): Promise<unknown[]> =>
  (await read(...args)).map(({ record }) => record['A']);
const ascii = { encoding: 'ascii' };
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

async function fault(run: Promise<unknown>): Promise<MillraceError> {
  const outcome = await run.then(
    () => undefined,
    (error: unknown) => error as MillraceError,
  );
  if (!outcome) throw new Error('nothing was thrown');
  return outcome;
}

describe('a file is cut into records', () => {
  test.each<[string, Record<string, string>, Buffer]>([
    ['F', {}, Buffer.from('aabbcc')],
    [
      'F with offsets of file and record',
      { file_start_offset: '1', file_end_offset: '2', record_start_offset: '1', record_end_offset: '1' },
      Buffer.from('H.aa..bb..cc.TT'),
    ],
    ['F with another length', { record_length: '3' }, Buffer.from('aa.bb.cc.')],
    ['FB by block length', { record_format: 'FB', block_length: '4' }, Buffer.from('aabbcc')],
    ['FB by records', { record_format: 'FB', records_per_block: '2' }, Buffer.from('aabbcc')],
    ['FB with BDW', { record_format: 'FB', is_bdw_big_endian: 'true' }, hex('80000006 616162626363')],
    ['V little-endian', { record_format: 'V' }, hex('00000200 6161 00000200 6262 00000200 6363')],
    [
      'V big-endian, header counted',
      { record_format: 'V', is_rdw_big_endian: 'true', is_rdw_part_of_record_length: 'true' },
      hex('00060000 6161 00060000 6262 00060000 6363'),
    ],
    [
      'VB',
      { record_format: 'VB', is_rdw_big_endian: 'true', is_bdw_big_endian: 'true' },
      hex('000c0000 00020000 6161 00020000 6262 00060000 00020000 6363'),
    ],
    ['D', { record_format: 'D' }, Buffer.from('aa\r\n\nbb\rcc')],
    ['D2', { record_format: 'D2' }, Buffer.from('aa\r\n\nbb\ncc')],
    ['D2 with a line that never ends', { record_format: 'D2' }, Buffer.from('aa.......\nbb\ncc')],
  ])('%s', async (_, options, data) => {
    for (const chunk of [1, 3, 100])
      expect(await values(TWO, { ...ascii, ...options }, data, { chunk })).toEqual(['aa', 'bb', 'cc']);
  });

  test('by a length field, by an expression and by a map', async () => {
    const text = '       01 R.\n         05 L PIC 9.\n         05 A PIC X(4).';
    const data = Buffer.from('3aa5bbbb2c');
    expect(await values(text, { ...ascii, record_length_field: 'L' }, data)).toEqual(['aa', 'bbbb', 'c']);
    expect(
      await values(text, { ...ascii, record_length_field: 'L * 2 - (L + 1)' }, Buffer.from('4aa6bbbb')),
    ).toEqual(['aa', 'bbbb']);
    expect(
      await values(
        text,
        { ...ascii, record_length_field: 'L', record_length_map: '{"3":3,"_":2}' },
        Buffer.from('3aa9b'),
      ),
    ).toEqual(['aa', 'b']);
  });

  test('by the elements of its arrays', async () => {
    const text =
      '       01 R.\n         05 N PIC 9.\n         05 G OCCURS 0 TO 3 DEPENDING ON N.\n           10 M PIC 9.\n           10 X PIC X OCCURS 0 TO 2 DEPENDING ON M.\n         05 Z PIC X.';
    const options = { ...ascii, variable_size_occurs: 'true' };
    const records = await read(text, options, Buffer.from('0z21a2bcy'));
    expect(records.map(({ record }) => record)).toEqual([
      { N: 0, G: [], Z: 'z' },
      {
        N: 2,
        G: [
          { M: 1, X: ['a'] },
          { M: 2, X: ['b', 'c'] },
        ],
        Z: 'y',
      },
    ]);
    expect(records.map(({ position }) => position)).toEqual([0, 2]);
    const padded = await read(
      text,
      { ...ascii, variable_size_occurs: 'pad_record' },
      Buffer.from('11az.......'),
    );
    expect(padded[0]?.record).toEqual({ N: 1, G: [{ M: 1, X: ['a'] }], Z: 'z' });
  });

  test('headers and trailers that the copybook describes are no records', async () => {
    const text =
      '       01 HEAD.\n         05 H PIC X(3).\n       01 R.\n         05 A PIC X(2).\n       01 TAIL.\n         05 T PIC X.';
    expect(
      await values(
        text,
        { ...ascii, record_header_name: 'HEAD', record_trailer_name: 'TAIL' },
        Buffer.from('hhhaabbt'),
      ),
    ).toEqual(['aa', 'bb']);
  });

  test('positions are bytes of the file', async () => {
    const records = await read(
      TWO,
      { record_format: 'V', encoding: 'ascii', file_start_offset: '2' },
      hex('ffff 00000200 6161 00000200 6262'),
    );
    expect(records.map(({ position, index }) => [position, index])).toEqual([
      [6, 0],
      [12, 1],
    ]);
  });
});

describe('what is wrong is said with its byte', () => {
  test('a file that ends in a record', async () => {
    const error = await fault(values(TWO, ascii, Buffer.from('aabbc'), { file: 'x.dat' }));
    expect(error).toMatchObject({ type: 'RecordTruncated', where: { file: 'x.dat', byte: 4 } });
    expect(await fault(values(TWO, { record_format: 'V' }, hex('00000200 c1c1 00000400 c2')))).toMatchObject({
      type: 'RecordTruncated',
      where: { byte: 10 },
    });
    expect(await fault(values(TWO, { record_format: 'V' }, hex('00000200 c1c1 0000')))).toMatchObject({
      type: 'RecordTruncated',
      where: { byte: 6 },
    });
  });

  test('a header that cannot be right', async () => {
    expect(await fault(values(TWO, { record_format: 'V' }, hex('00000200 c1c1 00000000')))).toMatchObject({
      type: 'RecordInvalid',
      where: { byte: 6 },
      what: expect.stringContaining('00000000'),
    });
    expect(await fault(values(TWO, { record_format: 'VB' }, hex('01020304 c1c1')))).toMatchObject({
      type: 'RecordInvalid',
      where: { byte: 0 },
    });
    expect(
      await fault(
        values(
          '       01 R.\n         05 L PIC 9.\n         05 A PIC X.',
          { record_length_field: 'L' },
          hex('f2c1 40c1'),
        ),
      ),
    ).toMatchObject({ type: 'RecordInvalid', where: { byte: 2 } });
  });

  test('reading goes on where the caller says so, with what is left of the record', async () => {
    const problems: string[] = [];
    expect(
      await values(TWO, { ...ascii, record_format: 'V' }, hex('00000200 6161 00000200 62'), {
        onProblem: (problem) => problems.push(problem.type),
      }),
    ).toEqual(['aa', 'b']);
    expect(problems).toEqual(['RecordTruncated']);
  });

  test('a bad packed digit is told with field, place and bytes', async () => {
    const text = '       01 R.\n         05 A PIC 9.\n         05 P PIC S9(3) COMP-3 OCCURS 2.';
    const [record] = await read(text, {}, hex('f1 123c 1a3c'), { corrupt: true });
    expect(record?.record).toEqual({ A: 1, P: [123, null] });
    expect(record?.corrupt).toEqual([{ field: 'P[1]', offset: 3, raw: new Uint8Array([0x1a, 0x3c]) }]);
  });
});

describe('segments', () => {
  const text =
    '       01 R.\n         05 T PIC X.\n         05 C.\n           10 NAME PIC X(2).\n         05 P REDEFINES C.\n           10 AGE PIC 9(2).';
  const options = {
    ...ascii,
    segment_field: 'T',
    'redefine-segment-id-map:1': 'C => c,d',
    redefine_segment_id_map_2: 'P => p',
  };
  const data = Buffer.from('p99caap11p22cbb');

  test('a record has the group of its segment', async () => {
    const records = await read(text, options, Buffer.from('caap11'));
    expect(records.map(({ record }) => record)).toEqual([
      { T: 'c', C: { NAME: 'aa' }, P: null },
      { T: 'p', C: null, P: { AGE: 11 } },
    ]);
  });

  test('ids of levels count below each root', async () => {
    const ids = { ...options, segment_id_level0: 'c', segment_id_level1: '_', segment_id_prefix: 'X' };
    const records = await read(text, ids, data, { fileId: 3 });
    // before the first root there is no root to name
    expect(records.map(({ record }) => [record['Seg_Id0'], record['Seg_Id1']])).toEqual([
      ['', '_L1_1'],
      ['X_3_1', null],
      ['X_3_1', 'X_3_1_L1_1'],
      ['X_3_1', 'X_3_1_L1_2'],
      ['X_3_4', null],
    ]);
  });

  test('a filter keeps the numbers of the others', async () => {
    const records = await read(text, { ...options, segment_filter: 'c', generate_record_id: 'true' }, data);
    expect(records.map(({ record }) => record['Record_Id'])).toEqual([1, 4]);
  });

  test('children become arrays of their parents', async () => {
    const records = await read(text, { ...options, 'segment-children:1': 'C => P' }, data);
    expect(records.map(({ record }) => record)).toEqual([
      { T: 'c', C: { NAME: 'aa', P: [{ AGE: 11 }, { AGE: 22 }] } },
      { T: 'c', C: { NAME: 'bb', P: [] } },
    ]);
    expect(records.map(({ position }) => position)).toEqual([3, 12]);
  });

  test('rules decide by values which group a record has', async () => {
    const rules = {
      ...ascii,
      'redefine-rule:1': "C => in(T, 'c', 'd')",
      'redefine-rule:2': "P => !(T = 'c') && true",
    };
    const records = await read(text, rules, Buffer.from('caap11'));
    expect(records.map(({ record }) => toJsonLine(record))).toEqual([
      '{"T":"c","C":{"NAME":"aa"}}',
      '{"T":"p","P":{"AGE":11}}',
    ]);
    const error = await fault(read(text, { ...ascii, 'redefine-rule:1': 'C => TT = 1' }, data));
    expect(error.message).toContain("Did you mean 'T'");
  });
});

test('columns that are generated stand in front', async () => {
  const [record] = await read(
    TWO,
    {
      ...ascii,
      generate_record_id: 'true',
      generate_record_bytes: 'true',
      debug: 'true',
      with_input_file_name_col: 'F',
    },
    Buffer.from('aa'),
    { file: 'x' },
  );
  expect(toJsonLine(record?.record ?? {})).toBe(
    '{"File_Id":0,"Record_Id":0,"Record_Byte_Length":2,"Record_Bytes":"YWE=","F":"x","A":"aa","A_debug":"6161"}',
  );
});
