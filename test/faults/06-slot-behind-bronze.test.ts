import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import {
  AUDITED,
  bothSides,
  catchUp,
  impatientBundle,
  letGoTooEarly,
  makeReplicaProject,
  watchSlot,
  write,
} from '../support/replica.js';
import { until, withFaults, type Fault } from '../support/shop-run.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

test(
  'killed before and after the commit of a flush and after its confirmation, the slot is never past bronze and each change is there once',
  { timeout: 180_000 },
  async () => {
    await server.sql(AUDITED);
    const project = makeReplicaProject('flushes', server.url);
    onTestFinished(project.remove);
    project.declare({ items: {}, pairs: {}, whole: {} });
    const at = (commit: number) =>
      ({
        lake: 'putIfAbsent',
        key: `db/_replication/_manifest/${String(commit).padStart(12, '0')}.json`,
        do: 'kill',
      }) as const;
    // the copies of the three tables are commits 1 to 3; a commit begins after the slot was moved past the one before
    const faults: Fault[] = [
      { ...at(5), when: 'before' },
      { ...at(15), when: 'after' },
      { ...at(25), when: 'before' },
      { ...at(35), when: 'after' },
    ];
    await withFaults(
      project.root,
      faults,
      async ({ client, happened }) => {
        await catchUp(client, project.root);
        const watch = await watchSlot(server.url, 'millrace_flushes_db', project);
        let stopped = false;
        const writers = [1, 2].map((seed) =>
          write(server.url, { seed, stopped: () => stopped, large: 60, truncates: 100 }),
        );
        try {
          for (const index of faults.keys())
            await until(() => happened(index).length === 1, { what: `kill ${index}`, seconds: 40 });
        } finally {
          stopped = true;
          await Promise.all(writers);
        }
        await catchUp(client, project.root, '2026-01-06');
        const seen = await watch.stop();
        expect(seen.length).toBeGreaterThan(20);
        expect(await letGoTooEarly(project, seen)).toEqual([]);
      },
      { MILLRACE_BUNDLE: impatientBundle(project.root) },
    );
    for (const { what, source, replica } of await bothSides(server.sql, project))
      expect(replica, what).toEqual(source);
  },
);
