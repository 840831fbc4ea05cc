import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jsonLine, parseJson, textOf, valueAt, withValueAt } from '../../../../engines/sources/rest/json.js';
import { RestSource } from '../../../../schemas/rest.js';
import { Bench, INTERVAL } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

describe('JSON without rounding', () => {
  test('long numbers keep their digits, as records, keys and cursors', async () => {
    const line =
      '{"id":12345678901234567890,"price":10.50,"rate":1e400,"deep":{"x":[-0.1000000000000000055]},"n":1}';
    bench.api.on('/v1/orders', () => `[${line}]`);
    const { lines, filter } = await bench.fetch({ cursor: { field: 'id', from: 0 } });
    expect(lines).toEqual([line]);
    expect(filter?.reached.value).toBe('12345678901234567890');
  });

  test('any document comes back as it was', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(jsonLine(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
    fc.assert(
      fc.property(fc.bigInt(), fc.string(), (number, string) => {
        const text = `{"a":[${number},${JSON.stringify(string)}]}`;
        expect(jsonLine(parseJson(text))).toBe(text);
      }),
    );
  });

  test.each(['', '{', '[1 2]', '01', '1.2.3', '1e', '--1', '"a', '{"a":12345678901234567890.}'])(
    'what is no JSON is refused: %s',
    (text) => expect(() => parseJson(text)).toThrow(SyntaxError),
  );

  test('nesting beyond all reason is refused', () => {
    expect(() => parseJson('['.repeat(100_000))).toThrow('deep');
  });

  test('paths lead through objects and arrays, and never to what an object inherits', () => {
    const value = { a: { 'b.c': 1, list: [{ x: 2 }] }, 'a.b': 3, __proto__: null };
    expect(valueAt(value, 'a.list.0.x')).toBe(2);
    expect(valueAt(value, 'a.b')).toBe(3);
    expect(valueAt(value, 'a.list.-1.x')).toBe(2);
    expect(valueAt([], '-1.x')).toBeUndefined();
    expect(valueAt({}, 'constructor.name')).toBeUndefined();
    expect(withValueAt({ a: { b: 1, c: 2 } }, 'a.b', undefined)).toEqual({ a: { c: 2 } });
    expect(withValueAt({}, 'a.b', 1)).toEqual({ a: { b: 1 } });
    expect(textOf(parseJson('1.10'))).toBe('1.10');
  });
});

describe('children', () => {
  test('arrays become rows of their own with the key of their parent', async () => {
    bench.api.on('/v1/orders', () => [
      {
        id: 12345678901234567n.toString(),
        shop: { no: 7 },
        lines: [{ sku: 'a' }, { sku: 'b' }],
        meta: { tags: ['x'] },
      },
      { id: '2', shop: { no: 8 }, lines: [], meta: { tags: null } },
      { id: '3', shop: { no: 8 }, meta: {} },
    ]);
    const loaded = await bench.fetch({
      children: {
        lines: { path: 'lines', parentKey: ['id', 'shop.no'] },
        tags: { path: 'meta.tags', parentKey: ['id'] },
      },
    });
    expect(loaded.rows).toEqual([
      { id: '12345678901234567', shop: { no: 7 }, meta: {} },
      { id: '2', shop: { no: 8 }, meta: {} },
      { id: '3', shop: { no: 8 }, meta: {} },
    ]);
    expect(loaded.childRows).toEqual({
      lines: [
        { _parent_id: '12345678901234567', _parent_shop_no: 7, _index: 1, sku: 'a' },
        { _parent_id: '12345678901234567', _parent_shop_no: 7, _index: 2, sku: 'b' },
      ],
      tags: [{ _parent_id: '12345678901234567', _index: 1, value: 'x' }],
    });
    expect(loaded.children.get('lines')?.rows).toBe(2);
  });

  test('elements without a parent are a loud failure', async () => {
    bench.api.on('/v1/orders', () => [{ lines: [1] }]);
    const children = { lines: { path: 'lines', parentKey: ['id'] } };
    await expect(bench.fetch({ children })).rejects.toMatchObject({
      ...{ type: 'FormatMismatch', where: { file: `GET ${bench.api.url}/v1/orders` } },
    });
  });
});

describe('a cursor', () => {
  const at = (id: number, t: string) => ({ id, t });
  const cursor = { field: 't', from: '2025-01-01' };

  test('asks from where the last load ended, and leaves out what is in', async () => {
    const rows = [
      at(1, '2025-01-01T08:00:00Z'),
      at(2, '2025-01-02T08:00:00Z'),
      at(3, '2025-01-02T08:00:00Z'),
    ];
    bench.api.on('/v1/orders', ({ query }) => rows.filter(({ t }) => t >= (query.get('since') ?? '')));
    const params = { since: '{cursor}' };
    const first = await bench.fetch({ cursor, params });
    expect(first.rows).toEqual(rows);
    expect(first.filter?.reached.value).toBe('2025-01-02T08:00:00Z');
    // a tie that came later, and a newer one
    rows.push(at(4, '2025-01-02T08:00:00Z'), at(5, '2025-01-03T08:00:00.5Z'));
    const second = await bench.fetch({ cursor, params }, {}, first.filter?.reached);
    expect(second.rows.map(({ id }) => id)).toEqual([4, 5]);
    expect(second.filter).toMatchObject({ dropped: 2, reached: { value: '2025-01-03T08:00:00.5Z' } });
    const third = await bench.fetch({ cursor, params }, {}, second.filter?.reached);
    expect(third.rows).toEqual([]);
    expect(third.filter?.reached).toEqual(second.filter?.reached);
    expect(bench.api.asked.map(({ query }) => query.get('since'))).toEqual([
      '2025-01-01',
      '2025-01-02T08:00:00Z',
      '2025-01-03T08:00:00.5Z',
    ]);
  });

  test.each([
    ['numbers', ['9', '10'], '10'],
    ['numbers beyond a double', ['9007199254740993', '9007199254740992'], '9007199254740993'],
    ['fractions', ['1.5', '1.25'], '1.5'],
    ['texts of digits', ['"9"', '"10"'], '10'],
    [
      'times with fractions',
      ['"2025-01-01T00:00:00Z"', '"2025-01-01T00:00:00.001Z"'],
      '2025-01-01T00:00:00.001Z',
    ],
    ['times in zones', ['"2025-01-01T01:00:00+02:00"', '"2025-01-01T00:30:00Z"'], '2025-01-01T00:30:00Z'],
    ['texts', ['"b"', '"a"'], 'b'],
  ])('%s are compared as what they are', async (_what, values, greatest) => {
    bench.api.on('/v1/orders', () => `[${values.map((value) => `{"t":${value}}`).join()}]`);
    const { filter } = await bench.fetch({ cursor });
    expect(String(filter?.reached.value)).toBe(greatest);
  });

  test('rows without a value are never left out; a field that no row has is a loud failure', async () => {
    bench.api.on('/v1/orders', () => [{ id: 1 }, { id: 2, t: '2025-01-01' }]);
    expect((await bench.fetch({ cursor }, {}, { value: '2025-01-05', ties: [] })).rows).toEqual([{ id: 1 }]);
    bench.api.on('/v1/orders', () => [{ id: 1 }]);
    const { filter } = await bench.fetch({ cursor });
    expect(() => filter?.reached).toThrow('is in no record');
  });
});

describe('the request', () => {
  const asked = async (stream: Parameters<Bench['fetch']>[0]) => {
    bench.api.on('/v1/orders', () => []).on('/v1/orders/2025-01-06', () => []);
    await bench.fetch(stream);
    return bench.api.asked[0];
  };

  test('is filled from the interval', async () => {
    const one = await asked({
      path: '/orders/{start:yyyy-MM-dd}',
      params: { to: '{end}', week: "{start:kkkk-'W'WW}", size: 5, filter: '{"a":1}' },
    });
    expect(one?.path).toBe('/v1/orders/2025-01-06');
    expect(Object.fromEntries(one?.query ?? [])).toEqual({
      ...{ to: INTERVAL.end, week: '2025-W02', size: '5', filter: '{"a":1}' },
    });
  });

  test.each([
    ['../admin', 'leaves'],
    ['../v1admin', 'leaves'],
    ['%2e%2e/admin', 'leaves'],
    ['{date}', 'placeholder'],
    ['{cursor}', 'declares no cursor'],
  ])('is refused for the path %s', async (path, said) => {
    await expect(bench.fetch({ path })).rejects.toMatchObject({
      type: 'ProjectInvalid',
      message: expect.stringContaining(said),
    });
    expect(bench.api.asked).toEqual([]);
  });

  test.each(['http://user:pass@api.test/', 'ftp://api.test/', 'file:///etc'])('no baseUrl: %s', (baseUrl) =>
    expect(RestSource.safeParse({ kind: 'rest', baseUrl, streams: {} }).success).toBe(false),
  );
});
