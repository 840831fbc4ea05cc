import { expect, test } from 'vitest';
import { pagesOf } from '../../activities/transform-plan.js';
import type { PlanNode } from '../../schemas/transform.js';

const LARGEST = 100_000;

/** Models in layers of 50, each of which reads ten of the layer above, and a test of each. */
function plan(models: number): PlanNode[] {
  const nodes: PlanNode[] = [];
  for (let at = 0; at < models; at++) {
    const name = `a_model_with_a_name_as_long_as_they_are_in_large_projects_${at}`;
    const parents = at < 50 ? [] : Array.from({ length: 10 }, (_, next) => at - 50 + next);
    const relation = { database: 'analytics', schema: 'a_schema_of_a_department', name };
    nodes.push({ id: `model.a_large_project.${name}`, name, kind: 'model', parents, relation });
  }
  for (let at = 0; at < models; at++) {
    const name = `not_null_a_model_with_a_name_as_long_as_they_are_in_large_projects_${at}_a_column_name`;
    nodes.push({ id: `test.a_large_project.${name}.0123456789`, name, kind: 'test', parents: [at] });
  }
  return nodes;
}

test('a plan of 5,000 nodes comes in pages that a history takes, whole and in order', () => {
  const nodes = plan(2_500);
  const pages = pagesOf(nodes, []);
  for (const page of pages) expect(JSON.stringify(page).length).toBeLessThan(LARGEST);
  expect(pages.flat().map(({ id }) => id)).toEqual(nodes.map(({ id }) => id));
  expect(pages.flat().some(({ relation }) => relation !== undefined)).toBe(false);
});

test('only the relations that later stages ask for travel', () => {
  const nodes = plan(3);
  const [page] = pagesOf(nodes, [nodes[1]?.name ?? '']);
  expect(page?.map(({ relation }) => relation?.name)).toEqual(
    nodes.map(({ name }, at) => (at === 1 ? name : undefined)),
  );
});
