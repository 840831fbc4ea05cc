import { setImmediate } from 'node:timers/promises';
import type { Task, TrainParams } from '../../schemas/predictor.js';
import { Booster, DMatrix, type Matrix } from './xgboost-ffi.js';

export interface LabelledMatrix extends Matrix {
  /** class number from 0, or the target */
  labels: Float32Array;
}

export interface TrainBoosterInput {
  train: LabelledMatrix;
  /** rows that early stopping watches; null trains all rounds */
  validation: LabelledMatrix | null;
  task: Task;
  /** names of the classes by number; empty for a regression */
  classes: string[];
  params: TrainParams;
  threads: number;
}

export interface Round {
  /** from 1 */
  round: number;
  rounds: number;
  /** log loss or RMSE on the validation rows; null without them */
  loss: number | null;
}

export interface TrainedBooster {
  /** frees the library's memory when called; cut back to the best round */
  booster: Booster;
  /** rounds in the booster */
  rounds: number;
  /** rounds that were run */
  trained: number;
  /** validation loss of the last round kept; null without validation rows */
  loss: number | null;
}

const OBJECTIVES: Record<Task, { objective: string; eval_metric: string }> = {
  binary: { objective: 'binary:logistic', eval_metric: 'logloss' },
  multiclass: { objective: 'multi:softprob', eval_metric: 'mlogloss' },
  regression: { objective: 'reg:squarederror', eval_metric: 'rmse' },
};

/**
 * Boosts trees round by round; gives up the thread after each, so that a cancellation is seen. The same data,
 * parameters, seed and number of threads give the same model to the byte.
 */
export async function trainBooster(
  { train, validation, task, classes, params, threads }: TrainBoosterInput,
  { signal, onRound }: { signal?: AbortSignal; onRound?: (round: Round) => void } = {},
): Promise<TrainedBooster> {
  const weigh = classWeights(train.labels, classes, params.classWeights);
  const matrices = [labelled(train, weigh, threads)];
  try {
    if (validation) matrices.push(labelled(validation, weigh, threads));
    const [training, watched] = matrices as [DMatrix, DMatrix?];
    const booster = Booster.create(matrices, libraryParams(task, classes, params, threads));
    try {
      return await boost(booster, training, watched, params, signal, onRound);
    } finally {
      booster.free();
    }
  } finally {
    for (const matrix of matrices) matrix.free();
  }
}

async function boost(
  booster: Booster,
  training: DMatrix,
  watched: DMatrix | undefined,
  { rounds, earlyStopping }: TrainParams,
  signal: AbortSignal | undefined,
  onRound: ((round: Round) => void) | undefined,
): Promise<TrainedBooster> {
  let best: { rounds: number; loss: number | null } = { rounds, loss: null };
  let trained = 0;
  for (let round = 0; round < rounds; round++) {
    await setImmediate();
    signal?.throwIfAborted();
    booster.update(round, training);
    trained = round + 1;
    const loss = watched ? booster.evaluate(round, watched) : null;
    onRound?.({ round: trained, rounds, loss });
    if (loss === null) continue;
    if (best.loss === null || loss < best.loss) best = { rounds: trained, loss };
    else if (earlyStopping > 0 && trained - best.rounds >= earlyStopping) break;
  }
  return { booster: booster.first(best.rounds), rounds: best.rounds, trained, loss: best.loss };
}

function libraryParams(
  task: Task,
  classes: string[],
  params: TrainParams,
  threads: number,
): Record<string, string | number> {
  return {
    ...OBJECTIVES[task],
    ...(task === 'multiclass' && { num_class: classes.length }),
    tree_method: 'hist',
    max_depth: params.depth,
    eta: params.learningRate,
    subsample: params.subsample,
    colsample_bytree: params.columnSample,
    min_child_weight: params.minChildWeight,
    lambda: params.lambda,
    alpha: params.alpha,
    gamma: params.gamma,
    seed: params.seed,
    nthread: threads,
    verbosity: 0,
  };
}

function labelled(data: LabelledMatrix, weigh: Float32Array | null, threads: number): DMatrix {
  const weights = weigh && data.labels.map((label) => weigh[label] ?? 1);
  return new DMatrix(data, data.labels, weights ?? undefined, threads);
}

/** @returns a weight by class number; `balanced` is rows / (classes * rows of the class), as in scikit-learn */
export function classWeights(
  labels: Float32Array,
  classes: string[],
  weights: TrainParams['classWeights'],
): Float32Array | null {
  if (weights === 'none' || classes.length === 0) return null;
  if (weights !== 'balanced') return Float32Array.from(classes, (name) => weights[name] ?? 1);
  const counts = new Float64Array(classes.length);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return Float32Array.from(counts, (count) => labels.length / (classes.length * Math.max(count, 1)));
}
