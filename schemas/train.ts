import { z } from 'zod';
import { ObjectRef } from './common.js';
import { DatasetRef } from './dataset.js';
import { Metrics, Task, TrainParams } from './predictor.js';

/**
 * How a value is distributed: a bin below the first edge, one from each edge up, and a last one for missing values.
 * `shares` sum to 1.
 */
export const Distribution = z.strictObject({ edges: z.array(z.number()), shares: z.array(z.number()) });
export type Distribution = z.infer<typeof Distribution>;

/** One input of a predictor: how its column is read, and what training saw in it. */
export const Feature = z.strictObject({
  name: z.string(),
  kind: z.enum(['numeric', 'boolean', 'category']),
  /** type of the column, as DuckDB writes it */
  type: z.string(),
  /** a category's values; the place in the list is its code. Commonest first */
  categories: z.array(z.string()),
  /** of the encoded values; null when all were missing */
  range: z.strictObject({ min: z.number(), max: z.number() }).nullable(),
  /** of the encoded values, in the training rows */
  reference: Distribution,
});
export type Feature = z.infer<typeof Feature>;

/** How rows become numbers, fitted on the training rows only. */
export const Encoder = z.strictObject({
  features: z.array(Feature).min(1),
  /** names of the classes by number, the second being the positive one of two; empty for a regression */
  classes: z.array(z.string()),
});
export type Encoder = z.infer<typeof Encoder>;

/** `predictor.json` of an artifact: everything about a trained predictor but its trees. Its hash names the artifact. */
export const Artifact = z.strictObject({
  task: Task,
  id: z.string(),
  label: z.string(),
  encoder: Encoder,
  params: TrainParams,
  /** boosting rounds kept, and those that were run until early stopping ended it */
  rounds: z.int(),
  roundsRun: z.int(),
  rows: z.strictObject({ train: z.int(), validation: z.int(), holdout: z.int(), unlabelled: z.int() }),
  /** share of the labelled rows in the hold-out */
  holdout: z.number(),
  /** on the hold-out */
  metrics: Metrics,
  /** average gain of a split, largest first, for the features that have one */
  importances: z.array(z.strictObject({ feature: z.string(), gain: z.number() })),
  /** scores of the hold-out */
  scores: Distribution,
  dataset: DatasetRef,
  xgboost: z.string(),
  /** SHA-256 of the files beside it */
  files: z.strictObject({ onnx: z.string(), ubj: z.string() }),
});
export type Artifact = z.infer<typeof Artifact>;

/** The predictor just trained, small enough for a history. */
export const Candidate = z.strictObject({
  predictor: z.string(),
  /** SHA-256 of its `predictor.json`, which names its models: what an approval is for */
  hash: z.string(),
  artifact: ObjectRef,
  metrics: Metrics,
  params: TrainParams,
  rows: Artifact.shape.rows,
  rounds: z.int(),
  /** the 20 most important */
  importances: Artifact.shape.importances,
  dataset: DatasetRef,
});
export type Candidate = z.infer<typeof Candidate>;
