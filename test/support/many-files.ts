import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { resultOf, startRun } from '../../clients/runs.js';
import { makeProject } from './extract-project.js';
import { withFaults, type TestRun } from './shop-run.js';

const ROWS = 2;
const DAY = '2026-01-05';
const STREAM = 'drop.events';

interface ManyFiles {
  /** milliseconds for each file of the run */
  msPerFile: number;
  /** of the worker, in megabytes, after a tenth of the files and at the end; nothing where the system doesn't tell */
  memory: { early: number; late: number };
  /** events of the longest history of the extraction, and how many it had */
  events: number;
  histories: number;
}

/** Loads so many tiny files by one run, and asserts that each is in, once and whole. */
export async function loadManyFiles(files: number): Promise<ManyFiles> {
  const project = makeProject(
    {
      drop: {
        ...{ kind: 'files', root: 'in' },
        streams: { events: { path: '**/*.csv', columns: { id: 'int64', name: 'text' } } },
      },
    },
    'many',
  );
  for (let folder = 0; folder * 1_000 < files; folder++) {
    const path = join(project.root, 'in', String(folder).padStart(4, '0'));
    mkdirSync(path, { recursive: true });
    for (let n = folder * 1_000; n < Math.min(files, (folder + 1) * 1_000); n++) {
      const rows = Array.from({ length: ROWS }, (_, row) => `${n * ROWS + row},event ${n}\n`);
      writeFileSync(join(path, `${String(n).padStart(6, '0')}.csv`), `id,name\n${rows.join('')}`);
    }
  }
  try {
    return await withFaults(project.root, [], async (stack) => {
      const { client } = stack;
      const started = performance.now();
      const run = await startRun(client, project.root, { pipeline: 'drop_events', interval: DAY });
      let early = 0;
      const watch = setInterval(() => {
        if (performance.now() - started > files / 4) early ||= residentMemory(stack);
      }, 500);
      const result = await resultOf(client, run).finally(() => clearInterval(watch));
      const seconds = (performance.now() - started) / 1000;
      const late = residentMemory(stack);
      expect(result.extract).toMatchObject([
        { batches: files, read: files * ROWS, loaded: files * ROWS, quarantined: 0 },
      ]);
      const batches = await project.batches(STREAM);
      expect(new Set(batches.map(({ source: { file } }) => file)).size).toBe(files);
      expect(batches).toHaveLength(files);
      const histories: number[] = [];
      const query = `WorkflowId = '${run.workflowId}/extract.${STREAM}'`;
      for await (const { historyLength } of client.workflow.list({ query })) histories.push(historyLength);
      return {
        msPerFile: (1000 * seconds) / files,
        memory: { early, late },
        events: Math.max(...histories),
        histories: histories.length,
      };
    });
  } finally {
    project.remove();
  }
}

function residentMemory({ pids }: TestRun): number {
  try {
    const status = readFileSync(`/proc/${pids()['worker-1']}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
