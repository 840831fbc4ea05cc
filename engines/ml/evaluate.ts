import { availableParallelism } from 'node:os';
import type { Metrics, Predictor } from '../../schemas/predictor.js';
import type { ObjectStore } from '../lake/store.js';
import { runInThread } from '../thread.js';
import { readArtifact, readOnnx } from './artifact.js';
import type { EvaluateTask } from './evaluate-thread.js';

export interface EvaluateInput {
  store: ObjectStore;
  predictorName: string;
  /** the declaration whose id, label and hold-out tell the rows and the truth: the candidate's */
  predictor: Predictor;
  /** artifact to measure: the champion's */
  hash: string;
  /** local Parquet files */
  files: string[];
  threads?: number;
}

/**
 * Measures an artifact on the hold-out of a dataset: the same rows that a candidate trained on it was measured on.
 *
 * @throws MillraceError FeatureMissing, SchemaMismatch, LabelInvalid, PredictorNotFound, ObjectCorrupt
 */
export async function evaluate(
  { store, predictorName, predictor, hash, files, threads = availableParallelism() }: EvaluateInput,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Metrics> {
  const artifact = await readArtifact(store, predictorName, hash);
  const onnx = await readOnnx(store, predictorName, hash, artifact);
  const { id, label, holdout } = predictor;
  return runInThread<EvaluateTask, Metrics>(
    new URL('./evaluate-thread.js', import.meta.url),
    'evaluateInThread',
    { artifact, onnx, files, id, label, holdout, threads },
    { signal },
  );
}
