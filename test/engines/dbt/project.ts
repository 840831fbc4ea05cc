import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadTransform, type Transform, type TransformContext } from '../../../engines/dbt/transform.js';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { NodeResult } from '../../../schemas/transform.js';

export type Files = Record<string, string>;

/** Writes a dbt project into a folder of its own, which goes when the test ends. */
export function writeProject(files: Files): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-dbt-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  putFiles(dir, { 'dbt_project.yml': 'name: shop\n', ...files });
  return dir;
}

export function putFiles(dir: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
}

export async function openMemory(): Promise<Warehouse> {
  const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '512MB' });
  onTestFinished(() => warehouse.close());
  return warehouse;
}

export const context = (
  dir: string,
  warehouse: Warehouse,
  more: Partial<TransformContext> = {},
): TransformContext => ({
  ...{ dir, warehouse, schema: 'main', vars: {}, sources: {}, run: 'run-1' },
  interval: { start: '2024-03-01T00:00:00Z', end: '2024-03-02T00:00:00Z' },
  ...more,
});

/** Does what the workflow does, one node after the other. @returns status of every node that ran, by name */
export async function runAll(given: TransformContext): Promise<Record<string, NodeResult['status']>> {
  const transform = await loadTransform(given);
  return runPlan(transform);
}

export async function runPlan(transform: Transform): Promise<Record<string, NodeResult['status']>> {
  const { nodes } = transform.plan();
  const statuses: Record<string, NodeResult['status']> = {};
  const failed = new Set<number>();
  for (const [index, node] of nodes.entries()) {
    if (node.audit !== undefined) continue;
    if (node.parents.some((parent) => failed.has(parent))) {
      failed.add(index);
      continue;
    }
    const { result: built } = await transform.run(node.id);
    statuses[node.name] = built.status;
    if (built.status === 'fail') failed.add(index);
    let passed = true;
    for (const audit of node.audits ?? []) {
      const test = nodes[audit];
      if (!test) continue;
      const { result: verdict } = await transform.run(test.id);
      statuses[test.name] = verdict.status;
      if (verdict.status === 'fail') passed = false;
    }
    if (!passed) failed.add(index);
    else if (node.audits && built.status !== 'reused') await transform.publish(node.id);
  }
  return statuses;
}
