import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { openLocalStore } from '../engines/lake/local-store.js';
import { postgresConnector } from '../engines/sources/postgres/connector.js';
import { openDuckDb } from '../engines/warehouse/duckdb.js';
import { PostgresSource } from '../schemas/postgres.js';
import { startPostgres } from '../test/support/postgres-server.js';
import { figure, median, type Bench } from './figure.js';

const interval = { start: '2025-11-03T00:00:00Z', end: '2025-11-10T00:00:00Z' };

/** A table in full, beside `COPY TO` into nothing and DuckDB's Parquet of the same rows, one after the other. */
export const postgres: Bench = async function* ({ quick }) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const server = await startPostgres();
  try {
    const rows = quick ? 300_000 : 2_000_000;
    await server.sql(`
      CREATE TABLE orders AS SELECT n::int8 AS id, (n % 9973)::int AS customer, (n % 100000) / 100.0::numeric(12, 2) AS amount,
        'item ' || n % 977 AS item, date '2020-01-01' + n % 2000 AS day, now() - n * interval '1 second' AS placed,
        md5(n::text) AS reference, n % 3 = 0 AS paid, (n % 1000) / 7.0::float8 AS weight, CASE WHEN n % 5 > 0 THEN 'note, "' || n || '"' END AS note
      FROM generate_series(1, ${rows}) n;
      ALTER TABLE orders ALTER amount TYPE numeric(12, 2); ANALYZE orders`);
    const ours: number[] = [];
    const floor: number[] = [];
    const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '2GB' });
    for (let round = 0; round < (quick ? 2 : 3); round++) {
      ours.push(await timed(() => load(server.url, folder, round)));
      const path = join(folder, 'rows.csv');
      const copied = await timed(() => server.sql(`COPY orders TO '/dev/null'`));
      await copyInto(server.url, path);
      const written = await timed(() =>
        warehouse.run(
          `COPY (SELECT * FROM read_csv('${path}', header = false, delim = ',', quote = '"', escape = '"', columns = {
             id: 'BIGINT', customer: 'INTEGER', amount: 'DECIMAL(12,2)', item: 'VARCHAR', day: 'DATE', placed: 'TIMESTAMPTZ',
             reference: 'VARCHAR', paid: 'BOOLEAN', weight: 'DOUBLE', note: 'VARCHAR'}))
           TO '${join(folder, 'floor.parquet')}' (FORMAT parquet, COMPRESSION zstd)`,
        ),
      );
      floor.push(copied + written);
    }
    await warehouse.close();
    yield figure({ name: 'Postgres full load', value: (1000 * rows) / median(ours), unit: 'rows/s' });
    yield figure({
      ...{ name: `Postgres full load, ${rows.toLocaleString('en')} rows`, value: median(ours), unit: 'ms' },
      against: { name: 'COPY TO + Parquet ms', value: median(floor) },
      goal: { atMost: 1.5, of: 'ratio' },
    });
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

async function load(url: string, folder: string, round: number): Promise<void> {
  const workDir = await mkdtemp(join(folder, 'work-'));
  const source = PostgresSource.parse({ kind: 'postgres', url: 'env:URL', streams: { orders: {} } });
  const loading = postgresConnector(source, 'orders').load(
    { table: 'orders' },
    {
      ...{ source: 'bench', stream: 'orders', interval, root: folder, batches: [], workDir },
      lake: await openLocalStore(join(folder, 'lake')),
      secret: () => Promise.resolve(url),
      signal: new AbortController().signal,
      ...{ extractedAt: interval.end, run: `bench-${round}`, onProgress: () => undefined },
    },
  );
  for await (const staged of loading) if (staged.length === 0) throw new Error('nothing was loaded');
  await rm(workDir, { recursive: true, force: true });
}

async function copyInto(url: string, path: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await finished(
    client.query(copyTo('COPY orders TO STDOUT WITH (FORMAT csv)')).pipe(createWriteStream(path)),
  );
  await client.end();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
