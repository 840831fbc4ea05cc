import { afterAll, expect, test } from 'vitest';
import { dbtWorkflow } from '../support/dbt-workflow.js';
import { until, withFaults } from '../support/shop-run.js';
import { makeTransform } from '../support/transform-project.js';

const project = makeTransform({
  'models/slow.sql': `{{ config(materialized='incremental') }}
    select count(*) as n from range(400000000) t(i) where (i * 17) % 7 = 3`,
});
afterAll(() => project.remove());

test('the same command again goes on with the run that it began, and another one has a run of its own', async () => {
  const { root, read } = project;
  await withFaults(root, [], async (stack) => {
    let id = '';
    const first = dbtWorkflow(stack, root, {}, { onStart: (workflowId) => (id = workflowId) });
    await until(() => id !== '', { what: 'the first run' });
    // visibility is told a moment later
    await until(async () => {
      const query = `WorkflowId = '${id}' AND ExecutionStatus = 'Running'`;
      return (await stack.client.workflow.count(query)).count > 0;
    });
    let former: boolean | undefined;
    const again = await dbtWorkflow(stack, root, {}, { onStart: (_id, _url, had) => (former = had) });
    expect(again).toMatchObject({ workflowId: id, failure: null });
    expect(former).toBe(true);
    expect((await first).records).toEqual(again.records);
    const other = await dbtWorkflow(stack, root, { flags: { fullRefresh: true } });
    expect(other.failure).toBeNull();
    expect(other.workflowId).not.toBe(id);
  });
  expect(await read('select count(*) as rows from main.slow')).toEqual([{ rows: 1 }]);
});
