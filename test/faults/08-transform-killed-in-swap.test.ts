import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { makeTransform, type TransformProject } from '../support/transform-project.js';

const ENTRY = fileURLToPath(new URL('../support/grower.mjs', import.meta.url));
const KILLS = 10;

const projects: TransformProject[] = [];
afterAll(() => projects.forEach((project) => project.remove()));

/** Each version merges into all thousand rows and adds one; the snapshot closes five hundred rows and opens as many. */
const FILES = {
  'models/merged.sql': `{{ config(materialized='incremental', unique_key='id') }}
    select i as id, {{ var('version') }} as version from range(1000) t(i)
    union all select 1000 + {{ var('version') }}, {{ var('version') }}`,
  'models/schema.yml': 'models: [{ name: merged, columns: [{ name: id, data_tests: [unique] }] }]\n',
  'snapshots/kept.sql': `{% snapshot kept %}{{ config(unique_key='id', strategy='check', check_cols=['n']) }}
    select i as id, {{ var('version') }} as n from range(500) t(i)
  {% endsnapshot %}`,
  'snapshots/schema.yml':
    'snapshots: [{ name: kept, columns: [{ name: dbt_scd_id, data_tests: [unique] }] }]\n',
};

/** Lets a process run versions from `first` on, and kills it. @returns the last version that it began, and completed */
async function runUntilKilled(
  { root }: TransformProject,
  way: string,
  first: number,
  after: number,
): Promise<{ begun: number; done: number }> {
  const args = [ENTRY, `${root}/.millrace/warehouse.duckdb`, `${root}/dbt`, String(first), way];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  while (!output.includes('done') && child.exitCode === null) await once(child.stdout, 'data');
  await sleep(after);
  child.kill('SIGKILL');
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, output).toBeNull(); // it was killed, and had not stopped by itself
  const last = (word: string): number =>
    Number(
      output
        .match(new RegExp(`${word} (\\d+)`, 'g'))
        ?.at(-1)
        ?.split(' ')[1] ?? first - 1,
    );
  return { begun: last('begin'), done: last('done') };
}

test.each(['dbt', 'audited'])(
  'a process killed 10 times while it grows an incremental model and a snapshot (%s) leaves whole versions, once each',
  async (way) => {
    const project = makeTransform(FILES);
    projects.push(project);
    let first = 1;
    for (let kill = 0; kill < KILLS; kill++) {
      const { begun, done } = await runUntilKilled(project, way, first, (kill * 53) % 290);
      const [state] = await project.read<{ n: number; low: number; high: number; added: number }>(
        `select count(*) filter (id < 1000)::int as n, min(version) filter (id < 1000)::int as low,
           max(version)::int as high, count(*) filter (id > 1000)::int as added from main.merged`,
      );
      // the version that was under way is there or not, and all before it are
      expect([done, begun]).toContain(state?.high);
      expect(state).toMatchObject({ n: 1000, low: state?.high, added: state?.high });
      const kept = await project.read<{ n: number; rows: number; open: number }>(
        `select n::int as n, count(*)::int as rows, count(*) filter (dbt_valid_to is null)::int as open
         from main.kept group by 1 order by 1`,
      );
      const latest = kept.at(-1)?.n ?? 0;
      expect([done, begun]).toContain(latest);
      expect(kept).toEqual(
        Array.from({ length: latest }, (_, at) => ({
          n: at + 1,
          rows: 500,
          open: at + 1 === latest ? 500 : 0,
        })),
      );
      // a killed version is run again by the next process, as its retry
      first = done + 1;
    }
    expect(first).toBeGreaterThan(KILLS);
    const tables = await project.read(
      `select table_name as name from duckdb_tables() where schema_name = 'main' and not contains(table_name, '__audit_')`,
    );
    expect(tables.map(({ name }) => name).sort()).toEqual(['kept', 'merged']);
  },
);
