import { describe, expect, test } from 'vitest';
import { loadTransform } from '../../../engines/dbt/transform.js';
import { parseCsv } from '../../../engines/dbt/run/seed-csv.js';
import { guessType } from '../../../engines/dbt/run/seed-types.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { NodeRecord } from '../../../schemas/transform.js';
import { context, openMemory, putFiles, writeProject } from './project.js';

let runs = 0;
/** as `millrace dbt seed` does */
async function seed(dir: string, warehouse: Warehouse, fullRefresh = false): Promise<NodeRecord> {
  const given = context(dir, warehouse, {
    ...{ run: `seed-${++runs}`, ledger: false, audit: false },
    ...{ command: 'seed', flags: { fullRefresh } },
  });
  return (await loadTransform(given)).run('seed.shop.s');
}

describe('a guess at the type of a seed’s column', () => {
  test.each([
    [['1', '-2', ''], 'integer'],
    [['1.0', '1e3'], 'integer'],
    [['3000000000'], 'bigint'],
    [['123456789012345678901'], 'decimal(38,0)'],
    [['1', '.5'], 'float8'],
    [['nan', '1'], 'float8'],
    [['', 'null', 'NULL'], 'integer'],
    [['2024-01-05', '2024-1-7'], 'date'],
    [['2024-02-30'], 'text'],
    [['2024-01-05 10:00:00'], 'timestamp without time zone'],
    [['2024-01-05 25:00:00'], 'text'],
    [['2024-01-05T10:00:00.5+02:00'], 'timestamp without time zone'],
    [['2024-01-05', '2024-01-05 10:00:00'], 'text'],
    [['true', 'FALSE', ''], 'boolean'],
    [['yes', 'no'], 'text'],
    [['5%', '7%'], 'text'],
    [['1,000'], 'text'],
  ])('takes %j for %s, as dbt does where dbt can load it', (cells, type) => {
    expect(guessType(cells)).toBe(type);
  });
});

describe('the text of a seed', () => {
  test('is split with quotes, line ends of every kind, and empty fields', () => {
    const text = 'a,b\r\n"x ""y""","1\n2"\r,\n\nz,"q"r\n';
    expect(parseCsv(text, ',', 's.csv')).toEqual([
      { cells: ['a', 'b'], line: 1 },
      { cells: ['x "y"', '1\n2'], line: 2 },
      { cells: ['', ''], line: 4 },
      { cells: ['z', 'qr'], line: 6 },
    ]);
  });

  test('says where a quote is left open', () => {
    expect(() => parseCsv('a\n1\n"x', ',', 's.csv')).toThrow(
      expect.objectContaining({ type: 'FormatMismatch', where: { file: 's.csv', line: 3 } }),
    );
  });
});

describe('a seed', () => {
  test('gives nulls where a column that is no text says null', async () => {
    const warehouse = await openMemory();
    const dir = writeProject({ 'seeds/s.csv': 'id,name,day\n1,null,2024-01-05\nnull,x,NULL\n' });
    const { result, response } = await seed(dir, warehouse);
    expect(result).toMatchObject({ status: 'success', rows: 2 });
    expect(response).toEqual({ _message: 'INSERT 2', code: 'INSERT', rows_affected: 2 });
    expect(await warehouse.query('select * from s order by name')).toEqual([
      { id: 1, name: 'null', day: '2024-01-05' },
      { id: null, name: 'x', day: null },
    ]);
  });

  test('keeps its table until its columns change, which needs --full-refresh', async () => {
    const warehouse = await openMemory();
    const dir = writeProject({ 'seeds/s.csv': 'id\n1\n' });
    await seed(dir, warehouse);
    await warehouse.run('create view reader as select * from s');
    putFiles(dir, { 'seeds/s.csv': 'id\n1\n2\n3\n' });
    await seed(dir, warehouse);
    expect(await warehouse.query('select count(*) as n from reader')).toEqual([{ n: 3 }]);

    putFiles(dir, { 'seeds/s.csv': 'id,more\n1,x\n' });
    await expect(seed(dir, warehouse)).rejects.toMatchObject({
      type: 'SchemaMismatch',
      message: expect.stringContaining('--full-refresh') as string,
    });
    const { response } = await seed(dir, warehouse, true);
    expect(response).toMatchObject({ code: 'CREATE' });
    expect(await warehouse.query('select * from s')).toEqual([{ id: 1, more: 'x' }]);
  });

  test('names the line of a row with too many fields', async () => {
    const warehouse = await openMemory();
    const dir = writeProject({ 'seeds/s.csv': 'a,b\n1,"x\ny"\n1,2,3\n' });
    await expect(seed(dir, warehouse)).rejects.toMatchObject({
      type: 'FormatMismatch',
      what: "The seed 's' has 3 fields in a row and 2 columns",
      where: { file: 'seeds/s.csv', line: 4 },
    });
  });

  test('does not go where a view is', async () => {
    const warehouse = await openMemory();
    await warehouse.run('create view s as select 1 as one');
    const dir = writeProject({ 'seeds/s.csv': 'a\n1\n' });
    await expect(seed(dir, warehouse)).rejects.toMatchObject({
      type: 'SqlError',
      message: expect.stringContaining("Cannot seed to 'main.s', it is a view") as string,
    });
  });
});
