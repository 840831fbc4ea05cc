import { describe, expect, test } from 'vitest';
import {
  declaredSchedules,
  type DeclaredSchedule,
  type ServerSchedule,
} from '../../clients/schedule-facts.js';
import { hasChanges, nextState, planSchedules } from '../../clients/schedule-plan.js';
import { Project } from '../../schemas/project.js';

const [nightly] = declaredSchedules({
  root: '/projects/sales',
  spec: Project.parse({
    name: 'sales',
    pipelines: { daily: {} },
    schedules: { nightly: { pipeline: 'daily', cron: '0 2 * * *' } },
  }),
}) as [DeclaredSchedule];
const onServer = (change: Partial<ServerSchedule> = {}): ServerSchedule => ({
  ...{ id: nightly.id, name: nightly.name, facts: nightly.facts, paused: false, note: '' },
  applied: { paused: false, note: '' },
  ...change,
});

test('an empty project and an empty server have nothing to do', () => {
  expect(planSchedules([], [])).toEqual([]);
  expect(hasChanges([])).toBe(false);
});

test('a new schedule is shown with all that it declares', () => {
  const [change] = planSchedules([nightly], []);
  expect(change).toMatchObject({ action: 'create', id: 'sales.nightly' });
  expect(change?.differences).toContainEqual({ field: 'times', from: '', to: '0 2 * * *' });
  expect(change?.differences).toContainEqual({
    ...{ field: 'runs', from: '' },
    to: 'pipeline daily of /projects/sales on millrace-control',
  });
});

test('changes come in the order of their ids, whatever they are', () => {
  const plan = planSchedules(
    [nightly],
    [onServer({ id: 'sales.a' }), onServer(), onServer({ id: 'sales.z' })],
  );
  expect(plan.map(({ action, id }) => `${action} ${id}`)).toEqual([
    'delete sales.a',
    'none sales.nightly',
    'delete sales.z',
  ]);
});

test.each([
  ['times', '0 3 * * *'],
  ['timezone', 'Europe/Berlin'],
  ['jitter', '60s'],
  ['overlap', 'SKIP'],
  ['catchupWindow', '60s'],
  ['pauseOnFailure', 'true'],
  ['runs', 'pipeline daily of /elsewhere on millrace-control'],
] as const)('another value of %s is an update of that field alone', (field, from) => {
  const [change] = planSchedules([nightly], [onServer({ facts: { ...nightly.facts, [field]: from } })]);
  expect(change).toMatchObject({
    action: 'update',
    differences: [{ field, from, to: nightly.facts[field] }],
  });
});

describe('pausing', () => {
  const plain = { paused: false, note: '' };
  const down = { paused: true, note: 'down' };
  test.each([
    // declared, applied before, on the server → then
    ['as ever', plain, plain, plain, plain],
    ['paused by hand stays paused', plain, plain, down, down],
    ['resumed by hand stays resumed', down, down, plain, plain],
    ['newly declared as paused', down, plain, plain, down],
    ['no longer declared as paused', plain, down, down, plain],
    ['declared so after it was done by hand', down, plain, { paused: true, note: 'by hand' }, down],
    ['a new note alone', { ...down, note: 'still' }, down, down, { ...down, note: 'still' }],
    ['made by hand, not by Millrace', down, null, plain, down],
  ])('%s', (_, declared, applied, found, then) => {
    const server = onServer({ ...found, applied });
    expect(nextState(declared, server)).toEqual(then);
    const [change] = planSchedules([{ ...nightly, ...declared }], [server]);
    expect(change?.action).toBe(then.paused === found.paused && then.note === found.note ? 'none' : 'update');
    expect(change?.kept !== null).toBe(then.paused !== declared.paused);
  });
});
