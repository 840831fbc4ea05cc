import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nextLink } from '../../../../engines/sources/rest/pages.js';
import { Bench, records, type StreamInput } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

const ALL = records(1, 25);
const asked = (name: string) => bench.api.asked.map(({ query }) => query.get(name));
/** Rows `from` on, as a server with a page size of its own gives them. */
const slice = (from: number, size: number, rows: unknown[] = ALL) => rows.slice(from, from + size);

describe('every pagination brings every row once', () => {
  test('none', async () => {
    bench.api.on('/v1/orders', () => ALL);
    expect((await bench.fetch()).rows).toEqual(ALL);
  });

  test('page, until one is empty, and a second look', async () => {
    bench.api.on('/v1/orders', ({ query }) => slice((Number(query.get('page')) - 1) * 10, 10));
    expect((await bench.fetch({ pagination: { kind: 'page' } })).rows).toEqual(ALL);
    expect(asked('page')).toEqual(['1', '2', '3', '4', '1', '2']);
  });

  test('page, where rows keep their places', async () => {
    bench.api.on('/v1/orders', ({ query }) => slice(Number(query.get('p')) * 10, 10));
    const pagination = { kind: 'page', page: 'p', first: 0, limit: 10, stable: true } as const;
    expect((await bench.fetch({ pagination })).rows).toEqual(ALL);
    expect(asked('p')).toEqual(['0', '1', '2', '3']);
    expect(asked('per_page')).toEqual(['10', '10', '10', '10']);
  });

  test('page, with a total in the header, and one row more than the last full page', async () => {
    bench.api.on('/v1/orders', ({ query }, response) => {
      response.setHeader('X-Total-Count', '25');
      return slice((Number(query.get('page')) - 1) * 24, 24);
    });
    const loaded = await bench.fetch({ pagination: { kind: 'page' }, total: 'header:X-Total-Count' });
    expect(loaded).toMatchObject({ rows: ALL, total: 25 });
    expect(asked('page')).toEqual(['1', '2']);
  });

  test('page, with the number of pages', async () => {
    bench.api.on('/v1/orders', ({ query }) => ({
      data: slice((Number(query.get('page')) - 1) * 10, 10),
      meta: { pages: 3 },
    }));
    const pagination = { kind: 'page', pages: 'meta.pages', stable: true } as const;
    expect((await bench.fetch({ pagination, records: 'data' })).rows).toEqual(ALL);
    expect(asked('page')).toEqual(['1', '2', '3']);
  });

  test.each([10, 7, 25, 100])('offset, from a server that gives %i at most', async (cap) => {
    bench.api.on('/v1/orders', ({ query }) =>
      slice(Number(query.get('offset')), Math.min(cap, Number(query.get('limit')))),
    );
    expect((await bench.fetch({ pagination: { kind: 'offset' } })).rows).toEqual(ALL);
  });

  test.each([0, 1, 2])('offset, with %i rows and a server that gives one', async (count) => {
    bench.api.on('/v1/orders', ({ query }) => slice(Number(query.get('offset')), 1, records(1, count)));
    expect((await bench.fetch({ pagination: { kind: 'offset' } })).rows).toEqual(records(1, count));
  });

  test('offset, with a total', async () => {
    bench.api.on('/v1/orders', ({ query }) => ({ total: 25, rows: slice(Number(query.get('offset')), 10) }));
    expect(
      (await bench.fetch({ pagination: { kind: 'offset' }, records: 'rows', total: 'total' })).rows,
    ).toEqual(ALL);
    expect(asked('offset')).toEqual(['0', '9', '18']);
  });

  test('cursor, also over an empty page', async () => {
    bench.api.on('/v1/orders', ({ query }) => {
      const from = Number(query.get('after') ?? 0);
      if (from === 10 && query.get('after') === '10') return { items: [], next: '10b' };
      const at = parseInt(query.get('after') ?? '0');
      return { items: slice(at, 10), next: at + 10 < 25 ? String(at + 10) : null };
    });
    const pagination = { kind: 'cursor', cursor: 'after', next: 'next' } as const;
    expect((await bench.fetch({ pagination, records: 'items' })).rows).toEqual(ALL);
    expect(asked('after')).toEqual([null, '10', '10b', '20']);
  });

  test('cursor, where the last record is the token and a flag says whether there is more', async () => {
    bench.api.on('/v1/orders', ({ query }) => {
      const at = Number(query.get('starting_after') ?? 0);
      return { data: slice(at, 10), has_more: at < 15 };
    });
    const pagination = {
      kind: 'cursor',
      cursor: 'starting_after',
      next: 'data.-1.id',
      more: 'has_more',
    } as const;
    expect((await bench.fetch({ pagination, records: 'data' })).rows).toEqual(ALL);
    expect(asked('starting_after')).toEqual([null, '10', '20']);
  });

  test('a POST, with its cursor in the body', async () => {
    bench.api.on('/v1/orders', ({ body }) => {
      const { variables } = JSON.parse(body) as { variables: { after?: string; since: string } };
      const at = Number(variables.after ?? 0);
      return { data: { nodes: slice(at, 20), end: at === 0 ? '20' : '' } };
    });
    const stream: StreamInput = {
      ...{ method: 'POST', body: { query: '{ orders { id } }', variables: { since: '{start:yyyy-MM-dd}' } } },
      ...{
        records: 'data.nodes',
        pagination: { kind: 'cursor', cursor: 'variables.after', next: 'data.end' },
      },
    };
    expect((await bench.fetch(stream)).rows).toEqual(ALL);
    expect(bench.api.asked.map(({ body }) => (JSON.parse(body) as { variables: unknown }).variables)).toEqual(
      [{ since: '2025-01-06' }, { since: '2025-01-06', after: '20' }],
    );
  });

  test('Link, relative and absolute', async () => {
    bench.api.on('/v1/orders', ({ query }, response) => {
      const at = Number(query.get('at') ?? 0);
      const base = at === 0 ? '' : bench.api.url;
      if (at < 20)
        response.setHeader('link', `<${base}/v1/orders?at=${at + 10}>; rel="next", </v1/orders>; rel=first`);
      return slice(at, 10);
    });
    expect((await bench.fetch({ pagination: { kind: 'link' } })).rows).toEqual(ALL);
  });

  test('next URL', async () => {
    bench.api.on('/v1/orders', ({ query }) => {
      const at = Number(query.get('skip') ?? 0);
      return { value: slice(at, 10), 'odata.next': at < 20 ? `?skip=${at + 10}` : undefined };
    });
    const pagination = { kind: 'nextUrl', next: 'odata.next' } as const;
    expect((await bench.fetch({ pagination, records: 'value' })).rows).toEqual(ALL);
  });
});

describe('pages that do not add up are never half a load', () => {
  const incomplete = (text: string) => ({
    ...{ type: 'PagesIncomplete', retryable: false },
    message: expect.stringContaining(text),
  });

  test('a repeated token', async () => {
    bench.api.on('/v1/orders', ({ before }) => ({ items: records(before * 10, 10), next: 'same' }));
    const pagination = { kind: 'cursor', next: 'next' } as const;
    await expect(bench.fetch({ pagination, records: 'items' })).rejects.toMatchObject(
      incomplete('in a circle'),
    );
  });

  test('tokens in a circle', async () => {
    bench.api.on('/v1/orders', ({ before }) => ({ items: records(before * 10, 10), next: `t${before % 3}` }));
    const pagination = { kind: 'cursor', next: 'next' } as const;
    await expect(bench.fetch({ pagination, records: 'items' })).rejects.toMatchObject(
      incomplete('in a circle'),
    );
  });

  test('a next address that leads back', async () => {
    bench.api.on('/v1/orders', ({ before }) => ({
      items: records(before, 1),
      next: `/v1/orders?p=${before % 2}`,
    }));
    const pagination = { kind: 'nextUrl', next: 'next' } as const;
    await expect(bench.fetch({ pagination, records: 'items' })).rejects.toMatchObject(
      incomplete('in a circle'),
    );
  });

  test('a page that has what an earlier one had', async () => {
    bench.api.on('/v1/orders', ({ before }) => ({ items: records(0, 10), next: `t${before}` }));
    const pagination = { kind: 'cursor', next: 'next' } as const;
    await expect(bench.fetch({ pagination, records: 'items' })).rejects.toMatchObject(
      incomplete('same records'),
    );
  });

  test.each(['page', 'offset'] as const)('a server that does not know the parameter of %s', async (kind) => {
    bench.api.on('/v1/orders', () => records(0, 10));
    await expect(bench.fetch({ pagination: { kind } })).rejects.toMatchObject({ type: 'PagesIncomplete' });
  });

  test('a total that is never reached', async () => {
    bench.api.on('/v1/orders', ({ query }) => ({ n: 30, rows: slice(Number(query.get('offset')), 10) }));
    await expect(
      bench.fetch({ pagination: { kind: 'offset' }, records: 'rows', total: 'n' }),
    ).rejects.toMatchObject(incomplete('counts 30 records and gave 25'));
  });

  test('an end that comes too early', async () => {
    bench.api.on('/v1/orders', ({ query }) => ({
      n: 25,
      items: query.get('cursor') ? slice(10, 10) : slice(0, 10),
      next: query.get('cursor') ? null : 'x',
    }));
    const pagination = { kind: 'cursor', next: 'next' } as const;
    await expect(bench.fetch({ pagination, records: 'items', total: 'n' })).rejects.toMatchObject(
      incomplete('gave 20'),
    );
  });

  test('a next page at another origin, which gets no credentials', async () => {
    bench.api.on('/v1/orders', () => ({ items: ALL, next: 'http://127.0.0.1:1/v1/orders' }));
    const pagination = { kind: 'nextUrl', next: 'next' } as const;
    await expect(bench.fetch({ pagination, records: 'items' })).rejects.toMatchObject({ type: 'ApiError' });
  });
});

describe('rows that come and go while pages are read', () => {
  /** A table that changes once, after `after` requests. */
  const moving = (after: number, change: (rows: { id: number }[]) => { id: number }[]) => {
    let rows = records(1, 25);
    return (before: number) => {
      if (before === after) rows = change(rows);
      return rows;
    };
  };
  const insertFirst = (rows: { id: number }[]) => [{ id: 0 }, ...rows];
  const deleteFirst = (rows: { id: number }[]) => rows.slice(1);

  test.each([
    ['inserted', insertFirst, records(0, 26)],
    ['deleted', deleteFirst, records(2, 24)],
  ])('one %s: offset pages are read again, complete', async (_what, change, expected) => {
    const table = moving(2, change);
    bench.api.on('/v1/orders', ({ query, before }) => slice(Number(query.get('offset')), 10, table(before)));
    expect((await bench.fetch({ pagination: { kind: 'offset' } })).rows).toEqual(expected);
  });

  test.each([
    ['inserted', insertFirst, records(0, 26)],
    ['deleted', deleteFirst, records(2, 24)],
  ])('one %s: numbered pages are read again, complete', async (_what, change, expected) => {
    const table = moving(2, change);
    bench.api.on('/v1/orders', ({ query, before }) =>
      slice((Number(query.get('page')) - 1) * 10, 10, table(before)),
    );
    expect((await bench.fetch({ pagination: { kind: 'page' } })).rows).toEqual(expected);
  });

  test('one inserted: a total that changes is enough', async () => {
    const table = moving(1, insertFirst);
    bench.api.on('/v1/orders', ({ query, before }) => {
      const rows = table(before);
      return { n: rows.length, rows: slice((Number(query.get('page')) - 1) * 10, 10, rows) };
    });
    const loaded = await bench.fetch({ pagination: { kind: 'page' }, records: 'rows', total: 'n' });
    expect(loaded).toMatchObject({ rows: records(0, 26), total: 26 });
  });

  test('rows that never rest are a loud failure', async () => {
    bench.api.on('/v1/orders', ({ query, before }) =>
      slice(Number(query.get('offset')), 10, records(1000 - before, 25)),
    );
    await expect(bench.fetch({ pagination: { kind: 'offset' } })).rejects.toMatchObject({
      type: 'PagesIncomplete',
      message: expect.stringContaining('moved while they were read'),
    });
  });

  test('a key tells a changed row from another one', async () => {
    bench.api.on('/v1/orders', ({ query, before }) =>
      slice(Number(query.get('offset')), 10).map((row) => ({ ...(row as object), seen: before })),
    );
    const pagination = { kind: 'offset' } as const;
    expect((await bench.fetch({ pagination, key: ['id'] })).rows).toHaveLength(25);
    await expect(bench.fetch({ pagination })).rejects.toMatchObject({ type: 'PagesIncomplete' });
  });
});

test.each([
  ['<https://a/?p=2>; rel="next"', 'https://a/?p=2'],
  ['<https://a/?p=1>; rel="prev", <https://a/?p=3>; rel="next"', 'https://a/?p=3'],
  ['</x,y;z>; title="a, b"; rel=next', '/x,y;z'],
  ['</x>; rel="first next"', '/x'],
  ['</x>; rel="nextish"', undefined],
  ['', undefined],
  [undefined, undefined],
])('Link: %s', (header, expected) => expect(nextLink(header)).toBe(expected));
