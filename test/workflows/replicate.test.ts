import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { runFailure } from '../../clients/failure.js';
import { connectTo, type Connected } from '../../clients/connect.js';
import {
  pauseReplication,
  replicatedSource,
  replicationStatus,
  resnapshotTable,
  resumeReplication,
  startReplication,
  stopReplication,
} from '../../clients/replications.js';
import { resultOf, startRun } from '../../clients/runs.js';
import { workerEntry } from '../../clients/worker-entry.js';
import type { Stack } from '../../deploy/local/stack.js';
import { lastCopy } from '../../engines/sources/postgres/cdc/config.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { catchUp, makeReplicaProject, type ReplicaProject } from '../support/replica.js';
import { until } from '../support/shop-run.js';
import { startTestStack } from '../support/stack.js';

let server: PostgresServer;
let stack: Stack;
let connected: Connected;
beforeAll(async () => {
  [server, stack] = await Promise.all([
    startPostgres(),
    startTestStack({ projects: [], workerEntry: workerEntry() }),
  ]);
  connected = await connectTo({ ...stack, uiUrl: undefined });
});
afterAll(async () => {
  await connected.close();
  await stack.stop();
  await server.stop();
});

interface Shop extends ReplicaProject {
  name: string;
  workflowId: string;
  sql: PostgresServer['sql'];
  run: (day: string) => ReturnType<typeof catchUp>;
  /** what the warehouse shows, in the order of its columns */
  rows: (relation: string) => Promise<Record<string, unknown>[]>;
}

/** A database of its own with a project that replicates it; its replication ends with the test. */
async function makeReplica(name: string, sql: string, streams: Record<string, object>): Promise<Shop> {
  const url = await server.database(name);
  const run = (text: string) => server.sqlAt(url, text);
  await run(sql);
  const project = makeReplicaProject(name, url);
  project.declare(streams);
  const workflowId = `${name}.replicate.db`;
  onTestFinished(async () => {
    await stopReplication(connected.client, workflowId).catch(() => undefined);
    await resultOfReplication(workflowId).catch(() => undefined);
    project.remove();
  });
  return {
    ...project,
    ...{ name, workflowId, sql: run },
    run: (day) => catchUp(connected.client, project.root, `2026-01-${day}`),
    rows: async (relation) => {
      const warehouse = await project.warehouse();
      try {
        return await warehouse.query(`select columns(c -> c[1] <> '_') from db.${relation} order by all`);
      } finally {
        await warehouse.close();
      }
    },
  };
}

const resultOfReplication = (workflowId: string) => connected.client.workflow.getHandle(workflowId).result();
const started = async (shop: Shop, options = {}) =>
  startReplication(connected.client, await replicatedSource(shop.root, 'db'), 'db', options);
const failureOf = async (work: Promise<unknown>) => {
  const failed = await work.then(
    () => new Error('it has not failed'),
    (error: unknown) => error,
  );
  return runFailure(failed);
};

/** What the Temporal UI shows of a workflow as it goes. */
const detailsOf = async (workflowId: string): Promise<string> => {
  const metadata = await connected.client.workflow
    .getHandle(workflowId)
    .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
};

const SMALL = `CREATE TABLE items (id int PRIMARY KEY, name text); INSERT INTO items SELECT i, 'item ' || i FROM generate_series(1, 5) i;
  CREATE TABLE more (id int PRIMARY KEY, note text); INSERT INTO more VALUES (1, 'one'), (2, 'two');`;

test('a run starts the replication by itself, waits for what was committed before it, and ends', async () => {
  const shop = await makeReplica('begins', SMALL, { items: {}, more: {} });
  const first = await shop.run('05');
  expect(first.extract).toMatchObject([
    { source: 'db', stream: 'items', loaded: 5 },
    { source: 'db', stream: 'more', loaded: 2 },
  ]);
  await shop.sql(
    `INSERT INTO items VALUES (6, 'six'); UPDATE items SET name = 'ONE' WHERE id = 1; DELETE FROM items WHERE id = 2;
     UPDATE items SET id = 30 WHERE id = 3; TRUNCATE more; INSERT INTO more VALUES (9, 'nine')`,
  );
  await shop.run('06');
  expect(await shop.rows('items')).toEqual([
    { id: 1, name: 'ONE' },
    { id: 4, name: 'item 4' },
    { id: 5, name: 'item 5' },
    { id: 6, name: 'six' },
    { id: 30, name: 'item 3' },
  ]);
  expect(await shop.rows('more')).toEqual([{ id: 9, note: 'nine' }]);
  // with nothing new it ends at once
  expect((await shop.run('07')).extract).toMatchObject([{ batches: 0 }, { batches: 0 }]);
});

test('paused, it holds still and a run says what it waits for; resumed, it goes on; one table is copied again', async () => {
  const shop = await makeReplica('pauses', SMALL, { items: {}, more: {} });
  await shop.run('05');
  await pauseReplication(connected.client, shop.workflowId);
  await until(async () => (await detailsOf(shop.workflowId)).includes('**paused**'), { what: 'the pause' });
  await shop.sql(`INSERT INTO items VALUES (7, 'seven')`);
  const waiting = await startRun(connected.client, shop.root, { pipeline: 'load', interval: '2026-01-06' });
  const child = `${waiting.workflowId}/extract.db.items`;
  await until(async () => (await detailsOf(child).catch(() => '')).includes('waits until'), {
    what: 'the wait',
  });
  expect(await detailsOf(child)).toContain('millrace replicate status db');
  const { server: slot } = await replicationStatus(await replicatedSource(shop.root, 'db'), 'db');
  expect(slot).toMatchObject({ active: false });
  expect(await shop.rows('items')).toHaveLength(5);

  await resumeReplication(connected.client, shop.workflowId);
  expect((await resultOf(connected.client, waiting)).extract).toMatchObject([{ loaded: 1 }, { loaded: 0 }]);
  expect(await shop.rows('items')).toHaveLength(6);

  const copyOf = async (stream: string) => lastCopy((await shop.bronze()).streams.get(stream) ?? []);
  const [items, more] = [await copyOf('items'), await copyOf('more')];
  await resnapshotTable(connected.client, shop.workflowId, 'items');
  await until(async () => (await copyOf('items'))?.key !== items?.key, { what: 'the copy' });
  await shop.sql(`DELETE FROM items WHERE id = 1`);
  await shop.run('07');
  expect(await copyOf('more')).toEqual(more);
  expect((await shop.rows('items')).map(({ id }) => id)).toEqual([2, 3, 4, 5, 7]);
});

test('tables come and go with the project; one that comes back is copied again, because its changes are missing', async () => {
  const shop = await makeReplica('reloads', SMALL, { items: {} });
  await shop.run('05');
  shop.declare({ items: {}, more: {} });
  expect(await started(shop)).toMatchObject({ started: false });
  await shop.run('06');
  expect(await shop.rows('more')).toHaveLength(2);

  shop.declare({ more: {} });
  await started(shop);
  const [published] = await tablesOf(shop, 1);
  expect(published).toBe('more');
  await shop.sql(
    `INSERT INTO items VALUES (8, 'eight'); DELETE FROM items WHERE id = 5; INSERT INTO more VALUES (3, 'three')`,
  );
  await shop.run('07');
  expect(await shop.rows('more')).toHaveLength(3);

  shop.declare({ items: {}, more: {} });
  await started(shop);
  await tablesOf(shop, 2);
  await until(
    async () => (await shop.rows('items')).length === 5 && (await shop.rows('items')).at(-1)?.['id'] === 8,
    {
      what: 'the copy',
    },
  );
  await shop.sql(`UPDATE items SET name = 'EIGHT' WHERE id = 8`);
  await shop.run('08');
  expect((await shop.rows('items')).at(-1)).toEqual({ id: 8, name: 'EIGHT' });
});

/** Waits until so many tables are published. */
async function tablesOf(shop: Shop, count: number): Promise<string[]> {
  const read = async (): Promise<string[]> =>
    (await shop.sql(`SELECT tablename AS name FROM pg_publication_tables ORDER BY 1`)).map(({ name }) =>
      String(name),
    );
  await until(async () => (await read()).length === count, { what: 'the publication' });
  return read();
}

test('a column with a default, which no change tells of, is there for every row', async () => {
  const shop = await makeReplica('defaults', SMALL, { items: { contract: 'evolve' } });
  await shop.run('05');
  await shop.sql(`ALTER TABLE items ADD COLUMN stock int DEFAULT 7; UPDATE items SET stock = 8 WHERE id = 1`);
  await until(
    async () => {
      await shop.run('06');
      return (await shop.rows('items')).every(({ stock }) => typeof stock === 'number');
    },
    { what: 'the copy' },
  );
  expect((await shop.rows('items')).map(({ stock }) => stock)).toEqual([8, 7, 7, 7, 7]);
});

test('more tables than a worker has slots for reading: runs that wait leave room for what they wait for', async () => {
  const names = Array.from({ length: 9 }, (_, index) => `t${index}`);
  const sql = names.map(
    (name) => `CREATE TABLE ${name} (id int PRIMARY KEY); INSERT INTO ${name} VALUES (1), (2)`,
  );
  const shop = await makeReplica('wide', sql.join(';'), Object.fromEntries(names.map((name) => [name, {}])));
  await shop.run('05');
  for (const name of names) expect(await shop.rows(name)).toHaveLength(2);
});

test('after many messages it continues as new, and is still paused', async () => {
  const shop = await makeReplica('continues', SMALL, { items: {} });
  await shop.run('05');
  const handle = connected.client.workflow.getHandle(shop.workflowId);
  const before = (await handle.describe()).runId;
  await pauseReplication(connected.client, shop.workflowId);
  await until(async () => (await detailsOf(shop.workflowId)).includes('**paused**'), { what: 'the pause' });
  for (let n = 0; n < 500; n++) await pauseReplication(connected.client, shop.workflowId);
  await resumeReplication(connected.client, shop.workflowId);
  await pauseReplication(connected.client, shop.workflowId);
  await until(async () => (await handle.describe()).runId !== before, { what: 'a new run' });
  await until(async () => (await detailsOf(shop.workflowId)).includes('**paused**'), { what: 'the pause' });
  await shop.sql(`INSERT INTO items VALUES (10, 'ten')`);
  await resumeReplication(connected.client, shop.workflowId);
  await shop.run('06');
  expect(await shop.rows('items')).toHaveLength(6);
});

test('a slot that was dropped ends replication and run, which say what to do; begun anew, every table is copied again', async () => {
  const shop = await makeReplica('lost', SMALL, { items: {}, more: {} });
  await shop.run('05');
  await stopReplication(connected.client, shop.workflowId);
  await resultOfReplication(shop.workflowId).catch(() => undefined);
  await shop.sql(
    `SELECT pg_drop_replication_slot('millrace_lost_db'); DELETE FROM items WHERE id = 1; INSERT INTO items VALUES (11, 'eleven')`,
  );
  const expected = {
    type: 'SlotLost',
    message: expect.stringContaining('millrace replicate start <source> --anew') as string,
  };
  expect(await failureOf(shop.run('06'))).toMatchObject(expected);
  expect(await failureOf(resultOfReplication(shop.workflowId))).toMatchObject(expected);

  await started(shop, { anew: true });
  await expect(started(shop, { anew: true })).rejects.toMatchObject({ type: 'CommitConflict' });
  await shop.run('07');
  expect((await shop.rows('items')).map(({ id }) => id)).toEqual([2, 3, 4, 5, 11]);
  await shop.sql(`DELETE FROM items WHERE id = 2`);
  await shop.run('08');
  expect((await shop.rows('items')).map(({ id }) => id)).toEqual([3, 4, 5, 11]);
});

test('a table without a replica identity ends it with the SQL that helps', async () => {
  const shop = await makeReplica('nameless', 'CREATE TABLE items (id int, name text)', {
    items: { key: ['id'] },
  });
  expect(await failureOf(shop.run('05'))).toMatchObject({
    type: 'ReplicationUnavailable',
    message: expect.stringContaining('ALTER TABLE items REPLICA IDENTITY FULL;') as string,
  });
});

test('a wrong password ends it, and is not told', async () => {
  const shop = await makeReplica('locked', SMALL, { items: {} });
  shop.setUrl(server.url.replace(/:[^:@]*@/, ':not-the-password@').replace(/postgres$/, 'locked'));
  const failure = await failureOf(shop.run('05'));
  expect(failure).toMatchObject({ type: 'AccessDenied' });
  expect(failure.message).not.toContain('not-the-password');
});
