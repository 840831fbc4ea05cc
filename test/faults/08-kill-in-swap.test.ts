import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { publishedKey } from '../../engines/dbt/ledger.js';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';

const ENTRY = fileURLToPath(new URL('../support/swapper.mjs', import.meta.url));
const KILLS = 15;
const ROWS = 20_000;
const LOOK = 'select min(version)::int as low, max(version)::int as high, count(*)::int as n from main.live';
const root = mkdtempSync(join(tmpdir(), 'millrace-swap-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A dbt project of one tested table, all of whose rows say which version they are of. */
function writeDbt(): string {
  const dir = join(root, 'dbt');
  mkdirSync(join(dir, 'models'), { recursive: true });
  writeFileSync(join(dir, 'dbt_project.yml'), 'name: swaps\n');
  const select = `select {{ var('version') }} as version, range as n from range(${ROWS})`;
  writeFileSync(join(dir, 'models', 'live.sql'), `{{ config(materialized='table') }}\n${select}\n`);
  const schema = 'models: [{ name: live, columns: [{ name: n, data_tests: [not_null] }] }]\n';
  writeFileSync(join(dir, 'models', 'schema.yml'), schema);
  return dir;
}

/** Lets a process publish versions from `first` on, and kills it. @returns what it was about to publish, the last first */
async function publishUntilKilled(
  path: string,
  dir: string,
  first: number,
  after: number,
): Promise<Announced[]> {
  const child = spawn(process.execPath, [ENTRY, path, dir, String(first), LOOK], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child.stdout, 'data');
  await sleep(after);
  child.kill('SIGKILL');
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, output).toBeNull(); // it was killed, and had not stopped by itself because of a mix
  const lines = output.split('\n').slice(0, -1);
  return lines
    .map((line) => ({ version: Number(line.split(' ')[0]), key: line.split(' ')[1] ?? '' }))
    .reverse();
}

interface Announced {
  version: number;
  key: string;
}

test('a process killed 15 times while it swaps tables leaves each time the old or the new one, as the ledger says', async () => {
  const dir = writeDbt();
  const path = join(root, 'warehouse.duckdb');
  let live: Announced = { version: 0, key: '' };
  for (let kill = 0; kill < KILLS; kill++) {
    // spread over several publications, and over every moment of one
    const announced = await publishUntilKilled(path, dir, live.version + 1, 30 + ((kill * 37) % 200));
    const [last, former = live] = announced;

    const warehouse = await openDuckDb({ path, memoryLimit: '256MB' });
    try {
      const key = await publishedKey(warehouse, { schema: 'main', name: 'live' });
      if (key === undefined) {
        // killed in the very first publication: there was no old one
        expect(former.version).toBe(0);
        continue;
      }
      const [seen] = await warehouse.query<{ low: number; high: number; n: number }>(LOOK);
      expect(seen).toEqual({ low: seen?.low, high: seen?.low, n: ROWS });
      expect([last, former].filter((one) => one?.key === key)).toEqual([{ version: seen?.low, key }]);
      live = { version: seen?.low ?? 0, key };
      const left = await warehouse.query(
        `select table_name from information_schema.tables where table_schema = 'main' and table_name <> 'live'`,
      );
      expect(left.length).toBeLessThanOrEqual(kill + 1); // of the attempt that died: at most one
    } finally {
      await warehouse.close();
    }
  }
  expect(live.version).toBeGreaterThan(KILLS);
});
