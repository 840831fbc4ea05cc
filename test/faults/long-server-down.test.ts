import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { connectTo } from '../../clients/connect.js';
import { applySchedules } from '../../clients/schedules.js';
import { workerEntry } from '../../clients/worker-entry.js';
import { anyFreePort } from '../../deploy/local/ports.js';
import { startStack } from '../../deploy/local/stack.js';
import { until } from '../support/shop-run.js';
import { makeHome } from '../support/stack.js';

const MINUTE = 60_000;
const root = mkdtempSync(join(tmpdir(), 'millrace-minute-'));
const home = makeHome();
afterAll(() => [root, home].forEach((folder) => rmSync(folder, { recursive: true, maxRetries: 5 })));

test('what fell due while the server was down is run once each, as soon as it is back', async () => {
  writeFileSync(
    join(root, 'millrace.ts'),
    `import { project } from 'millrace';
     export default project({ name: 'minute', pipelines: { daily: {} },
       schedules: { each: { pipeline: 'daily', cron: '* * * * *' } } });`,
  );
  const [port, uiPort, metricsPort] = [await anyFreePort(), await anyFreePort(), await anyFreePort()];
  const start = () =>
    startStack({ home, projects: [root], workerEntry: workerEntry(), port, uiPort, metricsPort });

  // begun well before a minute is full, so that none falls due but while the server is down
  if (Date.now() % MINUTE > 40_000) await sleep(MINUTE - (Date.now() % MINUTE));
  const first = await start();
  const before = await connectTo({ ...first, uiUrl: undefined });
  await applySchedules(before.client, root);
  const applied = Date.now();
  await before.close();
  await first.stop();
  const due = [1, 2].map((n) => (Math.floor(applied / MINUTE) + n) * MINUTE);
  await sleep((due[1] ?? 0) + 2_000 - Date.now());

  const second = await start();
  const { client, close } = await connectTo({ ...second, uiUrl: undefined });
  try {
    const started = async (): Promise<number[]> => {
      const times = [];
      for await (const run of client.workflow.list({ query: `TemporalScheduledById = 'minute.each'` }))
        if (run.status.name === 'COMPLETED')
          times.push(new Date(String(run.searchAttributes['TemporalScheduledStartTime']?.[0])).getTime());
      return times.filter((time) => due.includes(time)).sort();
    };
    await until(async () => (await started()).length >= due.length, { what: 'the missed runs', seconds: 40 });
    // nothing comes a second time
    await sleep(5_000);
    expect(await started()).toEqual(due);
  } finally {
    await close();
    await second.stop();
  }
});
