import { test } from 'vitest';
import { startCuttingProxy } from './support/cutting-proxy.js';
import { startPostgres } from './support/postgres-server.js';
import { openPostgresWarehouse } from '../engines/warehouse/postgres.js';
test('x', { timeout: 200_000 }, async () => {
  const pg = await startPostgres();
  const proxy = await startCuttingProxy(pg.port);
  const url = new URL(pg.url);
  const w = await openPostgresWarehouse({ host: '127.0.0.1', port: proxy.port, database: 'postgres', user: url.username, password: url.password });
  for (const direction of ['up', 'down'] as const)
    for (const after of [0, 20, 100, 200, 300, 400, 500, 600, 800, 1000, 1300, 2000]) {
      proxy.cut({ after, direction, times: 2 });
      for (let i = 0; i < 3; i++) {
        const b = performance.now();
        const e = await w.transaction(async (s) => { await s.run('create table if not exists t(a int)'); await s.run('insert into t values (1)'); }).then(() => 'ok', (e) => `${e.type} ${e.message}`.slice(0, 90));
        console.log(direction, after, proxy.cuts, Math.round(performance.now() - b), e);
      }
    }
  proxy.heal();
  await w.close(); await proxy.close(); await pg.stop();
});
