import { describe, expect, test } from 'vitest';
import { compileCopybook } from '../../../engines/copybook/compile.js';
import { toJsonLine } from '../../../engines/copybook/json.js';

/** Each segment a record of its own. */
const ROOTS = `
       01 COMPANY.
          05 SEG   PIC X.
          05 NAME  PIC X(4).
       01 DEPT REDEFINES COMPANY.
          05 SEG   PIC X.
          05 DNAME PIC X(3).
       01 STAFF REDEFINES COMPANY.
          05 SEG   PIC X.
          05 WHO   PIC X(2).
       01 SITE REDEFINES COMPANY.
          05 SEG   PIC X.
          05 PLACE PIC X(2).
`;
/** All segments in one record. */
const GROUPS = `
       01 ENTITY.
          05 SEG PIC X.
          05 COMPANY.
             10 NAME PIC X(4).
          05 DEPT REDEFINES COMPANY.
             10 DNAME PIC X(3).
          05 STAFF REDEFINES COMPANY.
             10 WHO PIC X(2).
          05 SITE REDEFINES COMPANY.
             10 PLACE PIC X(2).
`;
const LINES = 'Ddp0\nCABCD\nDdp1\nEe1\nEe2\nSs1\nDdp2\nCNEXT\nXx\nSs2\n';
const OPTIONS = {
  record_format: 'D',
  'redefine-segment-id-map:1': 'COMPANY => C',
  'redefine-segment-id-map:2': 'DEPT => D',
  'redefine-segment-id-map:3': 'STAFF => E',
  'redefine-segment-id-map:4': 'SITE => S',
  'segment-children:1': 'COMPANY => DEPT,SITE',
  'segment-children:2': 'DEPT => STAFF',
};

async function read(text: string, options: Record<string, string>) {
  const compiled = compileCopybook({
    copybooks: [{ name: 'c.cpy', text }],
    options: { ...OPTIONS, ...options },
  });
  const filtered: string[] = [];
  const records: unknown[] = [];
  const onFiltered = ({ bytes }: { bytes: Uint8Array }): void =>
    void filtered.push(Buffer.from(bytes).toString());
  for await (const { record } of compiled.readRecords(Buffer.from(LINES), { onFiltered }))
    records.push(JSON.parse(toJsonLine(record)));
  return { records, filtered, columns: compiled.columns.map(({ name }) => name) };
}

const first = {
  NAME: 'ABCD',
  DEPT: [
    { DNAME: 'dp1', STAFF: [{ WHO: 'e1' }, { WHO: 'e2' }] },
    { DNAME: 'dp2', STAFF: [] },
  ],
  SITE: [{ PLACE: 's1' }],
};
const second = { NAME: 'NEXT', DEPT: [], SITE: [{ PLACE: 's2' }] };

describe('segments become a tree of three levels', () => {
  test('when they are groups of one record', async () => {
    const { records, columns } = await read(GROUPS, { segment_field: 'SEG' });
    expect(records).toEqual([
      { SEG: 'C', COMPANY: first },
      { SEG: 'C', COMPANY: second },
    ]);
    expect(columns).toEqual(['SEG', 'COMPANY']);
  });

  test('with the root group kept', async () => {
    const keep = { segment_field: 'SEG', schema_retention_policy: 'keep_original' };
    const { records } = await read(GROUPS, keep);
    expect(records).toEqual([
      { ENTITY: { SEG: 'C', COMPANY: first } },
      { ENTITY: { SEG: 'C', COMPANY: second } },
    ]);
  });

  test('when each is a root group of its own', async () => {
    const { records, columns } = await read(ROOTS, { segment_field: 'COMPANY.SEG' });
    expect(records[1]).toEqual({
      ...{ SEG: 'C', NAME: 'NEXT', DEPT: [] },
      SITE: [{ SEG: 'S', PLACE: 's2' }],
    });
    expect(records[0]).toMatchObject({
      ...{ SEG: 'C', NAME: 'ABCD' },
      DEPT: [{ SEG: 'D', STAFF: [{ WHO: 'e1' }, { WHO: 'e2' }] }, { STAFF: [] }],
    });
    expect(columns).toEqual(['SEG', 'NAME', 'DEPT', 'SITE']);
  });

  test('and generated columns stand in front', async () => {
    const { records, columns } = await read(GROUPS, { segment_field: 'SEG', generate_record_id: 'true' });
    expect(columns.slice(0, 4)).toEqual(['File_Id', 'Record_Id', 'Record_Byte_Length', 'SEG']);
    expect(records[0]).toEqual({
      ...{ File_Id: 0, Record_Id: 7, Record_Byte_Length: 22 },
      ...{ SEG: 'C', COMPANY: first },
    });
  });

  test('and those that no tree has are told', async () => {
    const { filtered } = await read(GROUPS, { segment_field: 'SEG' });
    expect(filtered).toEqual(['Ddp0', 'Xx']);
  });
});

test('a record of many columns has them in order, generated ones first and corrupt fields last', async () => {
  const names = Array.from({ length: 150 }, (_, n) => `F${n}`);
  const text = `       01 R.\n${names.map((name) => `         05 ${name} PIC 9.\n`).join('')}`;
  const compiled = compileCopybook({
    copybooks: [{ name: 'c.cpy', text }],
    options: { encoding: 'ascii', generate_record_id: 'true', generate_corrupt_fields: 'true' },
  });
  const data = Buffer.from(`${'1'.repeat(149)}x`);
  const records = [];
  for await (const { record } of compiled.readRecords(data)) records.push(record);
  const [record] = records;
  expect(Object.keys(record ?? {})).toEqual(compiled.columns.map(({ name }) => name));
  expect(record?.['F149']).toBeNull();
  expect(record?.['_corrupt_fields']).toEqual([{ field_name: 'F149', raw_value: Buffer.from('x') }]);
  expect(Object.keys(compiled.decode(data))).toEqual(names);
});
