import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { scaffoldProject } from '../../clients/scaffold/scaffold.js';
import { loadTransform } from '../../engines/dbt/transform.js';
import { loadProject } from '../../engines/project/load.js';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';
import { root } from './pages.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The n-th block of code in a language. */
function block(language: string, n = 0): string {
  const found = [...readme.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].filter((match) => match[1] === language);
  return found[n]?.[2] ?? '';
}

test("what the README's reader types is a project, and its models are planned with their tests", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { root: project } = await scaffoldProject(join(folder, 'sales'));
  const files = {
    'millrace.ts': block('ts'),
    'dbt/models/staging/stg_subscribers.sql': block('sql', 0),
    'dbt/models/marts/subscriber_features.sql': block('sql', 1),
    'dbt/models/subscribers.yml': block('yaml'),
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }

  const { spec } = await loadProject(project);
  expect(Object.keys(spec.predictors)).toEqual(['renewal']);

  const warehouse = await openDuckDb({ path: join(folder, 'warehouse.duckdb'), memoryLimit: '256MB' });
  onTestFinished(() => warehouse.close());
  const relation = (schema: string, name: string) => ({ relation: { schema, name }, key: '1' });
  const transform = await loadTransform({
    ...{ dir: join(project, 'dbt'), warehouse, schema: 'main', vars: {}, run: 'readme' },
    interval: { start: '2025-09-01T00:00:00Z', end: '2025-09-08T00:00:00Z' },
    sources: {
      'shop.orders': relation('shop', 'orders'),
      'crm.subscribers': relation('crm', 'subscribers'),
    },
    select: spec.pipelines['weekly']?.transform,
  });
  const { nodes } = transform.plan();
  expect(nodes.filter(({ kind }) => kind === 'model').map(({ name }) => name)).toEqual([
    'stg_subscribers',
    'subscriber_features',
  ]);
  expect(nodes.filter(({ kind }) => kind === 'test')).toHaveLength(4);
});
