import { z } from 'zod';

/** Commands of `millrace dbt` that run or compile nodes, by dbt's names. */
export const DbtCommand = z.enum([
  'build',
  'run',
  'test',
  'seed',
  'snapshot',
  'compile',
  'show',
  'clone',
  'docs generate',
  'source freshness',
  'run-operation',
]);
export type DbtCommand = z.infer<typeof DbtCommand>;

/** dbt's command line, as far as it changes what a run does. What is left out has dbt's default. */
export const DbtFlags = z.strictObject({
  select: z.array(z.string()).optional(),
  exclude: z.array(z.string()).optional(),
  /** name of a selector in selectors.yml */
  selector: z.string().optional(),
  resourceTypes: z.array(z.string()).optional(),
  excludeResourceTypes: z.array(z.string()).optional(),
  indirectSelection: z.enum(['eager', 'cautious', 'buildable', 'empty']).optional(),
  /** drops and builds again what is incremental */
  fullRefresh: z.boolean().optional(),
  storeFailures: z.boolean().optional(),
  /** every ref and source reads no row */
  empty: z.boolean().optional(),
  failFast: z.boolean().optional(),
  /** warnings of these kinds are errors; `true` for all */
  warnError: z.union([z.boolean(), z.array(z.string())]).optional(),
  /** ISO dates: the batches of microbatch models */
  eventTimeStart: z.string().optional(),
  eventTimeEnd: z.string().optional(),
  /** folder with another run's manifest.json (and run_results.json, sources.json) */
  state: z.string().optional(),
  /** refs to what is not selected read the relations of `state` (or `deferState`) */
  defer: z.boolean().optional(),
  deferState: z.string().optional(),
  /** deferred relations are read even where this target has its own */
  favorState: z.boolean().optional(),
  /** builds what differs from production (`state`) beside it, under schemas of this name */
  environment: z.string().optional(),
  vars: z.record(z.string(), z.unknown()).optional(),
  /** of profiles.yml */
  target: z.string().optional(),
  threads: z.int().min(1).optional(),
  /** of `show`: rows told; of `compile` and `show`: a query that is no node */
  limit: z.int().optional(),
  inline: z.string().optional(),
  /** of `run-operation` */
  macro: z.string().optional(),
  args: z.record(z.string(), z.unknown()).optional(),
});
export type DbtFlags = z.infer<typeof DbtFlags>;
