import { mkdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { expect, test } from 'vitest';
import type { Client } from '@temporalio/client';
import { answerApproval, listAwaiting } from '../../clients/approvals.js';
import { connectTo } from '../../clients/connect.js';
import {
  pauseReplication,
  replicatedSource,
  resnapshotTable,
  resumeReplication,
  stopReplication,
} from '../../clients/replications.js';
import { resultOf, startRun } from '../../clients/runs.js';
import { planBackfill, startBackfill } from '../../clients/backfills.js';
import { workerEntry } from '../../clients/worker-entry.js';
import { startPostgres } from './postgres-server.js';
import { catchUp, makeReplicaProject } from './replica.js';
import { makeShop, WEEKS } from './shop.js';
import { startTestStack } from './stack.js';

const FOLDER = fileURLToPath(new URL('../histories', import.meta.url));

/** A source whose changes are followed, through a copy, changes, a pause and a second copy. */
async function replicateSomething(
  client: Client,
  root: string,
  sql: (text: string) => Promise<unknown>,
): Promise<void> {
  const { workflowId } = await replicatedSource(root, 'db');
  await catchUp(client, root, WEEKS[0]);
  await sql(`UPDATE items SET name = 'other' WHERE id < 3; DELETE FROM items WHERE id = 4`);
  await catchUp(client, root, WEEKS[1]);
  await pauseReplication(client, workflowId);
  await resumeReplication(client, workflowId);
  await resnapshotTable(client, workflowId, 'items');
  await sql(`INSERT INTO items VALUES (9, 'nine')`);
  await catchUp(client, root, '2026-01-19');
  await stopReplication(client, workflowId);
  await client.workflow
    .getHandle(workflowId)
    .result()
    .catch(() => undefined);
}

/** Runs the shop through every workflow and keeps the histories: `npm run record-histories`. */
test('records histories', { timeout: 300_000 }, async () => {
  const shop = makeShop();
  const postgres = await startPostgres();
  await postgres.sql(
    `CREATE TABLE items (id int PRIMARY KEY, name text); INSERT INTO items SELECT i, 'item ' || i FROM generate_series(1, 5) i`,
  );
  const replica = makeReplicaProject('replica', postgres.url);
  replica.declare({ items: {} });
  const stack = await startTestStack({ projects: [shop.root], workerEntry: workerEntry() });
  const { client, close } = await connectTo({
    address: stack.address,
    namespace: stack.namespace,
    uiUrl: undefined,
  });
  try {
    for (const interval of WEEKS) {
      const run = await startRun(client, shop.root, { pipeline: 'weekly', interval });
      const ended = resultOf(client, run);
      for (let waiting = interval === WEEKS[1]; waiting;) {
        const [awaiting] = await listAwaiting(client, run.workflowId);
        if (awaiting) {
          await answerApproval(client, 'approve', {
            run: run.workflowId,
            who: 'ana@example.com',
            why: 'recorded',
          });
          waiting = false;
        } else await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await ended;
    }
    const plan = await planBackfill(shop.root, {
      pipeline: 'load',
      range: `${WEEKS[0]}..2026-01-19`,
      window: 1,
    });
    const backfill = await startBackfill(client, plan);
    await client.workflow.getHandle(backfill.workflowId).result();
    await replicateSomething(client, replica.root, postgres.sql);

    await rm(FOLDER, { recursive: true, force: true });
    await mkdir(FOLDER);
    let recorded = 0;
    for await (const { workflowId, runId, type } of client.workflow.list()) {
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      // payloads are base64: the machine's folder must not be in them
      const clean = historyToJSON(history)
        .replace(/"data": ?"([^"]+)"/g, (_, data: string) => {
          const text = Buffer.from(data, 'base64')
            .toString()
            .replaceAll(shop.root, '/shop')
            .replaceAll(replica.root, '/replica')
            .replaceAll(dirname(stack.home), '/tmp');
          return `"data":"${Buffer.from(text).toString('base64')}"`;
        })
        // nor its name
        .replaceAll(hostname(), 'host');
      const name = workflowId.replaceAll(/[^a-zA-Z0-9.-]/g, '_');
      await writeFile(join(FOLDER, `${type}-${name}.json`), clean);
      recorded++;
    }
    expect(recorded).toBeGreaterThan(8);
  } finally {
    await close();
    await stack.stop();
    await postgres.stop();
    shop.remove();
    replica.remove();
  }
});
