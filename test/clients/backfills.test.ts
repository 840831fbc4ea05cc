import { describe, expect, test } from 'vitest';
import { planBackfill } from '../../clients/backfills.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { backfillLedger } from '../../engines/project/backfill-ledger.js';
import { temporaryFolder, writeProject } from './support.js';

function projectFolder(): string {
  const folder = temporaryFolder();
  writeProject(
    folder,
    'fill',
    "pipelines: { daily: { cadence: 'day' }, weekly: { cadence: 'week', timezone: 'Europe/Berlin' } }",
  );
  return folder;
}

const days = (plan: Awaited<ReturnType<typeof planBackfill>>) =>
  plan.intervals.map(
    ({ interval, status, due }) =>
      `${interval.start.slice(8, 10)} ${status ?? 'new'} ${due ? 'run' : 'skip'}`,
  );

test('the ledger decides what is due: what has succeeded is not repeated', async () => {
  const folder = projectFolder();
  const ledger = backfillLedger(await openLocalStore(`${folder}/.millrace/lake`), 'fill', 'daily');
  const record = (day: string, status: 'succeeded' | 'failed') => {
    const interval = { start: `2026-01-${day}T00:00:00Z`, end: `2026-01-${day}T23:59:59Z` };
    return ledger.commit(() => ({ entry: { interval, status }, result: undefined }));
  };
  await record('05', 'succeeded');
  await record('06', 'failed');
  await record('07', 'failed');
  await record('07', 'succeeded');
  const range = { pipeline: 'daily', range: '2026-01-05..2026-01-09' };
  expect(days(await planBackfill(folder, range))).toEqual([
    ...['05 succeeded skip', '06 failed run', '07 succeeded skip', '08 new run'],
  ]);
  expect(days(await planBackfill(folder, { ...range, failedOnly: true, order: 'newest' }))).toEqual([
    ...['08 new skip', '07 succeeded skip', '06 failed run', '05 succeeded skip'],
  ]);
});

test('two ways to write a range are one backfill, of whole units of the pipeline', async () => {
  const folder = projectFolder();
  const plans = await Promise.all(
    ['2026-W02', '2026-01-05..2026-01-12', '2026-01-06..2026-01-08'].map((range) =>
      planBackfill(folder, { pipeline: 'weekly', range }),
    ),
  );
  expect(new Set(plans.map(({ workflowId }) => workflowId))).toEqual(
    new Set(['fill.weekly.backfill.2026-01-04T23:00Z.2026-01-11T23:00Z']),
  );
});

describe('refused', () => {
  test.each([
    [{ range: 'yesterday' }, 'IntervalInvalid', /not an ISO date/],
    [{ range: '2026-01-08..2026-01-05' }, 'IntervalInvalid', /not after its start/],
    [{ range: '2026-01-05..2999-01-01' }, 'IntervalInFuture', /ends in the future/],
    [
      { range: '2026-01-05', pipeline: 'dayly' },
      'ProjectInvalid',
      /no pipeline called 'dayly'.*Did you mean 'daily'/,
    ],
    [{ range: '2026-01-05', order: 'sideways' }, 'ProjectInvalid', /--order: /],
    [{ range: '2026-01-05', window: Number('many') }, 'ProjectInvalid', /--window: /],
    [{ range: '2026-01-05', window: 0 }, 'ProjectInvalid', /--window: /],
  ])('%j', async (options, type, message) => {
    const error: unknown = await planBackfill(projectFolder(), { pipeline: 'daily', ...options }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ type, message: expect.stringMatching(message) as string });
  });
});
