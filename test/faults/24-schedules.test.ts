import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { DateTime } from 'luxon';
import { afterAll, expect, test } from 'vitest';
import { resultOf } from '../../clients/runs.js';
import { applySchedules, triggerSchedule } from '../../clients/schedules.js';
import type { Interval } from '../../schemas/interval.js';
import { until, withFaults } from '../support/shop-run.js';

const root = mkdtempSync(join(tmpdir(), 'millrace-clock-'));
afterAll(() => rmSync(root, { recursive: true }));
writeFileSync(
  join(root, 'millrace.ts'),
  `import { project } from 'millrace';
   const berlin = { timezone: 'Europe/Berlin' };
   const held = { ...berlin, paused: true };
   export default project({
     name: 'clock',
     pipelines: { daily: { ...berlin, cadence: 'day' }, hourly: { ...berlin, cadence: 'hour' } },
     schedules: {
       nightly: { ...held, pipeline: 'daily', cron: '30 4 * * *' },
       every_hour: { paused: true, pipeline: 'hourly', cron: '5 * * * *', overlap: 'allowAll' },
       one_waits: { ...held, pipeline: 'daily', cron: '30 4 * * *', overlap: 'bufferOne' },
       none_waits: { ...held, pipeline: 'daily', cron: '30 4 * * *', overlap: 'skip' },
     },
   });`,
);

interface Run {
  interval: Interval;
  began: Date;
  ended: Date;
}

/** The runs that a schedule has started, in the order of their data, once none is left that runs. */
async function runsOf(client: Client, schedule: string, atLeast: number): Promise<Run[]> {
  const list = async () => {
    const found = [];
    for await (const run of client.workflow.list({ query: `TemporalScheduledById = 'clock.${schedule}'` }))
      found.push(run);
    return found;
  };
  // every run that was started so far has ended, and so have those that waited for them
  let quiet = 0;
  await until(
    async () => {
      const found = await list();
      const open = found.some(({ closeTime }) => closeTime === undefined);
      quiet = found.length >= atLeast && !open ? quiet + 1 : 0;
      return quiet >= 10;
    },
    { what: `${atLeast} runs of ${schedule}`, seconds: 25 },
  );
  const runs = (await list()).map(async (run): Promise<Run> => {
    const { interval } = await resultOf(client, run);
    return { interval, began: run.startTime, ended: run.closeTime ?? new Date(0) };
  });
  return (await Promise.all(runs)).sort((a, b) => (a.interval.start < b.interval.start ? -1 : 1));
}

const hours = ({ start, end }: Interval): number =>
  DateTime.fromISO(end).diff(DateTime.fromISO(start), 'hours').hours;

/** The units of these days, by the clocks of Berlin. */
const days = (from: string, to: string) => ({
  start: DateTime.fromISO(from, { zone: 'Europe/Berlin' }).toJSDate(),
  end: DateTime.fromISO(to, { zone: 'Europe/Berlin' }).toJSDate(),
});

const contiguous = (runs: Run[]): boolean =>
  runs.every(({ interval }, i) => i === 0 || interval.start === runs[i - 1]?.interval.end);

test(
  'over both changes of the clocks each day and each hour is run exactly once, however late',
  { timeout: 110_000 },
  async () => {
    await withFaults(root, [], async ({ client }) => {
      await applySchedules(client, root);
      const nightly = client.schedule.getHandle('clock.nightly');
      // due at 04:30 for the day before
      await nightly.backfill([{ ...days('2025-03-29', '2025-04-01') }]);
      const spring = await runsOf(client, 'nightly', 3);
      expect(spring.map(({ interval }) => [interval.start, hours(interval)])).toEqual([
        ['2025-03-27T23:00:00Z', 24],
        ['2025-03-28T23:00:00Z', 24],
        ['2025-03-29T23:00:00Z', 23],
      ]);
      await nightly.backfill([{ ...days('2025-10-26', '2025-10-29') }]);
      const autumn = (await runsOf(client, 'nightly', 6)).slice(3);
      expect(autumn.map(({ interval }) => [interval.start, hours(interval)])).toEqual([
        ['2025-10-24T22:00:00Z', 24],
        ['2025-10-25T22:00:00Z', 25],
        ['2025-10-26T23:00:00Z', 24],
      ]);
      // one after the other, because that is what the schedule says
      const inTurn = [...spring, ...autumn].sort((a, b) => a.began.getTime() - b.began.getTime());
      for (const [i, run] of inTurn.entries())
        expect(run.began.getTime()).toBeGreaterThanOrEqual(inTurn[i - 1]?.ended.getTime() ?? 0);

      const everyHour = client.schedule.getHandle('clock.every_hour');
      await everyHour.backfill([
        { ...days('2025-03-30', '2025-03-31') },
        { ...days('2025-10-26', '2025-10-27') },
      ]);
      const hourly = await runsOf(client, 'every_hour', 48);
      const [march, october] = [hourly.slice(0, 23), hourly.slice(23)];
      expect([march.length, october.length]).toEqual([23, 25]);
      expect([contiguous(march), contiguous(october)]).toEqual([true, true]);
      expect(hourly.every(({ interval }) => hours(interval) === 1)).toBe(true);
    });
  },
);

test('while a slow run goes on, what is due next waits, or is left out, as the schedule says', async () => {
  const slow = { activity: 'planRun', when: 'before', do: 'hang', ms: 3_000, times: 2 } as const;
  await withFaults(root, [slow], async ({ client, happened }) => {
    await applySchedules(client, root);
    for (const name of ['one_waits', 'none_waits']) {
      const before = happened(0).length;
      await triggerSchedule(client, root, name);
      await until(() => happened(0).length > before, { what: `the slow run of ${name}` });
      for (let i = 0; i < 3; i++) await triggerSchedule(client, root, name);
    }
    expect(await runsOf(client, 'one_waits', 2)).toHaveLength(2);
    expect(await runsOf(client, 'none_waits', 1)).toHaveLength(1);
  });
});
