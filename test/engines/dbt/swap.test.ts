import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { RelationType } from '../../../engines/warehouse/port.js';

test('a reader beside 200 swaps sees each time one whole version, never none and never a mix', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-swap-'));
  const warehouse = await openDuckDb({ path: join(folder, 'w.duckdb'), memoryLimit: '512MB' });
  const relation = { schema: 'main', name: 'live' };
  await warehouse.run('create table live as select 0 as version, range as n from range(1000)');

  let swapping = true;
  const seen = new Set<number>();
  let last = 0;
  const reader = (async () => {
    while (swapping) {
      const [row] = await warehouse.query<{ low: number; high: number; n: number }>(
        'select min(version) as low, max(version) as high, count(*) as n from live',
      );
      expect(row?.low).toBe(row?.high);
      expect(row?.n).toBe(1000);
      expect(row?.low).toBeGreaterThanOrEqual(last);
      seen.add((last = row?.low ?? -1));
    }
  })();
  let type: RelationType = 'table';
  for (let version = 1; version <= 200; version++) {
    // now and then a view takes the place of a table, and the other way round
    const next: RelationType = version % 10 === 0 ? 'view' : 'table';
    const name = `live__audit_${version}`;
    await warehouse.run(
      `create ${next} ${name} as select ${version} as version, range as n from range(1000)`,
    );
    const former = type;
    await warehouse.replace({ schema: 'main', name, type: next }, relation, former);
    type = next;
  }
  swapping = false;
  await reader;
  expect(seen.size).toBeGreaterThan(20);
  await warehouse.close();
  rmSync(folder, { recursive: true });
});
