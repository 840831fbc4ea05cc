import { afterEach, beforeEach, expect, test } from 'vitest';
import { csv } from '../../../schemas/format.js';
import { Bench, quarantineOf, rowsOf } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

const frozenSchema = [
  { name: 'id', type: 'int32' },
  { name: 'day', type: 'date' },
  { name: 'gone', type: 'text' },
];
const text = 'id,day,extra\n1,2025-01-05,5\n3000000000,2025-01-06 10:00:00,\nx,2025-01-07,7\n';

test('a stream that evolves takes on columns, widens types and keeps the rest as variants', async () => {
  const staged = await bench.extract(text, { contract: 'evolve' }, { frozenSchema });
  expect(staged.batch.schema).toEqual([
    { name: 'id', type: 'int32' },
    { name: 'id__variant', type: 'text' },
    { name: 'day', type: 'timestamp' },
    { name: 'extra', type: 'int64' },
  ]);
  expect(await rowsOf(staged)).toEqual([
    [1, null, '2025-01-05 00:00:00', '5'],
    [null, '3000000000', '2025-01-06 10:00:00', null],
    [null, 'x', '2025-01-07 00:00:00', '7'],
  ]);
  const wider = await bench.extract(
    'id,day\n3000000000,2025-01-06 10:00:00\n',
    { contract: 'evolve' },
    { frozenSchema },
  );
  expect(wider.batch.schema).toEqual([
    { name: 'id', type: 'int64' },
    { name: 'day', type: 'timestamp' },
  ]);
  expect(wider).toMatchObject({ contract: { columns: 'evolve', types: 'evolve' } });
});

test('a stream that discards values counts them', async () => {
  const staged = await bench.extract(text, { contract: 'discard_value' }, { frozenSchema });
  expect(staged.batch).toMatchObject({ read: 3, loaded: 3, discarded: 5 });
  expect(await rowsOf(staged)).toEqual([
    [1, '2025-01-05'],
    [null, null],
    [null, '2025-01-07'],
  ]);
});

test('a stream that discards rows keeps them in quarantine with the column', async () => {
  const two = frozenSchema.slice(0, 2);
  const staged = await bench
    .extract(text, { contract: 'discard_row', tolerance: 0.9 }, { frozenSchema: two })
    .catch((error: unknown) => error);
  expect(staged).toMatchObject({ type: 'ToleranceExceeded' });
  const kept = await bench.extract(
    `${text}4,2025-01-08,\n`,
    { contract: 'discard_row', tolerance: 0.9 },
    { frozenSchema: two },
  );
  expect(await rowsOf(kept)).toEqual([[4, '2025-01-08']]);
  expect((await quarantineOf(kept)).map(({ reason }) => reason)).toEqual([
    `column "extra" is not one of the stream's`,
    `column "id": '3000000000' is not int32; column "day": '2025-01-06 10:00:00' is not date`,
    `column "id": 'x' is not int32; column "extra" is not one of the stream's`,
  ]);
});

test('a frozen stream takes neither', async () => {
  await expect(bench.extract(text, {}, { frozenSchema })).rejects.toThrow(
    "'gone' (text) is gone, 'extra' (text) is new",
  );
});

test('records of a wrong width do not disturb the search for types', async () => {
  const staged = await bench.extract('id,net,day\nA1,2,2026-01-01\nA2,3\nA3\nA4,5,2026-01-02\n', {
    format: csv(),
    tolerance: 0.5,
  });
  expect(staged.batch.schema.map(({ type }) => type)).toEqual(['text', 'int64', 'date']);
  expect(staged.batch).toMatchObject({ read: 4, loaded: 2, quarantined: 2 });
});

test('a required value that does not fit is put aside, also where types evolve', async () => {
  const columns = { id: { type: 'int64', required: true }, day: 'text' } as const;
  const staged = await bench.extract('id,day\n1,a\nsix,b\n,c\n', {
    ...{ columns, contract: 'evolve', tolerance: 0.9 },
  });
  expect(await rowsOf(staged)).toEqual([['1', 'a']]);
  expect((await quarantineOf(staged)).map(({ reason }) => reason)).toEqual([
    `column "id": 'six' is not int64`,
    'column "id": a value is required',
  ]);
});
