import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parquet } from '../../../schemas/format.js';
import { Bench, quarantineOf, readParquet, rowsOf, withSession } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

async function parquetOf(sql: string): Promise<Buffer> {
  const path = join(bench.root, 'made.parquet');
  await withSession((session) => session.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`));
  return readFile(path);
}

test('types are taken as they are, nested ones too', async () => {
  const content = await parquetOf(
    `SELECT 1::SMALLINT AS s, 2::INTEGER AS i, 3::BIGINT AS b, 1.5::DECIMAL(20,4) AS d, 'x' AS t, DATE '2025-01-05' AS day,
     TIMESTAMPTZ '2025-01-05 10:00:00+00' AS at, {'a': [1, 2], 'b': {'c': 'x'}} AS n, '\\x00\\xFF'::BLOB AS bin, NULL::DOUBLE AS nothing`,
  );
  const staged = await bench.extract(content, { format: parquet() });
  expect(staged.batch.schema.map(({ type }) => type)).toEqual([
    ...['SMALLINT', 'int32', 'int64', 'decimal(20,4)', 'text', 'date', 'timestamptz'],
    ...['STRUCT("a" INTEGER[], "b" STRUCT("c" VARCHAR))', 'binary', 'double'],
  ]);
  expect((await rowsOf(staged))[0]?.slice(0, 8)).toEqual([
    ...[1, 2, '3', '1.5000', 'x', '2025-01-05', '2025-01-05 10:00:00+00'],
    { a: [1, 2], b: { c: 'x' } },
  ]);
  const again = await bench.extract(content, { format: parquet() });
  expect(again.batch.parts).toEqual(staged.batch.parts);
});

test('declared types are cast without loss, or the row is put aside as JSON', async () => {
  const content = await parquetOf(
    `SELECT * FROM (VALUES (1.0::DOUBLE, '1'), (1.5, '2'), (NULL, 'x'), (4, NULL)) AS t(a, b)`,
  );
  const staged = await bench.extract(content, {
    format: parquet(),
    columns: { a: 'int32', n: { type: 'int64', from: 'b' } },
    tolerance: 0.5,
  });
  expect(await rowsOf(staged)).toEqual([
    [1, '1'],
    [4, null],
  ]);
  expect(await quarantineOf(staged)).toMatchObject([
    { record: 2, reason: `column "a": '1.5' is not int32`, raw: Buffer.from('{"a":1.5,"b":"2"}') },
    { record: 3, reason: `column "n": 'x' is not int64` },
  ]);
});

test('a file of many row groups becomes rows with their numbers', async () => {
  const content = await parquetOf('SELECT range AS id, range % 10 = 3 AS odd FROM range(300_000)');
  const staged = await bench.extract(content, { format: parquet() });
  const [facts] = await readParquet(
    staged.files[0]?.path ?? '',
    'count(*), bool_and(id + 1 = _source_position), count(*) FILTER (odd)',
  );
  expect(facts).toEqual(['300000', true, '30000']);
  expect(staged.batch).toMatchObject({ read: 300_000, loaded: 300_000 });
});

test('other columns follow the contract', async () => {
  const content = await parquetOf(`SELECT 1 AS id, 5000000000 AS v, 'x' AS extra`);
  const frozenSchema = [
    { name: 'id', type: 'int32' },
    { name: 'v', type: 'int32' },
    { name: 'old', type: 'text' },
  ];
  await expect(bench.extract(content, { format: parquet() }, { frozenSchema })).rejects.toThrow(
    "'old' (text) is gone, 'extra' (text) is new",
  );
  const evolved = await bench.extract(content, { format: parquet(), contract: 'evolve' }, { frozenSchema });
  expect(evolved.batch.schema).toEqual([
    { name: 'id', type: 'int32' },
    { name: 'v', type: 'int64' },
    { name: 'extra', type: 'text' },
  ]);
  expect(await rowsOf(evolved)).toEqual([[1, '5000000000', 'x']]);
});

test('a file that is cut off, damaged or no Parquet is told apart', async () => {
  const content = await parquetOf('SELECT range AS id, md5(range::VARCHAR) AS t FROM range(50_000)');
  const format = parquet();
  await expect(bench.extract(content.subarray(0, content.length >> 1), { format })).rejects.toMatchObject({
    type: 'SourceUnreadable',
    where: { byte: content.length >> 1 },
  });
  const damaged = Buffer.from(content);
  damaged.fill(0xff, 1_000, 60_000);
  await expect(bench.extract(damaged, { format })).rejects.toMatchObject({ type: 'SourceUnreadable' });
  await expect(bench.extract('id,name\n1,a\n', { format })).rejects.toMatchObject({ type: 'FormatMismatch' });
  const empty = await parquetOf('SELECT 1 AS id WHERE false');
  await expect(bench.extract(empty, { format })).rejects.toMatchObject({ type: 'SourceEmpty' });
});
