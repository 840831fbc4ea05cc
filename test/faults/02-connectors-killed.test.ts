import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readManifest } from '../../engines/lake/bronze.js';
import { currentBatches } from '../../engines/lake/current-batches.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { copybook, json, jsonl, parquet } from '../../schemas/format.js';
import { Source } from '../../schemas/source.js';
import { withSession } from '../engines/sources/support.js';
import { OddApi } from '../support/odd-api.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { saleOf, SALE_COPYBOOK } from '../support/sales.js';

const ENTRY = fileURLToPath(new URL('../support/connector-loader.mjs', import.meta.url));
const INTERVAL = { start: '2026-01-05T00:00:00Z', end: '2026-01-06T00:00:00Z' };
/** The first is not disturbed, and says how long one takes. */
const ROUNDS = 1 + 2 * Number(process.env['MILLRACE_FAULT_ROUNDS'] ?? 1);
/** Of a round; the copybook's numbers have five digits. */
const ROWS = Math.floor(80_000 / Math.max(ROUNDS, 4));

let root: string;
let database: PostgresServer;
let api: OddApi;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'millrace-connectors-'));
  mkdirSync(join(root, 'tmp'));
  [database, api] = await Promise.all([startPostgres(), OddApi.open()]);
});
afterAll(async () => {
  await database.stop();
  await api.close();
  rmSync(root, { recursive: true, force: true });
});

interface Killed {
  name: string;
  source: () => unknown;
  /** brings more into the source: the rows of round n, `ROWS` each */
  grow: (round: number) => unknown;
  /** SQL for number and text of a row of bronze */
  row: [id: string, text: string];
}

/** Numbers of the rows of a round. */
const idsOf = (round: number): number[] => Array.from({ length: ROWS }, (_, n) => round * ROWS + n);
const textOf = (id: number): string => `text ${(id * 7_919) % 10_007}`;
const rowsOf = (round: number): { id: number; text: string }[] =>
  idsOf(round).map((id) => ({ id, text: textOf(id) }));
const put = (name: string, file: string, content: string | Uint8Array): void => {
  mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, name, file), content);
};
const files = (name: string, format?: unknown) => () => ({
  ...{ kind: 'files', root: name },
  streams: { rows: { path: '*', ...(format !== undefined && { format }) } },
});
const plain: Killed['row'] = ['id', 'text'];
const csvOf = (round: number): string =>
  `id,text\n${rowsOf(round)
    .map(({ id, text }) => `${id},${text}\n`)
    .join('')}`;

const CONNECTORS: Killed[] = [
  {
    ...{ name: 'csv_gzip', source: files('csv_gzip'), row: plain },
    grow: (round) => put('csv_gzip', `${round}.csv.gz`, gzipSync(csvOf(round))),
  },
  {
    ...{ name: 'json_lines', source: files('json_lines', jsonl()), row: plain },
    grow: (round) =>
      put(
        'json_lines',
        `${round}.jsonl`,
        rowsOf(round)
          .map((row) => `${JSON.stringify(row)}\n`)
          .join(''),
      ),
  },
  {
    ...{ name: 'json', source: files('json', json({ records: 'data' })), row: plain },
    grow: (round) => put('json', `${round}.json`, JSON.stringify({ data: rowsOf(round) })),
  },
  {
    ...{ name: 'parquet', source: files('parquet', parquet()), row: plain },
    grow: async (round) => {
      put('parquet', '.keep', '');
      const from = round * ROWS;
      await withSession((session) =>
        session.run(
          `COPY (SELECT i AS id, 'text ' || ((i * 7919) % 10007) AS text FROM range(${from}, ${from + ROWS}) t(i))
           TO '${root}/parquet/${round}.parquet' (FORMAT parquet)`,
        ),
      );
    },
  },
  {
    name: 'copybook',
    source: files('copybook', { ...copybook('sale.cpy'), texts: { 'sale.cpy': SALE_COPYBOOK } }),
    row: [
      'ID',
      `CASE WHEN CUSTOMER = 'CUSTOMER ' || ID AND AMOUNT * 100 = ID THEN 'text ' || ((ID * 7919) % 10007) END`,
    ],
    grow: (round) => put('copybook', `${round}.dat`, Buffer.concat(idsOf(round).map((id) => saleOf(id)))),
  },
  {
    name: 'rest',
    source: () => ({
      ...{ kind: 'rest', baseUrl: api.url, allowPrivate: ['127.0.0.1'] },
      streams: { rows: { path: 'rows', records: 'items', pagination: { kind: 'cursor', next: 'next' } } },
    }),
    row: plain,
    grow: (round) => {
      const all = Array.from({ length: round + 1 }, (_, one) => rowsOf(one)).flat();
      const page = 1_000;
      api.on('/rows', async ({ query }) => {
        await sleep(5);
        const from = Number(query.get('cursor') ?? 0);
        const next = from + page < all.length ? String(from + page) : null;
        return { items: all.slice(from, from + page), next };
      });
    },
  },
  {
    name: 'postgres_full',
    source: () => ({
      kind: 'postgres',
      url: 'env:URL',
      streams: { rows: { table: 'full_rows', load: 'full' } },
    }),
    row: plain,
    grow: (round) => insert('full_rows', round),
  },
  {
    name: 'postgres_incremental',
    source: () => ({
      ...{ kind: 'postgres', url: 'env:URL' },
      streams: { rows: { table: 'new_rows', load: { cursor: 'id' } } },
    }),
    row: plain,
    grow: (round) => insert('new_rows', round),
  },
];

const insert = (table: string, round: number) =>
  database.sql(`CREATE TABLE IF NOT EXISTS ${table} (id int primary key, text text);
    INSERT INTO ${table} SELECT i, 'text ' || ((i * 7919) % 10007) FROM generate_series(${round * ROWS}, ${(round + 1) * ROWS - 1}) i`);

/** Runs a worker until its end, or for so long. @returns whether it got to its end, and how long it took */
async function work(
  name: string,
  source: unknown,
  round: number,
  killAfterMs = 60_000,
): Promise<{ done: boolean; ms: number }> {
  const lake = join(root, 'lakes', name);
  const secrets = { 'env:URL': database.url };
  const input = { source, stream: 'rows', root, lake, interval: INTERVAL, secrets, run: `run-${round}` };
  const started = performance.now();
  const child = fork(ENTRY, [JSON.stringify(input)], { env: { ...process.env, TMPDIR: join(root, 'tmp') } });
  let done = false;
  child.on('message', (message) => (done ||= message === 'done'));
  const kill = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  await once(child, 'exit');
  clearTimeout(kill);
  return { done, ms: performance.now() - started };
}

test.concurrent.each(CONNECTORS)(
  '$name: workers killed at random points leave each row once',
  { timeout: 60_000 * ROUNDS },
  async ({ name, source: declare, grow, row }) => {
    const source = Source.parse(declare());
    let killed = 0;
    await grow(0);
    const usual = (await work(name, source, 0)).ms;
    for (let round = 1; round < ROUNDS; round++) {
      await grow(round);
      // from before it has connected until after it has committed
      for (let kill = 0; kill < 2; kill++) {
        if (!(await work(name, source, round, usual * (0.15 + 0.8 * Math.random()))).done) killed++;
      }
      expect((await work(name, source, round)).done).toBe(true);
    }
    expect(killed).toBeGreaterThan(0);

    const lake = await openLocalStore(join(root, 'lakes', name));
    const { batches } = await readManifest(lake, 'shop', 'rows');
    const uris = currentBatches(batches).flatMap(({ parts }) => parts.map(({ uri }) => uri));
    const paths = await Promise.all(uris.map((uri) => lake.localFile(uri)));
    const [id, text] = row;
    const checksum = (from: string) =>
      `SELECT count(*)::INT, count(DISTINCT i)::INT, md5(string_agg(i || ':' || t, ',' ORDER BY i)) FROM (${from})`;
    const [bronze, origin] = await withSession((session) =>
      Promise.all(
        [
          checksum(
            `SELECT ${id} AS i, ${text} AS t FROM read_parquet([${paths.map((path) => `'${path}'`).join(', ')}])`,
          ),
          checksum(`SELECT i, 'text ' || ((i * 7919) % 10007) AS t FROM range(${ROUNDS * ROWS}) t(i)`),
        ].map(async (sql) => (await session.runAndReadAll(sql)).getRowsJson()[0]),
      ),
    );
    expect(bronze).toEqual(origin);
    // nothing lies in bronze that no batch names
    const named = batches.flatMap(({ parts }) => parts.map(({ uri }) => uri)).sort();
    expect((await lake.list('bronze/shop/rows/batch=')).sort()).toEqual(named);
  },
);
