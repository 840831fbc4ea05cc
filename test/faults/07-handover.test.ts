import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { currentBatches } from '../../engines/lake/current-batches.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import {
  AUDITED,
  bothSides,
  catchUp,
  impatientBundle,
  makeReplicaProject,
  write,
} from '../support/replica.js';
import { withFaults, type Fault } from '../support/shop-run.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

test(
  'written to while they are copied, by a worker that is killed in the copy and at its end, tables are what they are in the source and each change is told once',
  { timeout: 180_000 },
  async () => {
    await server.sql(AUDITED);
    const project = makeReplicaProject('handover', server.url);
    onTestFinished(project.remove);
    project.declare({ items: {}, pairs: {}, whole: {} }, { chunkRows: 200 });
    let stopped = false;
    const writers = [1, 2].map((seed) =>
      write(server.url, { seed, stopped: () => stopped, large: 500, pause: 30 }),
    );
    const commit = (n: number) => `db/_replication/_manifest/${String(n).padStart(12, '0')}.json`;
    const faults: Fault[] = [
      { lake: 'putIfAbsent', key: commit(4), when: 'before', do: 'kill' },
      { lake: 'putIfAbsent', key: commit(15), when: 'after', do: 'kill' },
      { activity: 'copyTables', when: 'after', do: 'kill' },
      { activity: 'streamChanges', when: 'before', do: 'kill' },
    ];
    let transactions = 0;
    await withFaults(
      project.root,
      faults,
      async ({ client, happened }) => {
        try {
          await catchUp(client, project.root);
        } finally {
          stopped = true;
          for (const count of await Promise.all(writers)) transactions += count;
        }
        for (const index of faults.keys()) expect(happened(index)).toHaveLength(1);
        await catchUp(client, project.root, '2026-01-06');
      },
      { MILLRACE_BUNDLE: impatientBundle(project.root) },
    );
    expect(transactions).toBeGreaterThan(100);
    const { streams } = await project.bronze();
    // the first two kills have left copies that are not complete, which nobody sees
    const batches = streams.get('items') ?? [];
    expect(new Set(batches.map(({ generation }) => generation?.id)).size).toBeGreaterThan(2);
    expect(new Set(currentBatches(batches).map(({ generation }) => generation?.id)).size).toBe(2);
    for (const { what, source, replica } of await bothSides(server.sql, project))
      expect(replica, what).toEqual(source);
  },
);
