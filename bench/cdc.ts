import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { commitBatches, readStreams, REPLICATION } from '../engines/lake/bronze.js';
import { openLocalStore } from '../engines/lake/local-store.js';
import { openChangeStream } from '../engines/sources/postgres/cdc/change-stream.js';
import { replicationNames } from '../engines/sources/postgres/cdc/config.js';
import { copyTables } from '../engines/sources/postgres/cdc/copy-tables.js';
import { prepareReplication } from '../engines/sources/postgres/cdc/setup.js';
import { PostgresSource } from '../schemas/postgres.js';
import { startPostgres } from '../test/support/postgres-server.js';
import { figure, median, type Bench } from './figure.js';

const interval = { start: '2025-11-03T00:00:00Z', end: '2025-11-10T00:00:00Z' };
const ACCOUNTS = 100_000;

/**
 * Changes of a workload like pgbench's from commit to bronze, while it goes on: transactions of 1 to 5,000 rows, nine
 * updates of ten, on the same machine as the server.
 */
export const cdc: Bench = async function* ({ quick }) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const server = await startPostgres();
  try {
    await server.sql(`
      CREATE TABLE accounts (aid bigint PRIMARY KEY, bid int, abalance numeric(14, 2), filler text, touched timestamptz);
      CREATE TABLE history (id bigserial PRIMARY KEY, aid bigint, delta int, mtime timestamptz DEFAULT now(), filler text);
      INSERT INTO accounts SELECT n, n % 10, 0, repeat('x', 60), now() FROM generate_series(1, ${ACCOUNTS}) n;`);
    const spec = PostgresSource.parse({
      ...{ kind: 'postgres', url: 'env:URL', replication: { flushEvery: '1s' } },
      streams: { accounts: { load: 'cdc' }, history: { load: 'cdc' } },
    });
    const store = await openLocalStore(join(folder, 'lake'));
    const config = {
      source: 'bench',
      url: server.url,
      spec,
      ...replicationNames('bench', 'db', spec.replication),
    };
    const log = async () => {
      const { streams, at } = await readStreams(store, 'bench', REPLICATION);
      return { batches: streams, at };
    };
    const run = { run: 'bench', workDir: folder };
    const { pending } = await prepareReplication(config, await log());
    const asked = { streams: pending, request: 'bench', interval, extractedAt: interval.end };
    for await (const staged of copyTables(config, { ...(await log()), ...asked, ...run }))
      await commitBatches(store, 'bench', REPLICATION, staged);

    const total = quick ? 200_000 : 1_000_000;
    const lags: number[] = [];
    const stream = await openChangeStream(config, { ...(await log()), ...run });
    const started = performance.now();
    const writing = write(server.url, total);
    let changes = 0;
    for await (const flush of stream) {
      await commitBatches(store, 'bench', REPLICATION, flush.staged);
      stream.confirm(flush.lsn);
      changes += flush.changes;
      lags.push(Date.now() - Date.parse(flush.commitAt));
      if (changes >= total) break;
    }
    const seconds = (performance.now() - started) / 1000;
    await writing;
    await stream.close();
    yield figure({
      ...{ name: 'changes to bronze, beside writer', value: changes / seconds, unit: 'rows/s' },
      goal: { atLeast: 20_000, of: 'value' },
    });
    yield figure({ name: 'lag behind the commit, median', value: median(lags), unit: 'ms' });
    yield figure({ name: 'lag behind the commit, worst', value: Math.max(...lags), unit: 'ms' });

    // the same again, written before anyone reads: what the reader can do
    await write(server.url, total);
    const [row] = await server.sql('SELECT pg_current_wal_insert_lsn()::text AS lsn');
    const again = await openChangeStream(config, { ...(await log()), ...run, until: row?.lsn as string });
    const from = performance.now();
    let read = 0;
    for await (const flush of again) {
      await commitBatches(store, 'bench', REPLICATION, flush.staged);
      again.confirm(flush.lsn);
      read += flush.changes;
    }
    await again.close();
    yield figure({
      ...{
        name: 'changes to bronze, backlog',
        value: (1000 * read) / (performance.now() - from),
        unit: 'rows/s',
      },
      goal: { atLeast: 20_000, of: 'value' },
    });
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

const SIZES = [1, 10, 100, 1_000, 5_000];

async function write(url: string, total: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let done = 0;
  for (let n = 0; done < total; n++) {
    const rows = Math.min(SIZES[n % SIZES.length] ?? 1, total - done);
    const from = (n * 7_919) % (ACCOUNTS - 5_000);
    await client.query(
      n % 10 === 9
        ? `INSERT INTO history (aid, delta, filler) SELECT n, n, 'row ' || n FROM generate_series(1, ${rows}) n`
        : `UPDATE accounts SET abalance = abalance + 1.5, touched = now() WHERE aid > ${from} AND aid <= ${from + rows}`,
    );
    done += rows;
  }
  await client.end();
}
