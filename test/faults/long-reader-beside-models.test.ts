import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { loadTransform, type TransformContext } from '../../engines/dbt/transform.js';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../engines/warehouse/port.js';
import { makeTransform, type TransformProject } from '../support/transform-project.js';

const projects: TransformProject[] = [];
afterAll(() => projects.forEach((project) => project.remove()));

const ACCOUNTS = 20;
/** Each run moves money from one account to the next. A sum, a count and the number of the last run tell a part from the whole. */
const accounts = (strategy: string): string => `
  {{ config(materialized='incremental', unique_key='id', incremental_strategy='${strategy}') }}
  {% set n = var('n') %}
  {% if is_incremental() %}
    select id, amount + (case when id = {{ n % 20 }} then -5 else 5 end) as amount, {{ n }} as run
    from {{ this }} where id in ({{ n % 20 }}, {{ (n + 1) % 20 }})
  {% else %}
    select i as id, 100 as amount, {{ n }} as run from range(${ACCOUNTS}) t(i)
  {% endif %}`;

interface Way {
  strategy: string;
  merges: number;
  /** tests of it are an audit of rows that wait */
  audited: boolean;
}

test.each<Way>([
  { strategy: 'merge', merges: 1_000, audited: false },
  { strategy: 'delete+insert', merges: 100, audited: false },
  { strategy: 'merge', merges: 50, audited: true },
])(
  'a reader beside $merges runs of an incremental model ($strategy, audited: $audited) never sees a partial state',
  { timeout: 110_000 },
  async ({ strategy, merges, audited }) => {
    const project = makeTransform({
      'models/accounts.sql': accounts(strategy),
      ...(audited && {
        'models/schema.yml': 'models: [{ name: accounts, columns: [{ name: id, data_tests: [unique] }] }]\n',
      }),
    });
    projects.push(project);
    const warehouse = await openDuckDb({
      path: `${project.root}/w.duckdb`,
      memoryLimit: '512MB',
      threads: 1,
    });
    try {
      const once = (n: number): Promise<void> =>
        runOnce({
          ...{ dir: `${project.root}/dbt`, warehouse, schema: 'main', vars: { n }, sources: {} },
          ...{ run: `run-${n}`, audit: audited, ledger: audited },
          interval: { start: '2026-01-05T00:00:00Z', end: '2026-01-12T00:00:00Z' },
        });
      await once(0);
      const seen = new Set<number>();
      let running = true;
      const reader = (async () => {
        while (running) {
          seen.add(await look(warehouse));
          await sleep(2); // the cores are for the merges
        }
      })();
      try {
        for (let n = 1; n <= merges; n++) await once(n);
      } finally {
        running = false;
        await reader;
      }
      expect(await look(warehouse)).toBe(merges);
      expect(seen.size).toBeGreaterThan(merges / 20);
    } finally {
      await warehouse.close();
    }
  },
);

/** @returns the last run that is seen */
async function look(warehouse: Warehouse): Promise<number> {
  const [state] = await warehouse.query<{ last: number; touched: number }>(
    `select sum(amount)::int as total, count(*)::int as rows, max(run)::int as last,
       (count(*) filter (run = (select max(run) from main.accounts)))::int as touched from main.accounts`,
  );
  expect(state).toMatchObject({ total: 100 * ACCOUNTS, rows: ACCOUNTS });
  expect(state?.touched).toBe(state?.last === 0 ? ACCOUNTS : 2);
  return state?.last ?? 0;
}

async function runOnce(context: TransformContext): Promise<void> {
  const transform = await loadTransform(context);
  const { nodes } = transform.plan();
  for (const node of nodes) {
    if (node.audit !== undefined) continue;
    await transform.run(node.id);
    for (const audit of node.audits ?? []) await transform.run(nodes[audit]?.id ?? '');
    if (node.audits) await transform.publish(node.id);
  }
}
