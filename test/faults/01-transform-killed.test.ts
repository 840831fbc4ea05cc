import { afterAll, expect, test } from 'vitest';
import { readRun, resultOf, startRun } from '../../clients/runs.js';
import { historySize } from '../support/history.js';
import { until, withFaults } from '../support/shop-run.js';
import { layers, makeTransform, type TransformProject } from '../support/transform-project.js';

const interval = '2026-01-05';
const projects: TransformProject[] = [];
afterAll(() => projects.forEach((project) => project.remove()));

const project = (files: Record<string, string>): TransformProject => {
  const made = makeTransform(files);
  projects.push(made);
  return made;
};

test(
  'a build of 200 models whose worker is killed and whose run is terminated: the next run builds only the rest',
  { timeout: 110_000 },
  async () => {
    const { root, read } = project(layers(10, 20));
    await withFaults(root, [], async ({ client, pids }) => {
      const first = await startRun(client, root, { pipeline: 'all', interval });
      const child = `${first.workflowId}/transform`;
      await until(async () => {
        const { stages } = await readRun(client, first.workflowId);
        return (stages[0]?.done ?? 0) >= 50;
      });
      process.kill(pids()['worker-1'] ?? -1, 'SIGKILL');
      await client.workflow.getHandle(child).terminate('the machine is gone');
      await client.workflow.getHandle(first.workflowId).terminate('the machine is gone');
      const second = await startRun(client, root, { pipeline: 'all', interval });
      const { transform } = await resultOf(client, second);
      expect(transform).toMatchObject({ nodes: 200, failed: [], skipped: 0 });
      expect(transform?.reused).toBeGreaterThanOrEqual(50);
      expect((transform?.built ?? 0) + (transform?.reused ?? 0)).toBe(200);
      expect((await historySize(client, child)).largest).toBeLessThan(100_000);
    });
    const [sums] = await read<{ n: number }>('select count(*)::int as n from main.m_9_0');
    expect(sums).toEqual({ n: 20 });
  },
);

test(
  'an incremental model appends once, though its worker is killed after the commit and the answer is lost again',
  { timeout: 110_000 },
  async () => {
    const { root, read } = project({
      'models/events.sql': `{{ config(materialized='incremental', incremental_strategy='append') }}
        select i as id, '{{ interval_start }}' as day from range(10) t(i)`,
      'models/total.sql': `select count(*) as n from {{ ref('events') }}`,
    });
    const faults = [
      { activity: 'buildNode', when: 'after', do: 'kill' },
      { activity: 'buildNode', when: 'after', do: 'loseAnswer', times: 2 },
    ] as const;
    await withFaults(root, [...faults], async ({ client, happened }) => {
      for (const day of ['2026-01-05', '2026-01-06']) {
        const run = await startRun(client, root, { pipeline: 'all', interval: day });
        expect((await resultOf(client, run)).transform?.failed).toEqual([]);
      }
      expect(happened(0)).toHaveLength(1);
      expect(happened(1)).toHaveLength(2);
    });
    const days = await read(
      'select day[:10] as day, count(*)::int as n from main.events group by 1 order by 1',
    );
    expect(days).toEqual([
      { day: '2026-01-05', n: 10 },
      { day: '2026-01-06', n: 10 },
    ]);
  },
);
