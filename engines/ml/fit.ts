import { availableParallelism } from 'node:os';
import type { DatasetRef } from '../../schemas/dataset.js';
import { MillraceError } from '../../schemas/errors.js';
import type { Predictor } from '../../schemas/predictor.js';
import { Candidate, type Artifact } from '../../schemas/train.js';
import { contentKey } from '../lake/content.js';
import type { ObjectStore } from '../lake/store.js';
import { runInThread } from '../thread.js';
import { artifactBytes, artifactKey, writeArtifact } from './artifact.js';
import type { FitOutput, FitTask } from './fit-thread.js';
import { XGBOOST_VERSION } from './xgboost-library.js';
import type { Round } from './xgboost.js';

/** To be raised when the same inputs should give another predictor than before. */
const FIT_VERSION = 1;
const TOP = 20;

export interface FitInput {
  store: ObjectStore;
  predictorName: string;
  predictor: Predictor;
  dataset: DatasetRef;
  /** local paths of the dataset's files, in its order */
  files: string[];
  threads?: number;
}

/**
 * Trains a candidate in a thread and keeps its artifact. The same predictor and dataset find the artifact that is
 * there; of two that train it at once, one commits and both return that one.
 *
 * @throws MillraceError LabelInvalid, TooFewRows, FeatureMissing, FeatureInvalid, NonFiniteFeature, ModelMismatch,
 * LibraryMissing; the signal's reason after an abort, between two rounds
 */
export async function fit(
  { store, predictorName, predictor, dataset, files, threads = availableParallelism() }: FitInput,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (round: Round) => void } = {},
): Promise<Candidate> {
  const { task, id, label, features, exclude, holdout, params } = predictor;
  const declared = {
    ...{ task, id, label, exclude, holdout, params },
    ...(features && { features }),
    ...(predictor.positive !== undefined && { positive: predictor.positive }),
  };
  const inputs = contentKey(FIT_VERSION, XGBOOST_VERSION, declared, dataset.sha256);
  const key = `predictors/${predictorName}/fits/${inputs}.json`;
  const known = await readFit(store, key);
  if (known) return known;
  const fitted = await runInThread<FitTask, FitOutput>(
    new URL('./fit-thread.js', import.meta.url),
    'fitInThread',
    { predictor: declared, dataset, files, threads },
    { signal, onMessage: onProgress },
  );
  const hash = await writeArtifact(store, predictorName, fitted.artifact, fitted);
  const candidate = summarise(predictorName, hash, fitted.artifact);
  if (await store.putIfAbsent(key, Buffer.from(JSON.stringify(candidate)))) return candidate;
  return (await readFit(store, key)) ?? candidate;
}

function summarise(predictor: string, hash: string, artifact: Artifact): Candidate {
  const { metrics, params, rows, rounds, importances, dataset } = artifact;
  return {
    predictor,
    hash,
    artifact: {
      uri: artifactKey(predictor, hash),
      sha256: hash,
      bytes: artifactBytes(artifact).byteLength,
    },
    ...{ metrics, params, rows, rounds, dataset },
    importances: importances.slice(0, TOP),
  };
}

async function readFit(store: ObjectStore, key: string): Promise<Candidate | null> {
  try {
    return Candidate.parse(JSON.parse((await store.get(key)).toString('utf8')));
  } catch (error) {
    if (error instanceof MillraceError && error.type === 'ObjectMissing') return null;
    throw error;
  }
}
