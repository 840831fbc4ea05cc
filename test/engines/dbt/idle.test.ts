import { expect, test } from 'vitest';
import { context, openMemory, runAll, writeProject } from './project.js';

const FILES = {
  'models/orders.sql': "select {{ var('id', 1) }} as id",
  'models/models.yml': `
models:
  - {name: orders, columns: [{name: id, data_tests: [{accepted_values: {arguments: {values: [1]}}}]}]}
exposures:
  - {name: board, type: dashboard, owner: {name: A}, depends_on: ["ref('orders')"]}
`,
};

test('an exposure of a build comes to no-op', async () => {
  const given = context(writeProject(FILES), await openMemory(), { audit: false, ledger: false });
  expect(await runAll(given)).toMatchObject({ orders: 'success', board: 'no-op' });
});

test('an exposure below a test that failed is skipped', async () => {
  const given = context(writeProject(FILES), await openMemory(), {
    ...{ audit: false, ledger: false, vars: { id: 2 } },
  });
  const statuses = await runAll(given);
  expect(statuses).toMatchObject({ orders: 'success' });
  expect(statuses).not.toHaveProperty('board');
});

test('a pipeline that holds back what fails its tests has no step for exposures', async () => {
  const given = context(writeProject(FILES), await openMemory());
  expect(await runAll(given)).not.toHaveProperty('board');
});
