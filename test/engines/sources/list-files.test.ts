import { afterEach, beforeEach, expect, test } from 'vitest';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fillInterval, listStreamFiles } from '../../../engines/sources/list-files.js';
import { LocalPlace } from '../../../engines/sources/places/local.js';
import { Bench, INTERVAL } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
  for (const name of [
    'b.csv',
    'a.csv',
    '2025-01-06/orders.csv',
    '2025-01-13/orders.csv',
    'customer_2025.csv',
  ]) {
    await bench.file(name, 'id\n1\n');
  }
});
afterEach(() => bench.close());

const list = (path: string) =>
  listStreamFiles({ place: new LocalPlace(join(bench.root, 'in')), path, interval: INTERVAL });

test('files come in name order with their size and time', async () => {
  const files = await list('?.csv');
  expect(files.map(({ file }) => file)).toEqual(['a.csv', 'b.csv']);
  expect(files[0]).toMatchObject({ file: 'a.csv', bytes: 5 });
  expect(files[0]?.mtimeMs).toBeGreaterThan(0);
});

test('the interval chooses the files', async () => {
  expect((await list('{start:yyyy-MM-dd}/*.csv')).map(({ file }) => file)).toEqual(['2025-01-06/orders.csv']);
  expect((await list('{end:yyyy-MM-dd}/*.csv')).map(({ file }) => file)).toEqual(['2025-01-13/orders.csv']);
  expect((await list('{a,b}.csv')).map(({ file }) => file)).toEqual(['a.csv', 'b.csv']);
});

test('a missing file is answered with what is there', async () => {
  const failed = list('customers_{start:yyyy}.csv');
  await expect(failed).rejects.toMatchObject({
    type: 'SourceMissing',
    where: { file: pathToFileURL(join(bench.root, 'in')).href },
  });
  await expect(failed).rejects.toThrow(
    "No file matches 'customers_2025.csv' (from 'customers_{start:yyyy}.csv')",
  );
  await expect(failed).rejects.toThrow("The folder has 'customer_2025.csv'");
});

test('a folder that does not exist is named itself, with the one that was probably meant', async () => {
  await expect(list('none/deeper/*.csv')).rejects.toMatchObject({
    type: 'SourceMissing',
    what: "The folder 'none' does not exist",
    where: { file: join(bench.root, 'in/none') },
  });
  const place = new LocalPlace(join(bench.root, 'inn'));
  const failed = listStreamFiles({ place, path: '*.csv', interval: INTERVAL });
  await expect(failed).rejects.toThrow("The folder 'inn' does not exist");
  await expect(failed).rejects.toThrow("Did you mean 'in'? Correct root");
});

test('a date format of other languages is refused with the right letters', () => {
  expect(() => fillInterval('sales-{start:YYYYMMDD}.csv', INTERVAL)).toThrow('{start:yyyyMMdd}');
  expect(fillInterval("{start:'DAY'yyyyMMdd}.csv", INTERVAL)).toBe('DAY20250106.csv');
});

test.each(['../secret.csv', '/etc/passwd', 'a/../../b', '{begin:yyyy}.csv'])(
  'the path %s is refused',
  async (path) => {
    await expect(list(path)).rejects.toMatchObject({ type: 'ProjectInvalid' });
  },
);

test('what the interval fills in is taken literally', () => {
  expect(fillInterval("{start:'['yyyy']'}/*.csv", INTERVAL)).toBe('\\[2025\\]/*.csv');
});
