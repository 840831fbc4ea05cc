import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRun, resultOf, startRun, type StartedRun } from '../../clients/runs.js';
import { readManifest } from '../../engines/lake/bronze.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { fingerprint, makeShop, readShop, WEEKS, type Shop } from '../support/shop.js';
import { runWeek, startWeek, until, withFaults, type TestRun } from '../support/shop-run.js';

let shop: Shop;
let staging: string;
beforeEach(() => {
  shop = makeShop({ customers: 1_000 });
  staging = mkdtempSync(join(tmpdir(), 'millrace-staging-'));
});
afterEach(() => {
  shop.remove();
  rmSync(staging, { recursive: true });
});

/** Cancels a run, and waits for its end. @returns seconds until then */
async function cancel(client: Client, run: StartedRun): Promise<number> {
  const ended = resultOf(client, run).catch((error: unknown) => error);
  const began = performance.now();
  await client.workflow.getHandle(run.workflowId, run.runId).cancel();
  const error = await ended;
  expect(error).toBeInstanceOf(WorkflowFailedError);
  expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
  return (performance.now() - began) / 1000;
}

/** Share of one core that the worker uses while nothing is to be done, by the kernel's clock of 100 ticks a second. */
async function busy({ pids }: TestRun): Promise<number> {
  const ticks = (): number => {
    const fields = readFileSync(`/proc/${pids()['worker-1']}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = ticks();
  await sleep(1_000);
  return (ticks() - before) / 100;
}

test('a run cancelled while it loads a large file ends in seconds, and leaves neither staging nor a part', async () => {
  const row = '7,2025-01-10,north,3,10.50,2026-01-12,1\n'.repeat(25_000);
  const head = 'customer_id,signup_date,region,visits,spend,week,renewed\n';
  const file = join(shop.root, 'data', `customers-${WEEKS[1]}.csv`);
  writeFileSync(file, head);
  for (let mb = 0; mb < 350; mb++) writeFileSync(file, row, { flag: 'a' });

  const lake = await openLocalStore(join(shop.root, '.millrace', 'lake'));
  const work = async (stack: TestRun): Promise<void> => {
    const { client } = stack;
    await runWeek(client, shop.root, 'load');
    const parts = await lake.list('bronze/');
    const run = await startWeek(client, shop.root, 'load', WEEKS[1]);
    const staged = (): string[] => readdirSync(staging, { recursive: true }).map(String);
    await until(() => staged().some((path) => path.endsWith('rows-0.parquet')), { what: 'the load' });

    expect(await cancel(client, run)).toBeLessThan(6);
    expect(staged()).toEqual([]);
    expect(await lake.list('bronze/')).toEqual(parts);
    expect((await readManifest(lake, 'crm', 'customers')).version).toBe(1);
    expect(readdirSync(join(shop.root, '.millrace', 'lake', '.tmp'))).toEqual([]);
    await until(async () => (await busy(stack)) < 0.15, { seconds: 10, what: 'quiet' });
  };
  await withFaults(shop.root, [], work, { TMPDIR: staging });
});

/** More than any machine counts in an hour. */
const ENDLESS = 'select count(*) from range(1000000000000) t(i) where (i * 7919) % 1000003 = 13';

test.each([
  [
    'the query of a model',
    {
      path: 'models/regions.sql',
      sql: `{{ config(materialized='table') }}\n-- depends_on: {{ ref('stg_customers') }}\n${ENDLESS}`,
      select: 'stg_customers regions',
      node: 'regions',
    },
  ],
  [
    'a test that guards a table',
    {
      path: 'tests/endless.sql',
      sql: `select customer_id from {{ ref('customer_week') }} where (${ENDLESS}) = -1`,
      select: 'stg_customers customer_week',
      node: 'endless',
    },
  ],
])(
  'a run cancelled during %s stops the query in the warehouse and leaves the tables as they were',
  async (_what, { path, sql, select, node }) => {
    await withFaults(shop.root, [], ({ client }) => runWeek(client, shop.root, 'load'));
    const tables = ({ 'main.customer_week': week, 'main.regions': regions }: Record<string, string>) => ({
      week,
      regions,
    });
    const before = tables(await fingerprint(shop.root));

    mkdirSync(join(shop.root, 'dbt', 'tests'), { recursive: true });
    writeFileSync(join(shop.root, 'dbt', path), sql);
    await withFaults(shop.root, [], async (stack) => {
      const { client } = stack;
      const run = await startRun(client, shop.root, { pipeline: 'load', interval: WEEKS[1], select });
      const current = async (): Promise<string[]> =>
        (await readRun(client, run.workflowId)).stages.flatMap((stage) => stage.current);
      await until(async () => (await current()).includes(node), { what: node });
      await until(async () => (await busy(stack)) > 0.3, { what: 'the work' });

      expect(await cancel(client, run)).toBeLessThan(6);
      await until(async () => (await busy(stack)) < 0.15, { seconds: 10, what: 'quiet' });
      const began = performance.now();
      const next = { pipeline: 'load', interval: WEEKS[0], select: 'stg_customers' };
      await resultOf(client, await startRun(client, shop.root, next));
      expect(performance.now() - began).toBeLessThan(10_000);
    });

    expect(tables(await fingerprint(shop.root))).toEqual(before);
    const left = await readShop(
      shop.root,
      `select table_name from information_schema.tables where contains(table_name, '__audit_')`,
    );
    expect(left).toEqual([]);
    expect(await readShop(shop.root, 'select * from millrace.audits')).toEqual([]);
  },
);
