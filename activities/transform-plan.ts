import { contentKey, sha256 } from '../engines/lake/content.js';
import type { ObjectStore } from '../engines/lake/store.js';
import type { TransformContext } from '../engines/dbt/transform.js';
import type { ObjectRef } from '../schemas/common.js';
import type { PlannedTransform, TransformInput } from '../schemas/run.js';
import type { PlanNode, TransformPlan } from '../schemas/transform.js';

/** What every node of a run works from, in the lake: any worker reads the same, and a history holds a reference. */
export interface PlanDocument {
  input: TransformInput;
  plan: TransformPlan;
  /** where the extracted streams were when the run was planned */
  sources: TransformContext['sources'];
}

/** Temporal keeps payloads of a hundred kilobytes easily, and every replay reads them again. */
const PAGE_BYTES = 60_000;
/** Beyond it a picture of the graph shows nothing any more. */
const LARGEST_GRAPH = 8_000;
const WARNINGS_TOLD = 20;

/** Puts a plan into the lake. @returns what the workflow needs to begin */
export async function storePlan(
  lake: ObjectStore,
  document: PlanDocument,
  lineage: boolean,
): Promise<PlannedTransform> {
  const { input, plan } = document;
  const body = Buffer.from(JSON.stringify(document));
  const uri = `transforms/${input.project.name}/${contentKey(document)}/plan.json`;
  await lake.put(uri, body);
  const pages = pagesOf(plan.nodes, input.wanted);
  return {
    ref: { uri, sha256: sha256(body), bytes: body.length },
    pages: pages.map(({ length }) => length),
    first: pages[0] ?? [],
    ...{ start: plan.start, end: plan.end, lineage },
    mermaid: plan.mermaid.length > LARGEST_GRAPH ? '' : plan.mermaid,
    warnings: plan.warnings.slice(0, WARNINGS_TOLD),
  };
}

export async function readPlan(lake: ObjectStore, ref: ObjectRef): Promise<PlanDocument> {
  return JSON.parse((await lake.get(ref.uri)).toString()) as PlanDocument;
}

/** The graph as the workflow walks it: relations only of what later stages ask for. */
export function pagesOf(nodes: readonly PlanNode[], wanted: readonly string[]): PlanNode[][] {
  const pages: PlanNode[][] = [];
  let page: PlanNode[] = [];
  let bytes = 0;
  for (const { relation, ...node } of nodes) {
    const shown = relation && wanted.includes(node.name) ? { ...node, relation } : node;
    const size = JSON.stringify(shown).length + 1;
    if (page.length === 0 || bytes + size > PAGE_BYTES) {
      pages.push((page = []));
      bytes = 0;
    }
    page.push(shown);
    bytes += size;
  }
  return pages;
}
