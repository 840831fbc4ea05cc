import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { workerEntry } from '../../clients/worker-entry.js';
import { signal } from '../../deploy/local/processes.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import {
  AUDITED,
  AUDITED_TABLES,
  bothSides,
  catchUp,
  makeReplicaProject,
  write,
} from '../support/replica.js';
import { until, withFaults, type TestRun } from '../support/shop-run.js';

let server: PostgresServer;
beforeAll(async () => {
  // a reader that is silent for so long has lost its slot; by default after a minute
  server = await startPostgres({ settings: ['wal_sender_timeout=4s'] });
});
afterAll(() => server.stop());

/** A worker process beside those of the stack. @returns what ends it */
function spawnWorker({ address }: TestRun, queues: string): () => Promise<void> {
  const child = spawn(process.execPath, [workerEntry()], {
    env: { ...process.env, TEMPORAL_ADDRESS: address, MILLRACE_QUEUES: queues, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
}

test.each([
  ['copy', 1],
  ['flush of changes', 3],
])(
  'a worker that was paused before the commit of a %s, until another one had gone on, commits nothing when it wakes up',
  { timeout: 150_000 },
  async (_what, commit) => {
    const name = `zombie_${commit}`;
    const url = await server.database(name);
    const sql = (text: string) => server.sqlAt(url, text);
    await sql(AUDITED);
    const project = makeReplicaProject(name, url);
    onTestFinished(project.remove);
    project.declare({ items: {} });
    const stop = {
      lake: 'putIfAbsent',
      key: `db/_replication/_manifest/${String(commit).padStart(12, '0')}.json`,
      ...({ when: 'before', do: 'stop' } as const),
    };
    const work = async (stack: TestRun): Promise<void> => {
      const { client, happened } = stack;
      const ends = [spawnWorker(stack, 'control')];
      let stopped = false;
      let paused: number | undefined;
      const writer = write(url, { seed: commit, stopped: () => stopped, pause: 60 });
      try {
        const first = catchUp(client, project.root);
        await until(() => happened(0).length === 1, { what: 'the pause' });
        paused = Number(happened(0)[0]?.split(' ').at(-1));
        expect((await project.bronze()).version).toBe(commit - 1);
        ends.push(spawnWorker(stack, 'io'));
        await first;
        await until(async () => (await project.bronze()).version > commit + 5, { what: 'the takeover' });

        signal(paused, 'SIGCONT');
        const { version } = await project.bronze();
        await until(async () => (await project.bronze()).version > version + 5, { what: 'more changes' });
        stopped = true;
        await writer;
        await catchUp(client, project.root, '2026-01-06');
        expect(stack.pids()['worker-1']).toBe(paused);
        await stack.stop(); // ends the former zombie in order: whatever it still had to do, it has done
      } finally {
        stopped = true;
        if (paused !== undefined) signal(paused, 'SIGCONT');
        await Promise.all([writer, ...ends.map((end) => end())]);
      }
    };
    await withFaults(project.root, [stop], work, { MILLRACE_QUEUES: 'io' });

    const { streams } = await project.bronze();
    expect(streams.get('items')?.filter(({ generation }) => generation?.complete)).toHaveLength(1);
    const items = AUDITED_TABLES['items'] as (typeof AUDITED_TABLES)[string];
    for (const { what, source, replica } of await bothSides(sql, project, { items }))
      expect(replica, what).toEqual(source);
  },
);
