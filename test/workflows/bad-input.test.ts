import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectTo, type Connected } from '../../clients/connect.js';
import { runFailure } from '../../clients/failure.js';
import { resultOf, startRun } from '../../clients/runs.js';
import { workerEntry } from '../../clients/worker-entry.js';
import { makeShop, WEEKS, type Shop } from '../support/shop.js';
import { startTestStack } from '../support/stack.js';

export interface Case {
  name: string;
  spoil: (root: string) => void;
  pipeline?: string;
  interval?: string;
}

const WEEK_2 = `data/customers-${WEEKS[1]}.csv`;
const put = (root: string, path: string, text: string): void => writeFileSync(join(root, path), text);
const edit = (root: string, path: string, from: string | RegExp, to: string): void => {
  const text = readFileSync(join(root, path), 'utf8');
  const edited = text.replaceAll(from, to);
  if (edited === text) throw new Error(`${path} has no ${String(from)}`);
  put(root, path, edited);
};
const HEADER = 'customer_id,signup_date,region,visits,spend,week,renewed';
const MODEL = 'dbt/models/customer_week.sql';

const CASES: Case[] = [
  { name: 'empty', spoil: (root) => put(root, WEEK_2, '') },
  { name: 'header', spoil: (root) => put(root, WEEK_2, `${HEADER}\n`) },
  { name: 'delimiter', spoil: (root) => edit(root, WEEK_2, ',', ';') },
  { name: 'column', spoil: (root) => edit(root, WEEK_2, 'spend,', 'spent,') },
  { name: 'broken', spoil: (root) => edit(root, WEEK_2, /2025-/g, '20-') },
  { name: 'one_class', spoil: (root) => edit(root, MODEL, /renewed$/m, '1 as renewed') },
  { name: 'few_rows', spoil: (root) => edit(root, MODEL, /$/, ' where customer_id <= 8') },
  { name: 'nan', spoil: (root) => edit(root, MODEL, 'cast(spend as double)', "case when customer_id = 77 then 'nan'::double else cast(spend as double) end") },
  { name: 'inf', spoil: (root) => edit(root, MODEL, 'cast(spend as double)', 'cast(spend as double) / (customer_id - 77)') },
  { name: 'category', pipeline: 'serve', spoil: (root) => { edit(root, WEEK_2, /^(123,[^,]*),\w+,/m, '$1,mars,'); edit(root, 'dbt/models/schema.yml', "'west'", "'west', 'mars'"); } },
  { name: 'label', spoil: (root) => edit(root, 'millrace.ts', "label: 'renewed'", "label: 'renewd'") },
  { name: 'feature', spoil: (root) => edit(root, 'millrace.ts', "label: 'renewed'", "label: 'renewed', features: ['visits', 'spends']") },
  { name: 'gone_feature', pipeline: 'serve', spoil: (root) => edit(root, MODEL, /.*visits.*/, '') },
  { name: 'throws', spoil: (root) => edit(root, 'millrace.ts', 'export default', "throw new Error('no connection string');\nexport default") },
  { name: 'cyclic', spoil: (root) => edit(root, 'dbt/models/stg_customers.sql', "where week", "where customer_id not in (select region from {{ ref('regions') }}) and week") },
  { name: 'no_model', spoil: (root) => edit(root, MODEL, "ref('stg_customers')", "ref('stg_custmers')") },
  { name: 'no_source', spoil: (root) => edit(root, 'dbt/models/stg_customers.sql', "'crm', 'customers'", "'crm', 'clients'") },
  { name: 'future', interval: '2099-01-05', spoil: () => undefined },
  { name: 'sql_column', spoil: (root) => edit(root, MODEL, 'region,', 'regio,') },
  { name: 'sql_syntax', spoil: (root) => edit(root, MODEL, 'from {{', 'frm {{') },
  { name: 'jinja', spoil: (root) => edit(root, MODEL, "}}\nselect", "}}\n{% if x %}\nselect") },
  { name: 'undefined_macro', spoil: (root) => edit(root, MODEL, "region,", "{{ dbt_utilz.star() }},") },
  { name: 'cast', spoil: (root) => edit(root, MODEL, "region,", "cast(region as integer) as region,") },
  { name: 'dbt_test', spoil: (root) => edit(root, 'dbt/models/schema.yml', "'west'", "'wst'") },
  { name: 'no_yml', spoil: (root) => rmSync(join(root, 'dbt/dbt_project.yml')) },
  { name: 'bad_yml', spoil: (root) => edit(root, 'dbt/models/schema.yml', "models:", "models: [") },
  { name: 'no_file', interval: '2026-01-19', spoil: () => undefined },
  { name: 'duplicate_id', spoil: (root) => { edit(root, MODEL, 'customer_id,', 'customer_id // 2 as customer_id,'); edit(root, 'dbt/models/schema.yml', '[not_null, unique]', '[not_null]'); } },
];

let connected: Connected;
let stop: () => Promise<void>;
const shops = new Map<string, Shop>();

beforeAll(async () => {
  const base = makeShop();
  edit(base.root, 'millrace.ts', 'load: {', "serve: { cadence: 'week', extract: ['crm.*'], score: ['renewal'] },\n    load: {");
  const first = await startTestStack({ projects: [base.root], workerEntry: workerEntry() });
  const one = await connectTo({ address: first.address, namespace: first.namespace, uiUrl: undefined });
  let t = performance.now();
  await resultOf(one.client, await startRun(one.client, base.root, { pipeline: 'weekly', interval: WEEKS[0] }));
  console.log('base run', performance.now() - t);
  await one.close();
  await first.stop();
  for (const { name } of CASES) {
    const root = `${base.root}-${name}`;
    cpSync(base.root, root, { recursive: true, preserveTimestamps: true });
    edit(root, 'millrace.ts', "name: 'shop'", `name: 'shop_${name}'`);
    shops.set(name, { root, remove: () => rmSync(root, { recursive: true, force: true }) });
  }
  t = performance.now();
  const stack = await startTestStack({ projects: [...shops.values()].map(({ root }) => root), workerEntry: workerEntry() });
  console.log('stack', performance.now() - t);
  connected = await connectTo({ address: stack.address, namespace: stack.namespace, uiUrl: undefined });
  stop = async () => {
    await connected.close();
    await stack.stop();
  };
});
afterAll(async () => {
  await stop();
  for (const { remove } of shops.values()) remove();
});

describe.concurrent('probe', () => {
  test.each(CASES)('$name', async ({ name, spoil, pipeline = 'weekly', interval = WEEKS[1] }) => {
    const { root } = shops.get(name) as Shop;
    spoil(root);
    const t = performance.now();
    let text: string;
    try {
      const run = name === 'throws' ? { workflowId: 'x' } : await startRun(connected.client, root, { pipeline, interval });
      if (name === 'throws') await connected.client.workflow.start('pipeline', { workflowId: 'x', taskQueue: 'control', args: [{ root, pipeline, interval: { start: '2026-01-12T00:00:00Z', end: '2026-01-19T00:00:00Z' } }] });
      text = await resultOf(connected.client, run).then((r) => 'OK ' + JSON.stringify(r), (e) => { const f = runFailure(e); return `${f.type}: ${f.message}`; });
    } catch (e) { text = 'START ' + (e as Error).name + (e as Error).message; }
    console.log(`### ${name} ${((performance.now() - t) / 1000).toFixed(1)}s\n${text}`);
    expect(1).toBe(1);
  });
});
