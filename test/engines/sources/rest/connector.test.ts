import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commitBatches, readManifest, type StagedBatch } from '../../../../engines/lake/bronze.js';
import { currentBatches } from '../../../../engines/lake/current-batches.js';
import { restConnector } from '../../../../engines/sources/rest/connector.js';
import { status } from '../../../support/odd-api.js';
import { readParquet } from '../support.js';
import { Bench, INTERVAL, type StreamInput } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

let runs = 0;
interface Run {
  run: string;
  extractedAt: string;
  interval?: { start: string; end: string };
}
const nextRun = (): Run => ({
  run: `run-${++runs}`,
  extractedAt: `2025-01-13T02:00:${String(runs % 60).padStart(2, '0')}.000Z`,
});

/** Reads without committing, as an attempt does that dies in between. */
async function read(stream: StreamInput, run = nextRun()): Promise<StagedBatch[][]> {
  const connector = restConnector(bench.source(stream), 'orders');
  const { batches } = await readManifest(bench.lake, 'shop', 'orders');
  const context = { ...bench.context(), batches, ...run, workDir: await mkdtemp(join(bench.root, 'work-')) };
  const [unit] = await connector.plan(context);
  const staged: StagedBatch[][] = [];
  for await (const set of connector.load(unit ?? { from: null }, context)) staged.push(set);
  return staged;
}

async function load(stream: StreamInput, run = nextRun()) {
  const won = [];
  for (const set of await read(stream, run)) {
    won.push(...(await commitBatches(bench.lake, 'shop', 'orders', set)));
  }
  return won;
}

/** What readers see. */
async function rows(
  stream = 'orders',
  columns = '* EXCLUDE (_source_file, _source_position, _batch, _extracted_at, batch)',
) {
  const { batches } = await readManifest(bench.lake, 'shop', stream, 'orders');
  const found: unknown[][] = [];
  for (const { uri } of currentBatches(batches).flatMap(({ parts }) => parts)) {
    found.push(...(await readParquet(await bench.lake.localFile(uri), columns)));
  }
  return found;
}

const COLUMNS = { id: 'int64', t: 'text' } as const;

describe('a load without cursor', () => {
  test('takes the place of the one before, also when nothing is left', async () => {
    let answer: unknown[] = [
      { id: 1, t: 'a' },
      { id: 2, t: 'b' },
    ];
    bench.api.on('/v1/orders', () => answer);
    const [first] = await load({ columns: COLUMNS });
    expect(first?.batch).toMatchObject({
      ...{
        scope: 'full',
        read: 2,
        loaded: 2,
        quarantined: 0,
        filtered: 0,
        schema: [
          { name: 'id', type: 'int64' },
          { name: 't', type: 'text' },
        ],
      },
      source: { file: `GET ${bench.api.url}/v1/orders` },
    });
    expect(await rows()).toEqual([
      ['1', 'a'],
      ['2', 'b'],
    ]);
    answer = [{ id: 3, t: 'c' }];
    await load({ columns: COLUMNS });
    expect(await rows()).toEqual([['3', 'c']]);
    answer = [];
    await load({ columns: COLUMNS });
    expect(await rows()).toEqual([]);
    // what was there before comes back, although bronze has had the same content once
    answer = [{ id: 3, t: 'c' }];
    await load({ columns: COLUMNS });
    expect(await rows()).toEqual([['3', 'c']]);
  });

  test('of an interval, leaves other intervals as they are', async () => {
    bench.api.on('/v1/orders', ({ query, before }) => [{ id: before, t: query.get('from') }]);
    const stream = { columns: COLUMNS, params: { from: '{start:yyyy-MM-dd}' } };
    const next = { start: INTERVAL.end, end: '2025-01-20T00:00:00Z' };
    await load(stream, { ...nextRun(), interval: INTERVAL });
    await load(stream, { ...nextRun(), interval: next });
    await load(stream, { ...nextRun(), interval: INTERVAL });
    expect(await rows()).toEqual([
      ['1', '2025-01-13'],
      ['2', '2025-01-06'],
    ]);
  });
});

describe('a load that is tried again', () => {
  test('after it died, brings the same rows under the same key', async () => {
    bench.api.on('/v1/orders', () => [{ id: 1, t: 'a' }]);
    const run = nextRun();
    const [died] = await read({ columns: COLUMNS }, run);
    const [won] = await load({ columns: COLUMNS }, run);
    expect(won?.batch).toEqual(died?.[0]?.batch);
    expect(await rows()).toEqual([['1', 'a']]);
  });

  test('after its commit, when only the answer was lost, asks nothing and returns it', async () => {
    bench.api.on('/v1/orders', ({ before }) => [{ id: before, t: 'a', lines: [{ sku: 'x' }] }]);
    const stream = { children: { lines: { path: 'lines', parentKey: ['id'] } } };
    const run = nextRun();
    const first = await load(stream, run);
    const again = await load(stream, run);
    expect(again.map(({ batch }) => batch.key)).toEqual(first.map(({ batch }) => batch.key));
    expect(again.every(({ won }) => !won)).toBe(true);
    expect(bench.api.asked).toHaveLength(1);
    expect(await rows('orders__lines')).toHaveLength(1);
  });
});

describe('a cursor', () => {
  const stream: StreamInput = {
    columns: COLUMNS,
    cursor: { field: 't', from: '0' },
    params: { since: '{cursor}' },
  };
  let table: { id: number; t: string }[];
  beforeEach(() => {
    table = [
      { id: 1, t: '2025-01-01' },
      { id: 2, t: '2025-01-02' },
    ];
    bench.api.on('/v1/orders', ({ query }) => table.filter(({ t }) => t >= (query.get('since') ?? '')));
  });

  test('goes on where it was, and has each row once', async () => {
    const [first] = await load(stream);
    expect(first?.batch).toMatchObject({ cursor: { from: null, to: '2025-01-02' }, read: 2, filtered: 0 });
    expect(first?.batch.scope).toBeUndefined();
    expect(await load(stream)).toEqual([]);
    table.push({ id: 3, t: '2025-01-02' }, { id: 4, t: '2025-01-03' });
    const [second] = await load(stream);
    expect(second?.batch).toMatchObject({
      ...{ cursor: { from: '2025-01-02', to: '2025-01-03' }, read: 3, loaded: 2, filtered: 1 },
    });
    expect((await rows('orders', 'id')).flat()).toEqual(['1', '2', '3', '4']);
  });

  test('stays where it was after a failed attempt', async () => {
    await load(stream);
    table.push({ id: 3, t: '2025-01-03' });
    bench.api.on('/v1/orders', (_asked, response) => status(response, 400, 'broken'));
    await expect(load(stream)).rejects.toMatchObject({ type: 'ApiError' });
    bench.api.on('/v1/orders', ({ query }) => table.filter(({ t }) => t >= (query.get('since') ?? '')));
    const died = await read(stream);
    expect(died).toHaveLength(1);
    await load(stream);
    expect((await rows('orders', 'id')).flat()).toEqual(['1', '2', '3']);
    expect(bench.api.asked.at(-1)?.query.get('since')).toBe('2025-01-02');
  });

  test('of two at once, one commits', async () => {
    const both = await Promise.all([read(stream), read(stream)]);
    const results = await Promise.allSettled(
      both.map((set) => commitBatches(bench.lake, 'shop', 'orders', set[0] ?? [])),
    );
    expect(results.map(({ status: how }) => how).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await rows('orders', 'id')).flat()).toEqual(['1', '2']);
  });
});

test('a preview reads as many pages as it needs', async () => {
  bench.api.on('/v1/orders', ({ query }) => ({ n: 9, rows: [{ id: Number(query.get('offset')), t: 'a' }] }));
  const source = bench.source({ records: 'rows', total: 'n', pagination: { kind: 'offset', limit: 1 } });
  const workDir = await mkdtemp(join(bench.root, 'work-'));
  const context = { ...bench.context(), ...nextRun(), batches: [], workDir };
  for await (const [one] of restConnector(source, 'orders', { mostPages: 2 }).load({ from: null }, context)) {
    expect(one?.batch).toMatchObject({ read: 2, schema: [{ name: 'id' }, { name: 't' }] });
  }
  expect(bench.api.asked).toHaveLength(2);
});

test('children are committed with their parent, superseded with it, and have columns of their own', async () => {
  let answer: unknown[] = [
    {
      id: 1,
      lines: [
        { sku: 'a', n: 1.5 },
        { sku: 'b', n: 2 },
      ],
    },
    { id: 2, lines: [] },
  ];
  bench.api.on('/v1/orders', () => answer);
  const stream: StreamInput = {
    children: {
      lines: {
        ...{ path: 'lines', parentKey: ['id'] },
        columns: { _parent_id: 'int64', _index: 'int32', sku: 'text', n: 'decimal(10,2)' },
      },
    },
  };
  const won = await load(stream);
  expect(won.map(({ batch }) => [batch.stream, batch.scope, batch.loaded])).toEqual([
    [undefined, 'full', 2],
    ['orders__lines', 'full', 2],
  ]);
  expect(await rows('orders__lines')).toEqual([
    ['1', 1, 'a', '1.50'],
    ['1', 2, 'b', '2.00'],
  ]);
  const log = await bench.lake.list('bronze/shop/orders/_manifest/');
  expect(log).toHaveLength(1);
  answer = [{ id: 1, lines: [] }];
  await load(stream);
  expect(await rows('orders__lines')).toEqual([]);
  expect(await rows()).toHaveLength(1);
});

test('rows that do not fit are in quarantine, with the text that came', async () => {
  bench.api.on(
    '/v1/orders',
    () => '[{"id":1,"t":"a"},{"id":"one","t":"b"},{"id":12345678901234567890,"t":"c"}]',
  );
  const [won] = await load({ columns: COLUMNS, tolerance: 0.9 });
  expect(won?.batch).toMatchObject({ read: 3, loaded: 1, quarantined: 2 });
  const path = await bench.lake.localFile(won?.batch.quarantine?.uri ?? '');
  expect((await readParquet(path, 'decode(raw)')).flat()).toEqual([
    '{"id":"one","t":"b"}',
    '{"id":12345678901234567890,"t":"c"}',
  ]);
});
