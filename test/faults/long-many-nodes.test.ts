import { afterAll, expect, test } from 'vitest';
import { resultOf, startRun } from '../../clients/runs.js';
import { historySize } from '../support/history.js';
import { withFaults } from '../support/shop-run.js';
import { makeTransform, type TransformProject } from '../support/transform-project.js';

const NODES = 5_000;
const WIDTH = 100;
const projects: TransformProject[] = [];
afterAll(() => projects.forEach((project) => project.remove()));

/** Tiny views in layers over one another. */
function views(): Record<string, string> {
  const files: Record<string, string> = {};
  for (let at = 0; at < NODES; at++)
    files[`models/layer_${Math.floor(at / WIDTH)}/m_${at}.sql`] =
      at < WIDTH ? 'select 1 as id' : `select id from {{ ref('m_${at - WIDTH}') }} where id = ${at % 7}`;
  return files;
}

test(`${NODES} nodes: the run goes on in new histories, each far from the server's limits, and no payload is large`, async () => {
  const { root, read } = project();
  await withFaults(root, [], async ({ client }) => {
    const run = await startRun(client, root, { pipeline: 'all', interval: '2026-01-05' });
    const { transform } = await resultOf(client, run);
    expect(transform).toMatchObject({ nodes: NODES, built: NODES, failed: [], skipped: 0 });
    const runs: string[] = [];
    const query = `WorkflowId = "${run.workflowId}/transform"`;
    for await (const { runId } of client.workflow.list({ query })) runs.push(runId);
    let scheduled = 0;
    for (const runId of runs) {
      const size = await historySize(client, `${run.workflowId}/transform`, runId);
      expect(size.largest).toBeLessThan(100_000);
      expect(size.events).toBeLessThan(51_200 / 2);
      scheduled += size.scheduled('buildNode');
    }
    expect(runs.length).toBeGreaterThan(1);
    expect(scheduled).toBe(NODES);
    expect((await historySize(client, run.workflowId)).largest).toBeLessThan(100_000);
  });
  const [made] = await read(
    "select count(*)::int as n from duckdb_views() where schema_name = 'main' and not internal",
  );
  expect(made).toEqual({ n: NODES });
});

function project(): TransformProject {
  const made = makeTransform(views(), { concurrency: 16 });
  projects.push(made);
  return made;
}
