import { z } from 'zod';
import { Duration, Name } from './common.js';

export const Task = z.enum(['binary', 'multiclass', 'regression']);
export type Task = z.infer<typeof Task>;

/** Metrics of each task; `logLoss`, `brier`, `mae`, `rmse` and `mape` are better when smaller. */
export const MetricName = z.enum([
  'auc',
  'logLoss',
  'f1',
  'precision',
  'recall',
  'brier',
  'accuracy',
  'mae',
  'rmse',
  'r2',
  'mape',
]);
export type MetricName = z.infer<typeof MetricName>;
export const Metrics = z.partialRecord(MetricName, z.number());
export type Metrics = z.infer<typeof Metrics>;

export const TrainParams = z.strictObject({
  /** boosting rounds at most; early stopping may end before */
  rounds: z.int().min(1).max(10_000).default(200),
  /** levels of a tree at most */
  depth: z.int().min(1).max(16).default(6),
  /** how much one round may correct */
  learningRate: z.number().gt(0).max(1).default(0.1),
  /** share of rows each round learns from */
  subsample: z.number().gt(0).max(1).default(1),
  /** share of columns each tree may use */
  columnSample: z.number().gt(0).max(1).default(1),
  /** least weight of the rows in a leaf */
  minChildWeight: z.number().min(0).default(1),
  /** L2 penalty on leaf values */
  lambda: z.number().min(0).default(1),
  /** L1 penalty on leaf values */
  alpha: z.number().min(0).default(0),
  /** least gain for a split */
  gamma: z.number().min(0).default(0),
  /** stop when the validation loss has not improved for this many rounds; 0 turns it off */
  earlyStopping: z.int().min(0).default(20),
  /** `balanced` weighs classes by inverse frequency; or a weight for each class */
  classWeights: z
    .union([z.literal('none'), z.literal('balanced'), z.record(z.string(), z.number().positive())])
    .default('none'),
  /** the same seed, rows and parameters give the same predictor */
  seed: z.int().min(0).default(7),
});
export type TrainParams = z.infer<typeof TrainParams>;

export const Gate = z.strictObject({
  /** metrics that must be at least this */
  min: Metrics.optional(),
  /** metrics that must be at most this */
  max: Metrics.optional(),
  /** on the same hold-out the candidate must be better than the champion by this margin */
  beatsChampion: z
    .strictObject({
      /** what to compare; whether more or less is better is known */
      metric: MetricName,
      /** 0: any improvement will do, an equal candidate will not */
      by: z.number().default(0),
    })
    .optional(),
});
export type Gate = z.infer<typeof Gate>;

export const ApprovalPolicy = z.strictObject({
  /** `replace`: whenever a champion would be replaced; `always`: for the first one, too */
  required: z.enum(['replace', 'always']).default('replace'),
  /** who may answer; empty means anybody who can reach the server */
  approvers: z.array(z.string().min(1)).default([]),
  /** without an answer by then the candidate is rejected */
  timeout: Duration.default('24h'),
});
export type ApprovalPolicy = z.infer<typeof ApprovalPolicy>;

export const ScorePolicy = z.strictObject({
  /** relation to score; by default the one that it was trained from */
  relation: z.string().min(1).optional(),
  /** rows in one partition, at the most about */
  partitionRows: z.int().min(1_000).default(250_000),
  /** partitions in work at once */
  window: z.int().min(1).max(200).default(4),
  /** a category that training never saw: stop the run, keep the row aside, or read it as missing */
  unknownCategory: z.enum(['fail', 'quarantine', 'missing']).default('fail'),
  /** the results relation; `<output>_qa` is published with it */
  output: Name.optional(),
});
export type ScorePolicy = z.infer<typeof ScorePolicy>;

export const Predictor = z.strictObject({
  /** what the label is: one of two, one of several, or a number */
  task: Task,
  /** gold relation: a model of the transform, or `schema.name` in the warehouse */
  relation: z.string().min(1),
  /** unique key of the rows */
  id: z.string().min(1),
  /** column to predict; rows without a value are scored, and not learned from */
  label: z.string().min(1),
  /**
   * of a binary text label: the value whose probability is the score. Numbers and booleans need none: the larger one,
   * true
   */
  positive: z.string().min(1).optional(),
  /** columns to learn from; by default all but id and label. Text columns are categories, booleans 0 and 1 */
  features: z.array(z.string().min(1)).min(1).optional(),
  /** columns never to learn from */
  exclude: z.array(z.string().min(1)).default([]),
  /** share of labelled rows kept for the evaluation, chosen by a hash of the id, so a row stays on its side */
  holdout: z.number().gt(0).lt(0.9).default(0.2),
  /** of XGBoost */
  params: TrainParams.default(TrainParams.parse({})),
  /** the rule a candidate must pass */
  gate: Gate.default({}),
  /** the human answer after the gate */
  approval: ApprovalPolicy.default(ApprovalPolicy.parse({})),
  /** how rows are scored and where results go */
  score: ScorePolicy.default(ScorePolicy.parse({})),
});
export type Predictor = z.infer<typeof Predictor>;
