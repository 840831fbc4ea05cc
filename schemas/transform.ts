import { z } from 'zod';

export const NodeKind = z.enum(['model', 'seed', 'snapshot', 'test']);
export type NodeKind = z.infer<typeof NodeKind>;

/** One step of a transform. Nodes name one another by their index in the plan, which keeps it small. */
export const PlanNode = z.strictObject({
  /** dbt's unique_id: `model.shop.orders` */
  id: z.string(),
  name: z.string(),
  kind: NodeKind,
  materialized: z.string().optional(),
  /** of a model or seed: where it is published */
  relation: z.strictObject({ schema: z.string(), name: z.string() }).optional(),
  /** must be published (a test: be done) before this node starts */
  parents: z.array(z.int()),
  /** of a model or seed: the tests that run on its new rows before they are published */
  audits: z.array(z.int()).optional(),
  /** of such a test: the node whose new rows it reads */
  audit: z.int().optional(),
  severity: z.enum(['error', 'warn']).optional(),
});
export type PlanNode = z.infer<typeof PlanNode>;

export const TransformPlan = z.strictObject({
  /** every node comes after its parents */
  nodes: z.array(PlanNode),
  /** the graph as a Mermaid flow chart, without tests */
  mermaid: z.string(),
  /** what a reader should know, e.g. tests that are not run yet */
  warnings: z.array(z.string()),
});
export type TransformPlan = z.infer<typeof TransformPlan>;

/**
 * `success` built or published, `reused` already there for these inputs; tests `pass`, `warn` or `fail`.
 * `error` is given by whoever ran the node: the engine throws.
 */
export const NodeStatus = z.enum(['success', 'reused', 'pass', 'warn', 'fail', 'error']);
export type NodeStatus = z.infer<typeof NodeStatus>;

export const NodeResult = z.strictObject({
  id: z.string(),
  status: NodeStatus,
  /** hash of the node's SQL and inputs */
  key: z.string(),
  rows: z.int().optional(),
  /** of a test: what its fail_calc gave */
  failures: z.number().optional(),
  message: z.string().optional(),
  seconds: z.number(),
});
export type NodeResult = z.infer<typeof NodeResult>;
