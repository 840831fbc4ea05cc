import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { resultOf } from '../../clients/runs.js';
import { withSession } from '../engines/sources/support.js';
import { historySize } from '../support/history.js';
import { makeShop, readShop } from '../support/shop.js';
import { startWeek, withFaults } from '../support/shop-run.js';

/** Well beyond the heartbeat timeout of ten seconds. */
const SECONDS = 28;
const shop = makeShop({ customers: 100, broken: 0 });
afterAll(() => shop.remove());

/** Steps of a recursion, which DuckDB takes one after the other, that last so long here, or longer under load. */
const stepsFor = (seconds: number): Promise<number> =>
  withSession(async (session) => {
    const steps = 4_000;
    let fastest = Infinity;
    for (let n = 0; n < 5; n++) {
      const started = performance.now();
      await session.run(counting(steps));
      fastest = Math.min(fastest, performance.now() - started);
    }
    return Math.round((steps * 1000 * seconds) / fastest);
  });

const counting = (steps: number): string =>
  `with recursive t(n) as (select 1 union all select n + 1 from t where n < ${steps}) select count(*) as n from t`;

test(
  `a query of ${SECONDS} seconds is asked once: heartbeats go on while it runs`,
  { timeout: 110_000 },
  async () => {
    const steps = await stepsFor(SECONDS);
    writeFileSync(
      join(shop.root, 'dbt/models/slow.sql'),
      `{{ config(materialized='table') }}\n${counting(steps)}`,
    );
    await withFaults(shop.root, [], async ({ client }) => {
      const run = await startWeek(client, shop.root, 'load');
      const child = client.workflow.getHandle(`${run.workflowId}/transform`);
      const beats = new Set<number>();
      let longest = 0;
      const watch = setInterval(() => {
        const look = async (): Promise<void> => {
          for (const { lastHeartbeatTime, lastStartedTime } of (await child.describe()).raw
            .pendingActivities ?? []) {
            const beat = Number(lastHeartbeatTime?.seconds ?? 0);
            beats.add(beat);
            longest = Math.max(longest, beat - Number(lastStartedTime?.seconds ?? 0));
          }
        };
        // before it has begun
        look().catch(() => undefined);
      }, 500);
      const { transform } = await resultOf(client, run).finally(() => clearInterval(watch));
      expect(transform).toMatchObject({ failed: [] });
      // the last beat that was seen came long after the query was sent
      expect(longest).toBeGreaterThan(12);
      expect(beats.size).toBeGreaterThan(2);

      const { events } = await child.fetchHistory();
      const attempts = (events ?? []).flatMap(
        ({ activityTaskStartedEventAttributes: started }) => started?.attempt ?? [],
      );
      expect(new Set(attempts)).toEqual(new Set([1]));
      const builds = await historySize(client, `${run.workflowId}/transform`);
      expect(builds.scheduled('buildNode')).toBe(transform?.built);
    });
    expect(await readShop(shop.root, 'select n::int as n from main.slow')).toEqual([{ n: steps }]);
  },
);
