import { z } from 'zod';
import type { ObjectRef } from './common.js';
import type { DbtCommand, DbtFlags } from './dbt.js';
import { Interval } from './interval.js';
import type { ApprovalPolicy, Gate, Metrics, ScorePolicy } from './predictor.js';
import type { ProjectRef } from './project.js';
import type { ApprovalRecord } from './approval.js';
import type { PlanNode } from './transform.js';

/** What starts a `pipeline`. Without an interval it is the last complete one before the scheduled (or start) time. */
export const PipelineInput = z.strictObject({
  /** folder of the project */
  root: z.string().min(1),
  pipeline: z.string().min(1),
  interval: Interval.optional(),
  /** dbt selection that narrows the transform */
  select: z.string().optional(),
  /** `false` builds every node again, also those whose content is current */
  reuse: z.boolean().optional(),
});
export type PipelineInput = z.infer<typeof PipelineInput>;

/** The stages one run will go through, pinned to one snapshot of the project. */
export interface PipelinePlan {
  project: ProjectRef;
  pipeline: string;
  interval: Interval;
  warehouseQueue: string;
  streams: { source: string; stream: string; replicated: boolean }[];
  /** streams of a source that may be extracted at once */
  concurrency: Record<string, number>;
  transform: { select: string | boolean; concurrency: number } | null;
  train: TrainPlan[];
  score: { predictor: string; policy: ScorePolicy }[];
  /** relations that predictors read */
  gold: string[];
  /** the stages as a Mermaid graph, shown in the run's details */
  mermaid: string;
}

export interface TrainPlan {
  predictor: string;
  gate: Gate;
  approval: ApprovalPolicy;
}

interface StageInput {
  project: ProjectRef;
  interval: Interval;
  /** identity of the run that asked, for lineage */
  run: string;
}

export interface ExtractInput extends StageInput {
  source: string;
  stream: string;
  /** its changes come by a `replicate`: the run waits until bronze holds what there is now */
  replicated?: boolean;
  /** stamp of every row of this run, so that a retry writes the same bytes */
  extractedAt: string;
  /** where a continued run goes on */
  cursor?: { work: WorkList; next: number; totals: ExtractResult };
}

/** Units of work, kept in the lake: a history holds the reference only. */
export interface WorkList {
  ref: ObjectRef | null;
  units: number;
}

export interface ExtractResult {
  source: string;
  stream: string;
  batches: number;
  read: number;
  loaded: number;
  quarantined: number;
  filtered: number;
  bytes: number;
  /** values that the contract left out, where there are any */
  discarded?: number;
  /** columns that came, with variants, and those that became wider; absent without any, and for a stream's first load */
  columns?: { column: string; type: string; was?: string }[];
}

export interface TransformInput extends StageInput {
  warehouseQueue: string;
  select: string | boolean;
  concurrency: number;
  reuse: boolean;
  /** models that the later stages read */
  wanted: string[];
  /** that it is a stage of */
  pipeline?: string;
  /** dbt's command line; without it every selected node is built, and published after its tests */
  dbt?: DbtRun;
  /** where a continued run goes on */
  cursor?: TransformCursor;
}

/** A run that `millrace dbt` asked for: dbt's own order of things, without write-audit-publish. */
export interface DbtRun {
  command: DbtCommand;
  flags: DbtFlags;
  /** of the profile's target */
  schema: string;
  target: {
    name: string;
    threads: number;
    profile?: string | undefined;
    fields?: Record<string, unknown> | undefined;
  };
  /** ISO 8601 */
  startedAt: string;
  /** exactly these nodes, by unique_id: a retry */
  only?: string[];
}

/** A plan as a history holds it: the whole of it lies in the lake, the graph comes page by page. */
export interface PlannedTransform {
  ref: ObjectRef;
  /** of each page: how many nodes */
  pages: number[];
  first: PlanNode[];
  start: PlanNode[];
  end: PlanNode[];
  /** the project wants its lineage told */
  lineage: boolean;
  /** empty when it is too large to be looked at */
  mermaid: string;
  warnings: string[];
}

export interface TransformCursor {
  planned: Omit<PlannedTransform, 'first'>;
  /** one character a node: `.` not begun, `+` done, `-` failed */
  states: string;
  result: TransformResult;
}

export interface TransformResult {
  nodes: number;
  built: number;
  reused: number;
  passed: number;
  warned: number;
  failed: { id: string; status: string; message: string }[];
  skipped: number;
  rows: number;
  /** read by its statements, where the warehouse tells */
  bytes?: number;
  /** what a reader of the project should know; at most 20 */
  warnings: string[];
  /** the wanted relations as this run has published them */
  gold: Record<string, GoldRef>;
}

interface ReadsGold {
  warehouseQueue: string;
  /** what the transform of this run published: a relation that holds something else must not be read */
  gold: Record<string, GoldRef>;
}

/** A relation and the content key that it held when it was published. */
export interface GoldRef {
  schema: string;
  name: string;
  key: string;
}

export interface TrainInput extends StageInput, TrainPlan, ReadsGold {}

export const TRAIN_OUTCOMES = ['promoted', 'unchanged', 'gate rejected', 'rejected', 'timed out'] as const;
export type TrainOutcome = (typeof TRAIN_OUTCOMES)[number];

export interface TrainResult {
  predictor: string;
  outcome: TrainOutcome;
  version: number;
  hash: string;
  metrics: Metrics;
  /** the champion's, on the same hold-out */
  championMetrics: Metrics | null;
  championVersion: number | null;
  approval: ApprovalRecord | null;
}

export interface ScoreInput extends StageInput, ReadsGold {
  predictor: string;
  policy: ScorePolicy;
}

export interface ScoreResult {
  predictor: string;
  version: number;
  relation: string;
  rows: number;
  scored: number;
  quarantined: number;
  /** population stability index of the scores against training */
  scorePsi: number;
}

export interface PipelineResult {
  project: string;
  pipeline: string;
  interval: Interval;
  extract: ExtractResult[];
  transform: TransformResult | null;
  train: TrainResult[];
  score: ScoreResult[];
}

/** What the `progress` query tells of any stage, in the shape a terminal or page can draw. */
export interface Progress {
  stage: string;
  done: number;
  total: number;
  /** what is going on, e.g. node names or `awaiting approval of 3fa9…` */
  current: string[];
  rows: number;
  /** set while an answer is awaited */
  awaiting?: {
    predictor: string;
    hash: string;
    workflowId: string;
    deadline: string;
    /** of the candidate, and of the champion on the same hold-out */
    metrics: Metrics;
    championMetrics: Metrics | null;
  };
  /** answers to a waiting candidate so far, also those that did not count */
  answers?: ApprovalRecord[];
}

export const BackfillInput = z.strictObject({
  root: z.string().min(1),
  pipeline: z.string().min(1),
  /** the whole range, cut by the pipeline's cadence */
  range: Interval,
  /** runs at once */
  window: z.int().min(1).max(50).default(1),
  order: z.enum(['oldest', 'newest']).default('oldest'),
  /** only the intervals that a former backfill of this range could not finish */
  failedOnly: z.boolean().default(false),
  select: z.string().optional(),
  reuse: z.boolean().optional(),
});
export type BackfillInput = z.infer<typeof BackfillInput>;

export interface BackfillResult {
  intervals: number;
  succeeded: number;
  failed: { interval: Interval; message: string }[];
}
