import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { bindSource } from '../../../engines/warehouse/bind-source.js';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import { startPostgres, type PostgresServer } from '../../support/postgres-server.js';
import { Replica } from '../sources/postgres/replica.js';
import { temporaryLake, type Lake } from '../sources/postgres/support.js';
import { TABLES, writeUntil } from '../sources/postgres/workload.js';

let server: PostgresServer;
let lake: Lake;
beforeAll(async () => {
  [server, lake] = await Promise.all([startPostgres(), temporaryLake()]);
});
afterAll(async () => {
  await server.stop();
  await lake.remove();
});

const open = async (): Promise<Warehouse> => {
  const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '512MB' });
  onTestFinished(() => warehouse.close());
  return warehouse;
};

/** Equal on both sides, whatever a driver makes of a type. */
const COLUMNS = {
  items: 'id, name, md5(big) as big, n, state, extra',
  pairs: 'a, b, v',
  whole: 'k, md5(big) as big, v',
};
const texts = (rows: Record<string, unknown>[]): string[] =>
  rows.map((row) => Object.values(row).map(String).join(' | ')).sort();

test('tables of a busy server are in the warehouse what they are in the source, bound now and then or at once', async () => {
  await server.sql(TABLES);
  let stopped = false;
  const writers = [4, 5].map((seed) => writeUntil(server.url, seed, () => stopped));
  onTestFinished(async () => {
    stopped = true;
    await Promise.allSettled(writers);
  });
  await sleep(300);
  const streams = { items: { contract: 'evolve' as const }, pairs: {}, whole: {} };
  const replica = new Replica(lake, server, server.url, 'landing', streams, {
    chunkRows: 50,
    flushChanges: 300,
  });
  const warehouse = await open();
  const bind = (into: Warehouse) =>
    bindSource({ warehouse: into, lake: lake.store, source: 'db', spec: replica.config.spec });
  const { pending } = await replica.prepare();
  await bind(warehouse);
  await replica.copyAgain(pending);
  for (let round = 0; round < 5; round++) {
    await sleep(150);
    if (round === 2) await server.sql('ALTER TABLE items ADD COLUMN extra int8 DEFAULT 7');
    if (round === 3) await replica.copyAgain(['pairs'], 'again');
    await replica.catchUp();
    await replica.copyAgain((await replica.prepare()).pending);
    await bind(warehouse);
  }
  stopped = true;
  await Promise.all(writers);
  await replica.catchUp();
  await replica.copyAgain((await replica.prepare()).pending);
  await replica.catchUp();
  await bind(warehouse);
  const anew = await open();
  await bind(anew);
  for (const [table, columns] of Object.entries(COLUMNS)) {
    const source = await server.sql(`SELECT ${columns} FROM ${table}`);
    expect(source.length, table).toBeGreaterThan(0);
    expect(texts(await warehouse.query(`select ${columns} from db.${table}`)), table).toEqual(texts(source));
    const history = `select * exclude (_extracted_at) from db.${table}__history order by all`;
    const versions = await warehouse.query(history);
    expect(versions.length, table).toBeGreaterThan(source.length);
    expect(versions, table).toEqual(await anew.query(history));
  }
  // `whole` was copied once: each row of the copy and each insert or update after it is one version
  const [counted] = await warehouse.query(
    `select (select count(*) from db.whole__history) = count(*) filter (_op in ('r', 'i', 'u')) as once,
       (select count(*) from db.whole__history a join db.whole__history b
          on a.k = b.k and a._valid_from_lsn < b._valid_from_lsn and a._valid_to_lsn > b._valid_from_lsn) = 0 as apart
     from db.whole__changes`,
  );
  expect(counted).toEqual({ once: true, apart: true });
}, 120_000);
