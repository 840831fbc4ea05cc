import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { previewStream } from '../../clients/preview.js';
import { summarizeStreams } from '../../clients/streams.js';
import { load, streamProject } from './stream-project.js';
import { OddApi } from '../support/odd-api.js';
import { temporaryFolder, writeProject } from './support.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder, 'in'));
});

const csvProject = (more = ''): void =>
  streamProject(folder, { name: 'orders', format: 'csv()', path: '*.csv', more });
const orders = (from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, i) => `${from + i},${(from + i) / 4},2026-01-0${1 + (i % 9)},c${i % 7}\n`,
  ).join('');
const HEADER = 'id,net,day,"customer id"\n';

describe('a preview', () => {
  test('shows inferred types, first rows and a declaration, and puts nothing into the lake', async () => {
    writeFileSync(join(folder, 'in/a.csv'), `${HEADER}${orders(1, 200)}200,,2026-01-01,c1\n`);
    csvProject();
    const preview = await previewStream(folder, 'crm.orders', { rows: 2, interval: '2026-01-05' });
    expect(preview).toMatchObject({
      ...{ read: 'a.csv', cut: false, quarantined: [], changes: [] },
      counts: { read: 200, loaded: 200, quarantined: 0, filtered: 0 },
      columns: [
        { name: 'id', type: 'int64', nulls: 0, distinct: 200 },
        { name: 'net', type: 'double', nulls: 0.005, distinct: 199 },
        { name: 'day', type: 'date', nulls: 0, distinct: 9 },
        { name: 'customer id', type: 'text', nulls: 0, distinct: 7 },
      ],
      rows: [
        ['1', '0.25', '2026-01-01', 'c0'],
        ['2', '0.5', '2026-01-02', 'c1'],
      ],
    });
    expect(preview.declaration).toBe(
      `columns: {\n  id: 'int64',\n  net: 'double',\n  day: 'date',\n  "customer id": 'text',\n},`,
    );
    expect(readdirSync(join(folder, '.millrace/lake')).filter((name) => name !== '.tmp')).toEqual([]);
  });

  test('writes columns that the stream takes: flattened, nested and declared ones', async () => {
    const record = { id: 1, taster: { name: "d'A" }, notes: [{ score: 1 }], day: '05.01.2026' };
    writeFileSync(join(folder, 'in/a.json'), `${JSON.stringify(record)}\n`);
    const day = `day: { type: 'date', formats: ['%d.%m.%Y'], required: true }`;
    const project = (more: string): void =>
      streamProject(folder, {
        name: 'tastings',
        format: "jsonl({ nested: 'flatten' })",
        path: '*.json',
        more,
      });
    project(`columns: { ${day} }, contract: 'evolve'`);
    const preview = await previewStream(folder, 'crm.tastings', { rows: 1 });
    expect(preview.declaration.split('\n')).toEqual([
      'columns: {',
      `  ${day},`,
      `  id: 'int64',`,
      `  taster_name: { type: 'text', from: 'taster.name' },`,
      `  notes: 'json',`,
      '},',
    ]);
    project(preview.declaration);
    expect((await previewStream(folder, 'crm.tastings', { rows: 1 })).rows).toEqual([
      ['2026-01-05', '1', "d'A", '[{"score":1}]'],
    ]);
  });

  test('shows broken records however many there are, and what differs from bronze', async () => {
    writeFileSync(join(folder, 'in/a.csv'), `${HEADER}${orders(1, 20)}`);
    csvProject();
    await load(folder, 'orders');
    writeFileSync(join(folder, 'in/0.csv'), 'id,net,day\nA1,2,2026-01-01\nA2,3\nA3\nA4,1.5,2026-01-01\n');
    const preview = await previewStream(folder, 'crm.orders', { rows: 5 });
    expect(preview).toMatchObject({ read: '0.csv', counts: { read: 4, loaded: 2, quarantined: 2 } });
    expect(preview.quarantined).toMatchObject([
      { record: 2, line: 3 },
      { record: 3, line: 4 },
    ]);
    expect(preview.changes).toEqual([`'id' is text and was int64`, `'customer id' is gone`]);
  });

  test('reads only the beginning of a long text', async () => {
    writeFileSync(join(folder, 'in/a.csv'), HEADER + orders(1, 300_000));
    csvProject();
    const preview = await previewStream(folder, 'crm.orders', { rows: 1 });
    expect(preview.cut).toBe(true);
    expect(preview.counts.read).toBeGreaterThan(100_000);
    expect(preview.counts.read).toBe(preview.counts.loaded);
    expect(preview.counts.read).toBeLessThan(299_999);
  });

  test('of an endpoint reads its first page', async () => {
    const api = await OddApi.open();
    onTestFinished(() => api.close());
    api.on('/orders', ({ query }) => ({ data: [{ id: Number(query.get('page')), net: '1.50' }] }));
    writeProject(
      folder,
      'shop',
      `sources: { shop: { kind: 'rest', baseUrl: '${api.url}', allowPrivate: ['127.0.0.1'], streams: {
        orders: { path: '/orders', records: 'data', pagination: { kind: 'page' } } } } }`,
    );
    const preview = await previewStream(folder, 'shop.orders', { rows: 5 });
    expect(preview).toMatchObject({ rows: [['1', '1.50']], changes: [] });
    expect(api.asked).toHaveLength(1);
  });

  test('of a stream that does not exist names the closest', async () => {
    csvProject();
    await expect(previewStream(folder, 'crm.order', { rows: 1 })).rejects.toThrow(
      `did you mean 'crm.orders'?`,
    );
    await expect(previewStream(folder, 'orders', { rows: 1 })).rejects.toThrow('Write source.stream');
  });
});

test('a summary counts what bronze holds, and versions of the schema', async () => {
  csvProject(`contract: 'evolve'`);
  expect(await summarizeStreams(folder)).toMatchObject([
    { batches: 0, loaded: 0, schemaVersion: 0, lastLoad: null },
  ]);
  writeFileSync(join(folder, 'in/a.csv'), HEADER + orders(1, 20));
  await load(folder, 'orders');
  writeFileSync(join(folder, 'in/b.csv'), `id,net,day,customer id,note\n1,2,2026-01-01,c1,new\n`);
  await load(folder, 'orders');
  expect(await summarizeStreams(folder, 'crm.orders')).toMatchObject([
    {
      ...{ source: 'crm', stream: 'orders', batches: 2, columns: 5, schemaVersion: 2 },
      ...{ read: 20, loaded: 20, open: 0, differences: [], expected: { rows: 0, batches: 0 } },
    },
  ]);
});
