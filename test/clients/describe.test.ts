import { expect, test } from 'vitest';
import { describeResult } from '../../clients/cli/describe.js';
import type { PipelineResult } from '../../schemas/run.js';

test('the summary of a run tells which columns came or widened, and what was left out', () => {
  const result = {
    interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-06T00:00:00Z' },
    extract: [
      {
        ...{ source: 'crm', stream: 'orders', batches: 1, read: 4, loaded: 4, quarantined: 0, filtered: 0 },
        ...{ bytes: 10, discarded: 1_200 },
        columns: [
          { column: 'n__variant', type: 'text' },
          { column: 'net', type: 'decimal(20,1)', was: 'int64' },
        ],
      },
    ],
    ...{ transform: null, train: [], score: [] },
  } as unknown as PipelineResult;
  const lines = describeResult(result).join('\n');
  expect(lines).toContain('1,200 values left out by the contract');
  expect(lines).toContain('1 column new: n__variant (text)');
  expect(lines).toContain('1 column wider: net (int64 → decimal(20,1))');
});
