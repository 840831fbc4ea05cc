import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import { MillraceError } from '../../../schemas/errors.js';
import { testAdapter, type Subject } from './adapter-suite.js';
import { testDbtProject } from './dbt-suite.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-duckdb-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SUBJECT: Omit<Subject, 'open'> = {
  values: `select 1 as small, 9007199254740993 as large, 12.50::decimal(6,2) as amount, 0.25::double as ratio,
    date '2024-02-29' as day, time '10:00:00' as clock, timestamp '2024-02-29 10:00:00.5' as moment,
    timestamptz '2024-02-29 10:00:00+01' as instant, true as yes, null as nothing, 'ü' as words,
    '{"a":1}'::json as document, '\\x00\\xFF'::blob as bytes`,
  endless: 'select count(*) from range(1000000) a, range(1000000) b where (a.range * b.range) % 7 = 3',
  transactionalDdl: true,
  tellsLine: true,
  conflicts: true,
};
testAdapter('DuckDB in memory', {
  ...SUBJECT,
  open: () => openDuckDb({ path: ':memory:', memoryLimit: '512MB' }),
});
let count = 0;
testAdapter('DuckDB in a file', {
  ...SUBJECT,
  open: () =>
    openDuckDb({ path: join(folder, `w${count++}`, 'warehouse.duckdb'), memoryLimit: '512MB', threads: 2 }),
});

testDbtProject('dbt on DuckDB', () => openDuckDb({ path: ':memory:', memoryLimit: '512MB' }));

const failure = async (open: Promise<unknown>): Promise<MillraceError> => {
  const cause = await open.catch((error: unknown) => error);
  expect(cause).toBeInstanceOf(MillraceError);
  return cause as MillraceError;
};

test('a file that another process holds names that process and the ways out', async () => {
  const path = join(folder, 'held.duckdb');
  const api = createRequire(import.meta.url).resolve('@duckdb/node-api');
  const script = `require(${JSON.stringify(api)}).DuckDBInstance.create(${JSON.stringify(path)}).then(() => { console.log('held'); setInterval(() => {}, 1000); })`;
  const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(holder.stdout, 'data');
    const error = await failure(openDuckDb({ path, memoryLimit: '512MB' }));
    expect(error.type).toBe('WarehouseBusy');
    expect(error.message).toContain(String(holder.pid));
    expect(error.fix).toMatch(/another path.*Snowflake/);
  } finally {
    holder.kill();
    await once(holder, 'exit');
  }
});

test('a file that is no database is reported as damaged', async () => {
  const path = join(folder, 'damaged.duckdb');
  writeFileSync(path, 'not a database '.repeat(1000));
  expect((await failure(openDuckDb({ path, memoryLimit: '512MB' }))).type).toBe('ObjectCorrupt');
});

test('times are UTC on every connection, and the schema is made', async () => {
  const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '512MB', schema: 'gold' });
  const zones = await Promise.all(
    Array.from({ length: 5 }, () => warehouse.query("select current_setting('TimeZone') as zone")),
  );
  expect(new Set(zones.flat().map(({ zone }) => zone))).toEqual(new Set(['UTC']));
  await warehouse.run('create table gold.t (a integer)');
  await warehouse.close();
});
