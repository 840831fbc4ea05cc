import { describe, expect, test } from 'vitest';
import { QUEUES } from '../../schemas/queues.js';
import type { ExtractInput, ExtractResult } from '../../schemas/run.js';
import { loadManyFiles } from '../support/many-files.js';
import { workflowEnv } from '../support/workflow-env.js';

test(
  'a stream of 3,000 files is loaded in groups: each file once, few events, little memory',
  { timeout: 110_000 },
  async () => {
    const { msPerFile, memory, events } = await loadManyFiles(3_000);
    expect(events).toBeLessThan(4_096);
    expect(memory.late).toBeLessThan(700);
    // with other tests beside it; alone it is a third of that
    expect(msPerFile).toBeLessThan(30);
  },
);

describe('a stream of so many groups that no history holds them', () => {
  const env = workflowEnv();
  const UNITS = 900;

  test('goes on in a new history before 4,096 events, and each group is loaded once', async () => {
    const loaded: number[] = [];
    const one = { batches: 1, read: 3, loaded: 2, quarantined: 1, filtered: 0, bytes: 10 };
    const activities = {
      planLoad: () => ({ ref: null, units: UNITS }),
      loadUnit: ({ source, stream, unit }: ExtractInput & { unit: number }): ExtractResult => {
        loaded.push(unit);
        return { source, stream, ...one };
      },
    };
    const input: ExtractInput = {
      project: { name: 'many', root: '/nowhere', lake: '/nowhere', hash: '0' },
      interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-06T00:00:00Z' },
      ...{ run: 'run-1', source: 'drop', stream: 'events', extractedAt: '2026-01-06T00:00:00Z' },
    };
    const workflowId = 'many/extract.drop.events';
    const result = await env.withWorker([QUEUES.control, QUEUES.io], activities, () =>
      env.client.workflow.execute('extract', { workflowId, taskQueue: QUEUES.control, args: [input] }),
    );
    expect(result).toMatchObject({ batches: UNITS, read: 3 * UNITS, loaded: 2 * UNITS, quarantined: UNITS });
    expect(loaded.sort((a, b) => a - b)).toEqual(Array.from({ length: UNITS }, (_, unit) => unit));
    const histories: number[] = [];
    for await (const { historyLength } of env.client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
      histories.push(historyLength);
    expect(histories.length).toBeGreaterThan(1);
    expect(Math.max(...histories)).toBeLessThan(4_096);
  });
});
