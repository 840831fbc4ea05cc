import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { afterAll, describe, expect, test } from 'vitest';
import { beating } from '../../activities/beating.js';
import { Resources } from '../../activities/resources.js';
import { runFailure } from '../../clients/failure.js';
import { resultOf, startRun } from '../../clients/runs.js';
import type { Meter } from '../../activities/meter.js';
import { QUEUES } from '../../schemas/queues.js';
import type { ExtractInput } from '../../schemas/run.js';
import { historySize } from '../support/history.js';
import { makeShop } from '../support/shop.js';
import { until, withFaults } from '../support/shop-run.js';
import { workflowEnv } from '../support/workflow-env.js';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

describe('what an activity hands to the server', () => {
  const env = workflowEnv();
  const meter: Meter = { count: () => {}, observe: () => {}, set: () => {} };
  const deps = { meter, resources: new Resources() };
  const labels = { project: '', stage: '', stream: '' };
  const input: ExtractInput = {
    ...{ project: { name: 'shop', root: '/nowhere', lake: '/nowhere', hash: 'x' }, run: 'shop.load.test' },
    ...{ source: 'crm', stream: 'customers', extractedAt: '2026-01-12T00:00:00Z' },
    interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' },
  };

  /** Runs the extract workflow with this in the place of its first activity, on real heartbeats and failures. */
  async function extract(planLoad: () => Promise<unknown>): Promise<{ attempts: number; failure?: string }> {
    let attempts = 0;
    const activities = { planLoad: () => (attempts++, planLoad()) };
    const failure = await env.withWorker([QUEUES.control, QUEUES.io], activities, () =>
      env.client.workflow
        .execute('extract', { workflowId: randomUUID(), taskQueue: QUEUES.control, args: [input] })
        .then(
          () => undefined,
          (error: unknown) => runFailure(error).type,
        ),
    );
    return { attempts, ...(failure !== undefined && { failure }) };
  }
  const listing = (bytes: number) => ({ ref: null, units: 0, padding: 'x'.repeat(bytes) });

  test.each([
    [1_900_000, undefined],
    [2_100_000, 'ResultTooLarge'],
    [5_000_000, 'ResultTooLarge'],
  ])('a result of %d bytes ends the run once and for all, as it should', async (bytes, failure) => {
    const ended = await extract(() => beating(deps, labels, async () => listing(bytes)));
    expect(ended).toEqual({ attempts: 1, ...(failure !== undefined && { failure }) });
  });

  test('a heartbeat with megabytes of details is a heartbeat all the same', async () => {
    let seen = '';
    const ended = await extract(() =>
      beating(deps, labels, async ({ progress, signal }) => {
        progress({ text: 'x'.repeat(5_000_000) });
        await new Promise((resolve) => setTimeout(resolve, 2_500));
        seen = `${signal.aborted} ${Context.current().info.attempt}`;
        return listing(0);
      }),
    );
    expect([ended, seen]).toEqual([{ attempts: 1 }, 'false 1']);
  });

  test('an unclassified error of 5 MB is told in short', async () => {
    const ended = await extract(() =>
      beating(deps, labels, async () => {
        throw new Error(`${'x'.repeat(5_000_000)}`);
      }),
    );
    expect(ended).toEqual({ attempts: 3, failure: 'Unexpected' });
  });
});

test('a model whose error message has 3 MB fails by its name, at once, and is told in kilobytes', async () => {
  const shop = makeShop({ customers: 50, broken: 0 });
  folders.push(shop.root);
  writeFileSync(
    join(shop.root, 'dbt/models/loud.sql'),
    "{{ config(materialized='table') }} select error(repeat('x', 3000000))",
  );
  await withFaults(shop.root, [], async ({ client }) => {
    const run = await startRun(client, shop.root, { pipeline: 'load', interval: '2026-01-05' });
    const failure = await resultOf(client, run).then(() => null, runFailure);
    expect(failure?.type).toBe('SqlError');
    expect(failure?.message).toMatch(/model\.shop\.loud.*more characters/s);
    expect(failure?.message.length).toBeLessThan(5_000);
    await expectSmall(client, `${run.workflowId}/transform`);
  });
});

test(
  '60,000 files are a reference: no payload of the run has more than 100 KB',
  { timeout: 100_000 },
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'millrace-many-'));
    folders.push(root);
    mkdirSync(join(root, 'events'));
    for (let i = 0; i < 60_000; i++)
      writeFileSync(join(root, 'events', `event-of-the-day-${i}.csv`), 'id\n1\n');
    writeFileSync(
      join(root, 'millrace.ts'),
      `import { csv, project } from 'millrace';
     const events = { path: 'events/*.csv', format: csv({}), columns: { id: 'int64' } } as const;
     export default project({ name: 'many', sources: { logs: { kind: 'files', root: '.', streams: { events } } },
       pipelines: { load: { cadence: 'day', extract: ['logs.events'] } } });`,
    );
    await withFaults(root, [], async ({ client }) => {
      const run = await startRun(client, root, { pipeline: 'load', interval: '2026-01-05' });
      const extract = `${run.workflowId}/extract.logs.events`;
      await until(async () => (await scheduled(client, extract, 'loadUnit')) > 0, {
        what: 'the first groups',
      });
      expect(await scheduled(client, extract, 'planLoad')).toBe(1);
      await expectSmall(client, extract);
      // that all of them are loaded is shown with fewer: here they are many, so that the run is stopped
      await client.workflow.getHandle(run.workflowId).cancel();
      await resultOf(client, run).catch(() => undefined);
      await expectSmall(client, run.workflowId);
    });
  },
);

const scheduled = async (client: Client, workflowId: string, activity: string): Promise<number> =>
  (await historySize(client, workflowId).catch(() => null))?.scheduled(activity) ?? 0;

async function expectSmall(client: Client, workflowId: string): Promise<void> {
  const { largest, events } = await historySize(client, workflowId);
  expect(events).toBeGreaterThan(5);
  expect(largest).toBeLessThan(100_000);
}
