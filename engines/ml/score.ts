import { availableParallelism } from 'node:os';
import type { ScorePolicy } from '../../schemas/predictor.js';
import type { PartitionScore } from '../../schemas/score.js';
import type { ObjectStore } from '../lake/store.js';
import { runInThread } from '../thread.js';
import { readArtifact, readOnnx } from './artifact.js';
import type { ScoreTask } from './score-thread.js';

export interface ScoreInput {
  store: ObjectStore;
  predictorName: string;
  /** the artifact that scores */
  hash: string;
  /** local Parquet with the id and every feature */
  inFile: string;
  /** local Parquet to write: id, score and, for a multiclass task, class */
  outFile: string;
  /** local Parquet to write when a row is quarantined: id and reason */
  quarantineFile: string;
  /** also says what becomes of a feature that is NaN or infinite */
  unknownCategory: ScorePolicy['unknownCategory'];
  /** for reading and writing; the model takes one core, so score a partition for each */
  threads?: number;
}

/**
 * Scores one partition in a thread, with the ONNX model. A row without an id is quarantined under every policy.
 *
 * @throws MillraceError UnknownCategory, NonFiniteFeature (policy `fail`), FeatureMissing, SchemaMismatch,
 * PredictorNotFound, ObjectCorrupt; the signal's reason after an abort
 */
export async function scorePartition(
  { store, predictorName, hash, threads = availableParallelism(), ...files }: ScoreInput,
  { signal }: { signal?: AbortSignal } = {},
): Promise<PartitionScore> {
  const artifact = await readArtifact(store, predictorName, hash);
  const onnx = await readOnnx(store, predictorName, hash, artifact);
  return runInThread<ScoreTask, PartitionScore>(
    new URL('./score-thread.js', import.meta.url),
    'scoreInThread',
    { ...files, artifact, onnx, threads },
    // partitions follow one another: the next one finds its libraries loaded and its code compiled
    { signal, keep: true },
  );
}
