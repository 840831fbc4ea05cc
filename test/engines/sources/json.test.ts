import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { json, jsonl } from '../../../schemas/format.js';
import { Bench, quarantineOf, readParquet, rowsOf } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

const lines = (...records: unknown[]): string => records.map((record) => JSON.stringify(record)).join('\n');
const types = (schema: { name: string; type: string }[]): [string, string][] =>
  schema.map(({ name, type }) => [name, type]);

describe('JSON Lines', () => {
  test('nested objects become structs, arrays lists, missing keys null', async () => {
    const text = lines(
      { id: 1, name: 'Ann', address: { city: 'Bern', zip: 3000 }, tags: ['a', 'b'] },
      { id: 2, address: null, tags: [], late: true },
      { id: 3, name: 'Zoë "x"\n', address: { city: 'Ulm', geo: { lat: 48.4 } }, tags: null },
    );
    const staged = await bench.extract(text, { format: jsonl() });
    expect(types(staged.batch.schema)).toEqual([
      ['id', 'int64'],
      ['name', 'text'],
      ['address', 'STRUCT("city" VARCHAR, "zip" BIGINT, "geo" STRUCT("lat" DOUBLE))'],
      ['tags', 'VARCHAR[]'],
      ['late', 'boolean'],
    ]);
    expect(await rowsOf(staged)).toEqual([
      ['1', 'Ann', { city: 'Bern', zip: '3000', geo: null }, ['a', 'b'], null],
      ['2', null, null, [], true],
      ['3', 'Zoë "x"\n', { city: 'Ulm', zip: null, geo: { lat: 48.4 } }, null, null],
    ]);
    expect(staged.inferred).toBe(true);
  });

  test('nested objects become columns or JSON where that is declared', async () => {
    const text = lines({ a: { b: 1, c: { d: 'x' } }, l: [{ e: 1 }] });
    const flat = await bench.extract(text, { format: jsonl({ nested: 'flatten' }) });
    expect(types(flat.batch.schema)).toEqual([
      ['a_b', 'int64'],
      ['a_c_d', 'text'],
      ['l', 'STRUCT("e" BIGINT)[]'],
    ]);
    expect(await rowsOf(flat)).toEqual([['1', 'x', [{ e: '1' }]]]);
    const kept = await bench.extract(text, { format: jsonl({ nested: 'json' }) });
    expect(types(kept.batch.schema)).toEqual([
      ['a', 'json'],
      ['l', 'json'],
    ]);
    expect(await rowsOf(kept)).toEqual([['{"b":1,"c":{"d":"x"}}', '[{"e":1}]']]);
  });

  test('numbers keep every digit, nested ones too', async () => {
    const text = [
      '{"big":9223372036854775807,"money":12345678901234567890.123456789,"huge":123456789012345678901234567890,"f":0.1,"n":{"m":12345678901234567890.123456789}}',
      '{"big":-1,"money":1,"huge":1,"f":1e-7,"n":{"m":1.5}}',
    ].join('\n');
    const staged = await bench.extract(text, { format: jsonl() });
    expect(types(staged.batch.schema)).toEqual([
      ['big', 'int64'],
      ['money', 'decimal(38,9)'],
      ['huge', 'decimal(38,0)'],
      ['f', 'double'],
      ['n', 'STRUCT("m" DECIMAL(38,9))'],
    ]);
    expect((await rowsOf(staged))[0]).toEqual([
      '9223372036854775807',
      '12345678901234567890.123456789',
      '123456789012345678901234567890',
      0.1,
      { m: '12345678901234567890.123456789' },
    ]);
    const declared = await bench.extract('{"v":0.12345678901234567890123456789012345678}\n', {
      format: jsonl(),
      columns: { v: 'decimal(38,38)' },
    });
    expect(await rowsOf(declared)).toEqual([['0.12345678901234567890123456789012345678']]);
  });

  test('a broken line goes to quarantine with its position and its bytes', async () => {
    const text = '{"id":1}\n\n{"id":2,}\n[3]\n{"id":"x"}\n{"id":5}\n';
    const staged = await bench.extract(text, { format: jsonl(), columns: { id: 'int32' }, tolerance: 0.7 });
    expect(staged.batch).toMatchObject({ read: 5, loaded: 2, quarantined: 3 });
    const kept = await quarantineOf(staged);
    expect(kept.map(({ record, line, byte, reason }) => [record, line, byte, reason])).toEqual([
      [2, 3, 10, 'it is not JSON: at character 9, a key in quotes is expected where "}" is'],
      [3, 4, 20, 'it is an array where an object is expected'],
      [4, 5, 24, `column "id": 'x' is not int32`],
    ]);
    expect(kept.map(({ raw }) => raw.toString())).toEqual(['{"id":2,}', '[3]', '{"id":"x"}']);
  });

  test('what a nested type has no place for is no row, not a silent null', async () => {
    const frozenSchema = [{ name: 'a', type: 'STRUCT("b" BIGINT)' }];
    const odd = { format: jsonl(), tolerance: 0.9 };
    const staged = await bench.extract(lines({ a: { b: 1 } }, { a: { b: 1.5 } }, { a: 'x' }), odd, {
      frozenSchema,
    });
    expect(await rowsOf(staged)).toEqual([[{ b: '1' }]]);
    expect((await quarantineOf(staged)).map(({ reason }) => reason)).toEqual([
      `column "a": '{"b":1.5}' is not STRUCT("b" BIGINT)`,
      `column "a": '"x"' is not STRUCT("b" BIGINT)`,
    ]);
    await expect(bench.extract(lines({ a: { b: 1, c: 2 } }), odd, { frozenSchema })).rejects.toMatchObject({
      type: 'SchemaMismatch',
    });
    const evolved = await bench.extract(
      lines({ a: { b: 1, c: 2 } }, { a: 'x' }),
      { ...odd, contract: 'evolve' },
      { frozenSchema },
    );
    expect(types(evolved.batch.schema)[0]?.[0]).toBe('a');
    expect(evolved.batch.loaded).toBe(2);
  });

  test('new keys follow the contract', async () => {
    const frozenSchema = [{ name: 'id', type: 'int64' }];
    const text = lines({ id: 1 }, { id: 2, extra: 'x' });
    const run = (contract: 'evolve' | 'freeze' | 'discard_row' | 'discard_value') =>
      bench.extract(text, { format: jsonl(), contract, tolerance: 0.5 }, { frozenSchema });
    await expect(run('freeze')).rejects.toThrow("'extra' (text) is new");
    const evolved = await run('evolve');
    expect(types(evolved.batch.schema)).toEqual([
      ['id', 'int64'],
      ['extra', 'text'],
    ]);
    expect((await run('discard_row')).batch).toMatchObject({ loaded: 1, quarantined: 1 });
    expect((await run('discard_value')).batch).toMatchObject({ loaded: 2, quarantined: 0, discarded: 1 });
  });

  test('values of another type widen the column, or are kept as variants', async () => {
    const frozenSchema = [{ name: 'v', type: 'int64' }];
    const text = lines({ v: 1 }, { v: 'x' }, { v: [1] });
    const staged = await bench.extract(text, { format: jsonl(), contract: 'evolve' }, { frozenSchema });
    expect(types(staged.batch.schema)).toEqual([
      ['v', 'int64'],
      ['v__variant', 'text'],
    ]);
    expect(await rowsOf(staged)).toEqual([
      ['1', null],
      [null, 'x'],
      [null, '[1]'],
    ]);
  });

  test('a line of a gigabyte costs no memory and that line only', async () => {
    const long = Buffer.alloc(40 << 20, 'x');
    const text = gzipSync(
      Buffer.concat([Buffer.from('{"id":1}\n{"id":"'), long, Buffer.from('"}\n{"id":3}\n')]),
    );
    const staged = await bench.extract(text, { format: jsonl(), columns: { id: 'int32' }, tolerance: 0.5 });
    expect(staged.batch).toMatchObject({ read: 3, loaded: 2 });
    const [kept] = await quarantineOf(staged);
    expect(kept).toMatchObject({ record: 2, line: 2, byte: 9 });
    expect(kept?.reason).toContain('it is longer than');
  });

  test('pages of an API may hold the records', async () => {
    const text = lines(
      { data: { items: [{ id: 1 }, { id: 2 }] } },
      { data: { items: [] } },
      { data: { items: [{ id: 3 }] } },
    );
    const staged = await bench.extract(text, { format: jsonl({ records: 'data.items' }) });
    expect(await rowsOf(staged)).toEqual([['1'], ['2'], ['3']]);
  });
});

describe('a JSON document', () => {
  const document =
    '{\n "meta": {"items": [0]},\n "data": {"page": 1, "items": [\n  {"id": 1, "t": "]},"},\n  {"id": 2}\n ]}, "end": [1, {"x": 2}]\n}\n';

  test('its records are the elements of the array at the path', async () => {
    const staged = await bench.extract(document, {
      format: json({ records: 'data.items' }),
      columns: { id: 'int32', t: 'text' },
    });
    expect(await rowsOf(staged)).toEqual([
      [1, ']},'],
      [2, null],
    ]);
    const list = await bench.extract(' [ {"id":1}, {"id":2} ] ', { format: json() });
    expect(await rowsOf(list)).toEqual([['1'], ['2']]);
    const one = await bench.extract('{"id":7}', { format: json() });
    expect(await rowsOf(one)).toEqual([['7']]);
  });

  test('it is read alike whatever the chunks are', async () => {
    const rows = Array.from({ length: 60_000 }, (_, id) => ({
      id,
      text: `t"${'x'.repeat(id % 50)}\\`,
      n: { a: [id] },
    }));
    const staged = await bench.extract(JSON.stringify({ rows }), { format: json({ records: 'rows' }) });
    expect(staged.batch).toMatchObject({ read: 60_000, loaded: 60_000 });
    const [sums] = await readParquet(
      staged.files[0]?.path ?? '',
      'sum(id)::BIGINT, sum(length("text"))::BIGINT, sum(n.a[1])::BIGINT',
    );
    expect(sums?.map(Number)).toEqual([
      rows.reduce((sum, { id }) => sum + id, 0),
      rows.reduce((sum, { text }) => sum + text.length, 0),
      rows.reduce((sum, { id }) => sum + id, 0),
    ]);
  });

  test('a broken element is quarantined, a document that is cut off fails', async () => {
    const staged = await bench.extract('[{"id":1},{"id":tru},{"id":3}]', { format: json(), tolerance: 0.5 });
    expect(await quarantineOf(staged)).toMatchObject([{ record: 2, byte: 10 }]);
    await expect(bench.extract('[{"id":1},{"id"', { format: json() })).rejects.toMatchObject({
      type: 'SourceUnreadable',
      where: { byte: 15 },
    });
  });

  test.each([
    ['HTML', '<!DOCTYPE html><html><body>Sign in</body></html>', 'FormatMismatch', 'an HTML page, not JSON'],
    ['lines', '{"id":1}\n{"id":2}\n', 'FormatMismatch', 'declare jsonl()'],
    ['another path', '{"data":{"rows":[]}}', 'FormatMismatch', "on the way are 'data', 'rows'"],
    ['no record', '{"data":{"items":[]}}', 'SourceEmpty', 'no record'],
  ])('%s in its place is said', async (_what, text, type, message) => {
    const records = text.includes('id') || text.startsWith('<') ? undefined : 'data.items';
    const failed = bench.extract(text, { format: json(records === undefined ? {} : { records }) });
    await expect(failed).rejects.toMatchObject({ type });
    await expect(failed).rejects.toThrow(message);
  });

  test('HTML in the place of JSON Lines is said, too', async () => {
    await expect(bench.extract('\n<html>oops</html>\n', { format: jsonl() })).rejects.toThrow('an HTML page');
  });
});

describe('a place where an object is expected', () => {
  const text = lines({ id: 1, a: { city: 'Bern' } }, { id: 2, a: 'x' }, { id: 3, a: { city: 'Ulm' } });
  const declared = { id: 'int64', city: { type: 'text', from: 'a.city' } } as const;
  const run = (contract: 'evolve' | 'freeze' | 'discard_row' | 'discard_value', more = {}, frozen?: Frozen) =>
    bench.extract(
      text,
      { format: jsonl(), columns: declared, contract, tolerance: 0.5, ...more },
      { frozenSchema: frozen },
    );
  type Frozen = { name: string; type: string }[];
  const known: Frozen = [
    { name: 'id', type: 'int64' },
    { name: 'city', type: 'text' },
  ];

  test.each([undefined, known])('costs the record with another value that value only', async (frozen) => {
    const staged = await run('discard_value', {}, frozen);
    expect(staged.batch).toMatchObject({ loaded: 3, quarantined: 0, discarded: 1, schema: known });
    expect(await rowsOf(staged)).toEqual([
      ['1', 'Bern'],
      ['2', null],
      ['3', 'Ulm'],
    ]);
  });

  test.each([undefined, known])('sends its record to quarantine where types are frozen', async (frozen) => {
    for (const contract of ['freeze', 'discard_row'] as const) {
      const staged = await run(contract, {}, frozen);
      expect(await rowsOf(staged)).toEqual([
        ['1', 'Bern'],
        ['3', 'Ulm'],
      ]);
      expect((await quarantineOf(staged)).map(({ record, reason }) => [record, reason])).toEqual([
        [2, `column "a": 'x' is not an object`],
      ]);
    }
  });

  test('keeps the other value in a column of its own where types evolve', async () => {
    const kept = [
      ['1', 'Bern', null],
      ['2', null, 'x'],
      ['3', 'Ulm', null],
    ];
    const staged = await run('evolve', {}, known);
    expect(types(staged.batch.schema).at(-1)).toEqual(['a', 'text']);
    expect(await rowsOf(staged)).toEqual(kept);
    const taken = { id: 'int64', a: { type: 'text', from: 'a.city' } } as const;
    const renamed = await run('evolve', { columns: taken });
    expect(types(renamed.batch.schema).at(-1)).toEqual(['a_value', 'text']);
    expect(await rowsOf(renamed)).toEqual(kept);
    const flat = [
      { name: 'id', type: 'int64' },
      { name: 'a_city', type: 'text' },
    ];
    const flatten = { format: jsonl({ nested: 'flatten' }), columns: undefined };
    expect(await rowsOf(await run('evolve', flatten, flat))).toEqual(kept);
    expect((await run('discard_value', flatten, flat)).batch).toMatchObject({ loaded: 3, discarded: 1 });
    expect((await run('freeze', flatten, flat)).batch).toMatchObject({ loaded: 2, quarantined: 1 });
  });
});

test('a required value that does not fit is no row, whatever the contract keeps or leaves out', async () => {
  const columns = { id: { type: 'int64', required: true }, n: 'int64' } as const;
  for (const contract of ['evolve', 'discard_value', 'freeze'] as const) {
    const spec = { format: jsonl(), columns, contract, tolerance: 0.9 };
    const staged = await bench.extract(lines({ id: 1, n: 1 }, { id: 'six', n: 2 }, { n: 3 }), spec);
    expect(await rowsOf(staged)).toEqual([['1', '1']]);
    expect((await quarantineOf(staged)).map(({ reason }) => reason)).toEqual([
      `column "id": 'six' is not int64`,
      'column "id": a value is required',
    ]);
    await expect(bench.extract(lines({ n: 3 }), spec)).rejects.toMatchObject({
      type: 'ToleranceExceeded',
      message: expect.stringContaining('a value is required') as string,
    });
  }
});

test('a new member of a nested value is left out alone, and counted', async () => {
  const frozenSchema = [
    { name: 'id', type: 'int64' },
    { name: 'a', type: 'STRUCT("b" BIGINT)' },
  ];
  const text = lines({ id: 1, a: { b: 1, c: 2 } }, { id: 2, a: { b: 2 } }, { id: 3, a: { b: 'x' } });
  const staged = await bench.extract(text, { format: jsonl(), contract: 'discard_value' }, { frozenSchema });
  expect(staged.batch).toMatchObject({ loaded: 3, discarded: 2, schema: frozenSchema });
  expect(await rowsOf(staged)).toEqual([
    ['1', { b: '1' }],
    ['2', { b: '2' }],
    ['3', null],
  ]);
});

test('whole numbers become decimals when fractions come, and lose nothing', async () => {
  const frozenSchema = [{ name: 'n', type: 'int64' }];
  const text = '{"n":9223372036854775807}\n{"n":1.5}\n';
  const staged = await bench.extract(text, { format: jsonl(), contract: 'evolve' }, { frozenSchema });
  expect(types(staged.batch.schema)).toEqual([['n', 'decimal(20,1)']]);
  expect(await rowsOf(staged)).toEqual([['9223372036854775807.0'], ['1.5']]);
});
