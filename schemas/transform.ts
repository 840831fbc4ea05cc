import { z } from 'zod';

export const NodeKind = z.enum([
  'model',
  'seed',
  'snapshot',
  'test',
  'unit_test',
  'operation',
  'analysis',
  'source',
  'exposure',
  'saved_query',
]);
export type NodeKind = z.infer<typeof NodeKind>;

/** One step of a transform. Nodes name one another by their index in the plan, which keeps it small. */
export const PlanNode = z.strictObject({
  /** dbt's unique_id: `model.shop.orders` */
  id: z.string(),
  name: z.string(),
  kind: NodeKind,
  materialized: z.string().optional(),
  /** of a model, seed or snapshot: where it is published */
  relation: z
    .strictObject({ database: z.string().optional(), schema: z.string(), name: z.string() })
    .optional(),
  /** must be published (a test: have passed) before this node starts */
  parents: z.array(z.int()),
  /** of a model, seed or snapshot: the tests that run on its new rows before they are published */
  audits: z.array(z.int()).optional(),
  /** of such a test: the node whose new rows it reads */
  audit: z.int().optional(),
  severity: z.enum(['error', 'warn']).optional(),
});
export type PlanNode = z.infer<typeof PlanNode>;

export const TransformPlan = z.strictObject({
  /** every node comes after its parents */
  nodes: z.array(PlanNode),
  /** hooks of the whole run, before the first node and after the last */
  start: z.array(PlanNode),
  end: z.array(PlanNode),
  /** the graph as a Mermaid flow chart, without tests */
  mermaid: z.string(),
  /** what a reader should know though nothing stops the run */
  warnings: z.array(z.string()),
});
export type TransformPlan = z.infer<typeof TransformPlan>;

/**
 * `success` built or published, `partial success` some batches of it, `reused` already there for these inputs; tests
 * `pass`, `warn` or `fail`; `skipped` because of something above; `no-op` for what has nothing to run.
 * `error` and `skipped` are given by whoever ran the node: the engine throws.
 */
export const NodeStatus = z.enum([
  'success',
  'partial success',
  'reused',
  'pass',
  'warn',
  'fail',
  'error',
  'skipped',
  'no-op',
]);
export type NodeStatus = z.infer<typeof NodeStatus>;

export const NodeResult = z.strictObject({
  id: z.string(),
  status: NodeStatus,
  /** hash of the node's SQL and inputs; empty where none was worked out */
  key: z.string(),
  rows: z.int().optional(),
  /** read by its statements, where the warehouse tells */
  bytes: z.int().optional(),
  /** the warehouse's ids of its statements */
  queryIds: z.array(z.string()).optional(),
  /** of a test: what its fail_calc gave */
  failures: z.number().optional(),
  message: z.string().optional(),
  seconds: z.number(),
});
export type NodeResult = z.infer<typeof NodeResult>;

/** What a node's run leaves for the artifacts, beside its result; kept out of histories. */
export interface NodeRecord {
  result: NodeResult;
  /** ISO 8601, with microseconds as dbt writes them */
  compileStarted: string;
  compileCompleted: string;
  executeStarted: string;
  executeCompleted: string;
  compiled: string | null;
  /** the statements that made it, DDL included */
  built?: string;
  relationName: string | null;
  /** dbt's adapter_response: `_message`, `rows_affected`, `query_id` … */
  response: Record<string, unknown>;
  /** of a microbatch model: intervals `[start, end]` in ISO 8601 */
  batches: { successful: [string, string][]; failed: [string, string][] } | null;
  /** of `source freshness` */
  freshness?: { maxLoadedAt: string; snapshottedAt: string; age: number; criteria: unknown };
  /** of `show` */
  rows?: { columns: string[]; rows: unknown[][] };
}
