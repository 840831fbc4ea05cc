import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import {
  AUDITED,
  AUDITED_TABLES,
  bothSides,
  catchUp,
  chance,
  impatientBundle,
  letGoTooEarly,
  makeReplicaProject,
  watchSlot,
  write,
} from '../support/replica.js';
import { until, withFaults } from '../support/shop-run.js';

const KILLS = Number(process.env['MILLRACE_FAULT_ROUNDS'] ?? 50);

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

test(
  `a worker killed at ${KILLS} random moments loses no change and tells none twice, whatever is done to the tables`,
  { timeout: 120_000 + KILLS * 15_000 },
  async () => {
    await server.sql(AUDITED);
    const project = makeReplicaProject('killed', server.url);
    onTestFinished(project.remove);
    project.declare(
      { items: { contract: 'evolve' }, pairs: {}, whole: {} },
      { flushChanges: 2_000, chunkRows: 500 },
    );
    const next = chance(20_261_121);
    const commits = async (): Promise<number> => (await project.bronze()).version;
    const rounds: { ms: number; commits: number }[] = [];
    await withFaults(
      project.root,
      [],
      async ({ client, pids }) => {
        let stopped = false;
        const writers = [1, 2].map((seed) =>
          write(server.url, { seed, stopped: () => stopped, large: 250, truncates: 400, pause: 100 }),
        );
        const first = catchUp(client, project.root);
        first.catch(() => undefined); // it is awaited below
        await until(async () => (await commits()) > 0, { what: 'the first commit' });
        const watch = await watchSlot(server.url, 'millrace_killed_db', project);
        try {
          while (rounds.length < KILLS) {
            const [began, before] = [Date.now(), await commits()];
            // most of them after it has got on; some before it has begun to
            if (next(5) > 0)
              await until(async () => (await commits()) > before + next(8), { what: 'a commit' });
            await sleep(next(700));
            const pid = pids()['worker-1'];
            if (pid === undefined) continue;
            process.kill(pid, 'SIGKILL');
            rounds.push({ ms: Date.now() - began, commits: (await commits()) - before });
            if (rounds.length === Math.ceil(KILLS / 2))
              await server.sql('ALTER TABLE items ADD COLUMN extra int');
            if (rounds.length > KILLS / 2)
              await server.sql(`UPDATE items SET extra = ${rounds.length} WHERE id % 50 = ${next(50)}`);
          }
        } finally {
          stopped = true;
          await Promise.all(writers);
        }
        await first;
        await catchUp(client, project.root, '2026-01-06');
        expect(await letGoTooEarly(project, await watch.stop())).toEqual([]);
      },
      { MILLRACE_BUNDLE: impatientBundle(project.root) },
    );
    expect(rounds.filter((round) => round.commits > 0).length).toBeGreaterThan(KILLS / 2);
    const { items, ...others } = AUDITED_TABLES;
    const tables = { ...others, items: { key: ['id'], content: [...(items?.content ?? []), 'extra'] } };
    for (const { what, source, replica } of await bothSides(server.sql, project, tables))
      expect(replica, what).toEqual(source);
  },
);
