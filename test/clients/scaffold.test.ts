import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  backfillResult,
  pauseBackfill,
  planBackfill,
  resumeBackfill,
  startBackfill,
} from '../../clients/backfills.js';
import { readRun, resultOf, startRun } from '../../clients/runs.js';
import { SAMPLE_RANGE } from '../../clients/scaffold/project-files.js';
import { SAMPLE_DAYS } from '../../clients/scaffold/sample-orders.js';
import { scaffoldProject } from '../../clients/scaffold/scaffold.js';
import { runFailure } from '../../clients/failure.js';
import { applySchedules, listSchedules, triggerSchedule } from '../../clients/schedules.js';
import { startServer } from './support.js';

let folder: string;
let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-scaffold-'));
  await scaffoldProject(folder, 'cafes');
  server = await startServer(folder);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

async function until<T>(look: () => Promise<T | undefined | null | false>): Promise<NonNullable<T>> {
  for (let i = 0; i < 400; i++, await sleep(50)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`not so after 20 s: ${look.toString()}`);
}

test('a new project runs: its sample is loaded, transformed, tested and published', async () => {
  const started = await startRun(server.client, folder, { pipeline: 'daily', interval: SAMPLE_DAYS[0] });
  const result = await resultOf(server.client, started);
  expect(result.extract).toMatchObject([{ batches: 1, read: 30, loaded: 30, quarantined: 0 }]);
  expect(result.transform).toMatchObject({ built: 2, warned: 0, failed: [] });
  expect(result.transform?.passed).toBeGreaterThanOrEqual(8);
});

test('a paused backfill starts nothing more until it is resumed, then does the rest', async () => {
  const plan = await planBackfill(folder, { pipeline: 'daily', range: SAMPLE_RANGE });
  const started = await startBackfill(server.client, plan);
  await pauseBackfill(server.client, started.workflowId);
  const paused = await until(async () => {
    const { progress } = await readRun(server.client, started.workflowId);
    return progress?.stage === 'backfill daily (paused)' && progress.current.length === 0 && progress;
  });
  await sleep(500);
  const later = (await readRun(server.client, started.workflowId)).progress;
  expect(later).toMatchObject({ done: paused.done, current: [] });
  expect(paused.done).toBeLessThan(SAMPLE_DAYS.length);
  await resumeBackfill(server.client, started.workflowId);
  expect(await backfillResult(server.client, started)).toEqual({ intervals: 4, succeeded: 4, failed: [] });
  const again = await planBackfill(folder, { pipeline: 'daily', range: SAMPLE_RANGE });
  expect(again.intervals.map(({ due }) => due)).toEqual([false, false, false, false]);
});

test('a scheduled run is about the day before it was due', async () => {
  await applySchedules(server.client, folder);
  await triggerSchedule(server.client, folder, 'daily');
  const last = await until(async () => (await listSchedules(server.client, folder))[0]?.last);
  const failure = runFailure(await resultOf(server.client, last).catch((error: unknown) => error));
  const yesterday = new Date(new Date(last.due).getTime() - 86_400_000).toISOString().slice(0, 10);
  expect(failure.message).toContain(`No file matches 'orders/${yesterday}.csv'`);
});

test('the record that cannot be read is in quarantine, and the mart has all others', async () => {
  await server.stop();
  const instance = await DuckDBInstance.create(`${folder}/.millrace/warehouse.duckdb`, {
    access_mode: 'READ_ONLY',
  });
  const connection = await instance.connect();
  const { orders, days } =
    (
      await connection.runAndReadAll(
        `select (select count(*) from stg_orders)::int as orders, (select count(distinct order_date) from daily_revenue)::int as days`,
      )
    ).getRowObjects()[0] ?? {};
  expect({ orders, days }).toEqual({ orders: 119, days: 4 });
  connection.closeSync();
  instance.closeSync();
});
