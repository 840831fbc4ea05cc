import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  applySchedules,
  deleteSchedule,
  diffSchedules,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  triggerSchedule,
} from '../../clients/schedules.js';
import { startServer, temporaryFolder, writeProject } from './support.js';

let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const PIPELINES = 'pipelines: { daily: { cadence: "day" }, weekly: { cadence: "week" } }';
const CALENDARS = '[{ minute: "*/20", hour: "9-17", dayOfWeek: "MON-FRI", comment: "office hours" }]';
const TWO = `
  nightly: { pipeline: 'daily', cron: '30 4 * * *', timezone: 'Europe/Berlin', jitter: '2m', overlap: 'skip' },
  office: { pipeline: 'weekly', calendars: ${CALENDARS}, pauseOnFailure: true, paused: true, note: 'until it is tuned' },`;

function projectWith(name: string, schedules: string, folder = temporaryFolder()): string {
  writeProject(folder, name, `${PIPELINES}, schedules: { ${schedules} }`);
  return folder;
}

const actions = (plan: { action: string; name: string }[]) =>
  plan.map(({ action, name }) => `${action} ${name}`);

test('what is applied reads back as what was declared, so that a second apply does nothing', async () => {
  const folder = projectWith('sales', TWO);
  const first = await applySchedules(server.client, folder);
  expect(actions(first.plan)).toEqual(['create nightly', 'create office']);
  expect(first.applied).toBe(true);
  const second = await applySchedules(server.client, folder);
  expect(second).toMatchObject({ applied: false });
  expect(second.plan.map(({ differences }) => differences)).toEqual([[], []]);

  const [nightly, office] = await listSchedules(server.client, folder);
  expect(nightly).toMatchObject({
    name: 'nightly',
    pipeline: 'daily',
    times: '30 4 * * *',
    timezone: 'Europe/Berlin',
    paused: false,
  });
  expect(new Date(nightly?.next ?? '').getTime()).toBeGreaterThan(Date.now());
  expect(office).toMatchObject({ paused: true, note: 'until it is tuned', times: '*/20 9-17 * * 1-5' });
});

test('a change in the project shows field by field, and is written', async () => {
  const folder = projectWith('change', TWO);
  await applySchedules(server.client, folder);
  projectWith('change', TWO.replace('30 4', '45 5').replace("'skip'", "'bufferAll'"), folder);
  const [nightly] = await diffSchedules(server.client, folder);
  expect(nightly?.differences).toEqual([
    { field: 'times', from: '30 4 * * *', to: '45 5 * * *' },
    { field: 'overlap', from: 'SKIP', to: 'BUFFER_ALL' },
  ]);
  await applySchedules(server.client, folder);
  expect(actions(await diffSchedules(server.client, folder))).toEqual(['none nightly', 'none office']);
});

test('an edit by hand on the server is a difference; a pause by hand stays', async () => {
  const folder = projectWith('hand', TWO);
  await applySchedules(server.client, folder);
  await server.client.schedule.getHandle('hand.nightly').update((found) => ({
    ...found,
    spec: { ...found.spec, cronExpressions: ['0 7 * * *'], calendars: [] },
  }));
  await pauseSchedule(server.client, folder, 'nightly', 'the source is down');
  const [nightly] = await diffSchedules(server.client, folder);
  expect(nightly).toMatchObject({
    action: 'update',
    differences: [{ field: 'times', from: '0 7 * * *', to: '30 4 * * *' }],
    kept: 'paused on the server (the source is down)',
  });
  await applySchedules(server.client, folder);
  expect((await listSchedules(server.client, folder))[0]).toMatchObject({
    paused: true,
    note: 'the source is down',
    times: '30 4 * * *',
  });
  await resumeSchedule(server.client, folder, 'nightly', 'it is back');
  expect((await listSchedules(server.client, folder))[0]).toMatchObject({
    paused: false,
    note: 'it is back',
  });
  expect(actions(await diffSchedules(server.client, folder))).toEqual(['none nightly', 'none office']);
});

test('what the project no longer has is deleted, other projects are not touched', async () => {
  const folder = projectWith('shrink', TWO);
  const other = projectWith('shrink_not', TWO);
  await applySchedules(server.client, folder);
  await applySchedules(server.client, other);
  projectWith('shrink', TWO.split('\n')[1] ?? '', folder);
  const { plan } = await applySchedules(server.client, folder);
  expect(actions(plan)).toEqual(['none nightly', 'delete office']);
  expect(actions(await diffSchedules(server.client, folder))).toEqual(['none nightly']);
  expect(actions(await diffSchedules(server.client, other))).toEqual(['none nightly', 'none office']);
});

test('two applies at once end in the same state, without an error', async () => {
  const folder = projectWith('race', TWO);
  await Promise.all([1, 2, 3].map(() => applySchedules(server.client, folder)));
  expect(actions(await diffSchedules(server.client, folder))).toEqual(['none nightly', 'none office']);
});

test('nothing is written unless it is confirmed', async () => {
  const folder = projectWith('shy', TWO);
  const { applied } = await applySchedules(server.client, folder, () => false);
  expect(applied).toBe(false);
  expect(actions(await diffSchedules(server.client, folder))).toEqual(['create nightly', 'create office']);
});

test('a trigger starts the pipeline without an interval, with the time that it was due', async () => {
  const folder = projectWith('trigger', TWO);
  await applySchedules(server.client, folder);
  expect(await triggerSchedule(server.client, folder, 'nightly')).toBe('trigger.nightly');
  let status = (await listSchedules(server.client, folder))[0];
  for (let i = 0; !status?.last && i < 100; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    status = (await listSchedules(server.client, folder))[0];
  }
  const handle = server.client.workflow.getHandle(status?.last?.workflowId ?? '');
  const run = await handle.describe();
  expect(run.type).toBe('pipeline');
  expect(run.workflowId).toMatch(/^trigger\.nightly-\d{4}-/);
  expect(run.searchAttributes).toMatchObject({ MillraceProject: ['trigger'], MillracePipeline: ['daily'] });
  expect(run.searchAttributes?.['TemporalScheduledStartTime']?.[0]).toBeInstanceOf(Date);
  expect(await run.staticSummary()).toBe('trigger daily, due by schedule nightly');
  await handle.terminate();
});

describe('names', () => {
  test('a schedule that the server does not have is named, with those that there are', async () => {
    const folder = projectWith('missing', TWO);
    await applySchedules(server.client, folder);
    await expect(pauseSchedule(server.client, folder, 'nightlY', '')).rejects.toMatchObject({
      type: 'ObjectMissing',
      fix: 'There are: nightly, office',
    });
    await deleteSchedule(server.client, folder, 'missing.office');
    await expect(deleteSchedule(server.client, folder, 'office')).rejects.toMatchObject({
      type: 'ObjectMissing',
    });
  });
});
