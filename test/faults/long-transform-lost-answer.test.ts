import { afterAll, expect, test } from 'vitest';
import { resultOf, startRun } from '../../clients/runs.js';
import type { Row } from '../../engines/warehouse/port.js';
import { dbtWorkflow } from '../support/dbt-workflow.js';
import { withFaults, type Fault, type TestRun } from '../support/shop-run.js';
import { makeTransform, type TransformProject } from '../support/transform-project.js';

const projects: TransformProject[] = [];
afterAll(() => projects.forEach((project) => project.remove()));

/** Rows that count how often they were made: a second effect is seen, also of a merge that could be repeated. */
const counted = (config: string, more = ''): string => `
  {{ config(materialized='incremental', ${config}) }}
  select i as id, '{{ run_started_at }}' as run,
    {% if is_incremental() %}(select max(n) + 1 from {{ this }}){% else %}1{% endif %} as n ${more}
  from range(10) t(i)`;
const filesOf = (name: string): Record<string, string> => ({
  'dbt_project.yml': `name: ${name}
on-run-start: create table if not exists main.log (what varchar)
on-run-end: insert into main.log values ('end of {{ run_started_at }}')\n`,
  'models/hooked.sql': `{{ config(materialized='table', post_hook="insert into main.log values ('hook of {{ run_started_at }}')") }}
    select 1 as id`,
  'seeds/rates.csv': 'currency,rate\nEUR,1\nCHF,2\n',
  'models/appended.sql': counted("incremental_strategy='append'"),
  'models/merged.sql': counted("incremental_strategy='merge', unique_key='id'"),
  'models/replaced.sql': counted("incremental_strategy='delete+insert', unique_key='id'"),
  'models/daily.sql': counted(
    "incremental_strategy='microbatch', event_time='happened', begin='2026-01-02', batch_size='day'",
    ", cast('{% if model.batch %}{{ model.batch.event_time_start }}{% endif %}' as timestamptz) as happened",
  ),
  'snapshots/kept.sql': `{% snapshot kept %}
    {{ config(unique_key='id', strategy='check', check_cols='all') }}
    {% set there = load_relation(this) %}
    select 1 as id, {% if there %}(select count(*) + 1 from {{ this }}){% else %}1{% endif %} as n
    from {{ ref('rates') }} where currency = 'EUR'
  {% endsnapshot %}`,
});
const MODELS = ['appended', 'merged', 'replaced', 'daily', 'hooked'];
const NODES = [
  ...MODELS.map((name) => `model.shaken.${name}`),
  ...['seed.shaken.rates', 'operation.shaken.shaken-on-run-end-0'],
];
/** Of each node the answer is lost once; the worker that made the snapshot may be killed before it can give one. */
const faultsFor = (snapshot: 'kill' | 'loseAnswer'): Fault[] => [
  ...NODES.map((node): Fault => ({ activity: 'buildNode', node, when: 'after', do: 'loseAnswer' })),
  { activity: 'buildNode', node: 'snapshot.shaken.kept', when: 'after', do: snapshot },
];

const DAYS = ['2026-01-05', '2026-01-06'];
const ways: [string, (stack: TestRun, root: string, day: string) => Promise<void>][] = [
  [
    'a pipeline',
    async ({ client }, root, interval) => {
      const run = await startRun(client, root, { pipeline: 'all', interval });
      expect((await resultOf(client, run)).transform).toMatchObject({ failed: [], nodes: 7 });
    },
  ],
  [
    'millrace dbt',
    async (stack, root, day) => {
      const { records, failure } = await dbtWorkflow(stack, root, { startedAt: `${day}T00:00:00Z` });
      expect(failure).toBeNull();
      expect([...records.values()].map(({ result }) => result.status)).toEqual(Array(9).fill('success'));
    },
  ],
];

test.each(ways)(
  'by %s every kind of node has its effect once, though it is committed and the answer is lost',
  { timeout: 110_000 },
  async (way, run) => {
    const [shaken, calm] = ['shaken', 'calm'].map((name) => makeTransform(filesOf(name), { name })) as [
      TransformProject,
      TransformProject,
    ];
    projects.push(shaken, calm);
    const faults = faultsFor(way === 'millrace dbt' ? 'kill' : 'loseAnswer');
    await withFaults([shaken.root, calm.root], faults, async (stack) => {
      for (const { root } of [shaken, calm]) for (const day of DAYS) await run(stack, root, day);
      for (const [index] of faults.entries()) expect(stack.happened(index)).toHaveLength(1);
    });
    const seen = await Promise.all([shaken, calm].map(effects));
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]).toMatchObject({ appended: [{ times: 2, rows: 20 }], merged: [{ times: 2, rows: 10 }] });
    expect(seen[0]).toMatchObject({ kept: [{ times: 2, rows: 2 }], schemas: [] });
    // a pipeline does not build again what has not changed, and then there is nothing to hook on
    expect(seen[0]?.['log']).toHaveLength(way === 'millrace dbt' ? 4 : 3);
    if (way === 'millrace dbt') expect(seen[0]).toMatchObject({ ledger: [] });
  },
);

/** How often each relation was added to. */
async function effects({ read }: TransformProject): Promise<Record<string, Row[]>> {
  const found: Record<string, Row[]> = {};
  for (const name of ['appended', 'merged', 'replaced', 'daily', 'kept'])
    found[name] = await read(`select max(n)::int as times, count(*)::int as rows from main.${name}`);
  found['days'] = await read('select happened, count(*)::int as rows from main.daily group by 1 order by 1');
  found['log'] = await read('select * from main.log order by 1');
  found['rates'] = await read('select * from main.rates order by 1');
  found['schemas'] = await read(
    `select schema_name from information_schema.schemata
     where schema_name not in ('main', 'millrace', 'information_schema', 'pg_catalog')`,
  );
  found['left'] = await read(
    `select table_name from information_schema.tables where table_schema = 'main' order by 1`,
  );
  found['ledger'] = await read(
    `select schema_name from information_schema.schemata where schema_name = 'millrace'`,
  );
  return found;
}
