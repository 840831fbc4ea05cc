import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import type { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { expect, test } from 'vitest';
import { BUNDLE } from '../support/workflow-env.js';

type History = temporal.api.history.v1.IHistory;
const FOLDER = fileURLToPath(new URL('../histories', import.meta.url));
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

const load = (file: string): History => historyFromJSON(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')));

/** Under the id that it had: the ids of children are made from it. */
const replay = (history: History): Promise<void> => {
  const id = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? undefined;
  return Worker.runReplayHistory({ workflowBundle: { codePath: BUNDLE } }, history, id);
};

test('there is a recorded history of every workflow', () => {
  const types = new Set(files.map((file) => file.split('-')[0]));
  expect([...types].sort()).toEqual([
    'backfill',
    'extract',
    'pipeline',
    'replicate',
    'score',
    'train',
    'transform',
  ]);
});

test.each(files)('today’s code replays %s', async (file) => {
  await replay(load(file));
});

test('an unguarded change of a workflow is stopped by the replay', async () => {
  const file = files.find((name) => name.startsWith('train-')) ?? '';
  const history = load(file);
  // a step that the code of that time did not have, in the place of the first one
  const first = history.events?.find((event) => event.activityTaskScheduledEventAttributes);
  if (first?.activityTaskScheduledEventAttributes?.activityType)
    first.activityTaskScheduledEventAttributes.activityType.name = 'somethingElse';
  await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
});
