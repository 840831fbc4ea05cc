import { MillraceError } from '../../schemas/errors.js';
import type { Metrics, Predictor } from '../../schemas/predictor.js';
import type { DatasetRef } from '../../schemas/dataset.js';
import type { Artifact, Feature } from '../../schemas/train.js';
import { sha256 } from '../lake/content.js';
import { quoteIdent } from '../warehouse/port.js';
import type { ThreadContext } from '../thread.js';
import { requireColumns, withDataset, type Dataset } from './dataset.js';
import { codeEdges, decileEdges, distribution, evenEdges } from './distribution.js';
import {
  declareCategories,
  encodeSql,
  fitEncodings,
  refuseNonFinite,
  typeOf,
  type Encoding,
} from './encoder.js';
import { encodeLabelSql, readLabels, type Labels } from './label.js';
import { fill } from './matrix.js';
import { argMax, metricsOf } from './metrics.js';
import { exportOnnx } from './onnx-export.js';
import { OnnxModel } from './onnx-model.js';
import { SIDES, sideSql } from './split.js';
import { XGBOOST_VERSION } from './xgboost-library.js';
import { DMatrix, type Booster, type Matrix } from './xgboost-ffi.js';
import { trainBooster, type LabelledMatrix } from './xgboost.js';

export interface FitTask {
  predictor: Pick<
    Predictor,
    'task' | 'id' | 'label' | 'positive' | 'features' | 'exclude' | 'holdout' | 'params'
  >;
  dataset: DatasetRef;
  files: string[];
  threads: number;
}
export interface FitOutput {
  artifact: Artifact;
  onnx: Uint8Array;
  ubj: Uint8Array;
}

/** Rows whose distribution stands for all. */
const SAMPLE = 100_000;
/** Rows on which the ONNX model is held against XGBoost. */
const CHECKED = 20_000;
const TOLERANCE = 1e-5;
/** Early stopping on fewer rows would follow chance. */
const MIN_VALIDATION = 20;

/** Runs in a thread: reads, encodes, trains, exports, checks and measures one predictor. Writes nothing. */
export function fitInThread(task: FitTask, { signal, post }: ThreadContext): Promise<FitOutput> {
  return withDataset(
    task.files,
    task.threads,
    async (dataset) => {
      const data = await readTraining(dataset, task);
      const { task: kind, params } = task.predictor;
      const { train, validation, labels, encodings } = data;
      const classes = labels.classes;
      const trained = await trainBooster(
        { train, validation, task: kind, classes, params, threads: task.threads },
        { signal, onRound: post },
      );
      try {
        const onnx = exportOnnx(trained.booster.save('json'), kind, classes.length);
        const scores = await scoreHoldout(onnx, trained.booster, data.holdout, task.threads);
        const ubj = trained.booster.save('ubj');
        const artifact: Artifact = {
          task: kind,
          id: task.predictor.id,
          label: task.predictor.label,
          encoder: {
            features: encodings.map((encoding, at) => describeFeature(encoding, train, at)),
            classes,
          },
          params,
          rounds: trained.rounds,
          roundsRun: trained.trained,
          rows: labels.rows,
          holdout: task.predictor.holdout,
          metrics: finite(metricsOf(kind, data.holdout.labels, scores, classes.length)),
          importances: importances(trained.booster, encodings),
          scores: scoreDistribution(kind, scores, classes.length),
          dataset: task.dataset,
          xgboost: XGBOOST_VERSION,
          files: { onnx: sha256(onnx), ubj: sha256(ubj) },
        };
        return { artifact, onnx, ubj };
      } finally {
        trained.booster.free();
      }
    },
    signal,
  );
}

interface TrainingData {
  encodings: Encoding[];
  labels: Labels;
  train: LabelledMatrix;
  validation: LabelledMatrix | null;
  holdout: LabelledMatrix;
}

async function readTraining(dataset: Dataset, { predictor }: FitTask): Promise<TrainingData> {
  const { id, label, holdout, params } = predictor;
  requireColumns(dataset, [id], 'which is the id of this predictor');
  requireColumns(dataset, [label], 'which is the label of this predictor');
  const names = featureNames(dataset, predictor);
  requireColumns(dataset, names, 'which are features of this predictor');
  const labelled = `${quoteIdent(label)} IS NOT NULL`;
  let side = sideSql(id, holdout, params.earlyStopping > 0);
  let labels = await readLabels(dataset, predictor, side);
  if (labels.rows.validation > 0 && labels.rows.validation < MIN_VALIDATION) {
    side = sideSql(id, holdout, false);
    labels = await readLabels(dataset, predictor, side);
  }
  const encodings = await fitEncodings(dataset, names, `${labelled} AND ${side} <> ${SIDES.holdout}`);
  await refuseNonFinite(dataset, encodings, id, labelled);
  await declareCategories(dataset, encodings);
  const { train, validation, holdout: held } = labels.rows;
  const width = encodings.length;
  const matrices = [train, validation, held].map((rows) => emptyMatrix(rows, width));
  const encoded = encodings.map((encoding) => encodeSql(encoding, typeOf(dataset, encoding)));
  const labelColumn = encodeLabelSql(dataset, label, predictor.task, labels.classes);
  // one scan for each side: a block then goes into one matrix as a whole
  for (const [at, matrix] of matrices.entries()) {
    if (matrix.rows === 0) continue;
    await fill(
      dataset,
      `SELECT ${labelColumn}, ${encoded.join(', ')} FROM rows WHERE ${labelled} AND ${side} = ${at}`,
      matrix,
    );
  }
  const [forTraining, forValidation, forHoldout] = matrices as [
    LabelledMatrix,
    LabelledMatrix,
    LabelledMatrix,
  ];
  return {
    encodings,
    labels,
    train: forTraining,
    validation: forValidation.rows > 0 ? forValidation : null,
    holdout: forHoldout,
  };
}

/** @throws MillraceError FeatureMissing when nothing is left to learn from */
function featureNames(dataset: Dataset, { id, label, features, exclude }: FitTask['predictor']): string[] {
  const aside = new Set([id, label, ...exclude]);
  const names = (features ?? dataset.columns.map(({ name }) => name)).filter((name) => !aside.has(name));
  if (names.length > 0) return names;
  throw new MillraceError('FeatureMissing', {
    what: 'no column is left to learn from once id, label and exclude are set aside',
    fix: `The rows have ${dataset.columns.map(({ name }) => name).join(', ')}`,
  });
}

function emptyMatrix(rows: number, columns: number): LabelledMatrix {
  return { values: new Float32Array(rows * columns), labels: new Float32Array(rows), rows, columns };
}

/** Scores by the ONNX model, which is what will serve; it must agree with the booster first. */
async function scoreHoldout(
  onnx: Uint8Array,
  booster: Booster,
  holdout: Matrix,
  threads: number,
): Promise<Float32Array> {
  const model = await OnnxModel.load(onnx, threads);
  try {
    const scores = await model.predict(holdout);
    const rows = Math.min(holdout.rows, CHECKED);
    const sample = new DMatrix(
      { ...holdout, rows, values: holdout.values.subarray(0, rows * holdout.columns) },
      undefined,
      undefined,
      threads,
    );
    try {
      refuseDifference(scores, booster.predict(sample));
    } finally {
      sample.free();
    }
    return scores;
  } finally {
    await model.close();
  }
}

/** The tolerance is absolute for probabilities, and relative to targets beyond 1, as 32-bit floats are. */
function refuseDifference(onnx: Float32Array, booster: Float32Array): void {
  let worst = 0;
  booster.forEach((expected, at) => {
    const delta = Math.abs((onnx[at] ?? NaN) - expected) / Math.max(1, Math.abs(expected));
    if (!(delta <= worst)) worst = delta;
  });
  if (worst <= TOLERANCE) return;
  throw new MillraceError('ModelMismatch', {
    what: `the exported ONNX model differs from XGBoost by ${worst} on the hold-out, more than ${TOLERANCE}`,
    fix: 'The candidate is not kept; please report this with the predictor’s parameters',
  });
}

function describeFeature(encoding: Encoding, { values, rows, columns }: Matrix, at: number): Feature {
  let min = Infinity;
  let max = -Infinity;
  for (let row = 0; row < rows; row++) {
    const value = values[row * columns + at]!;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const step = Math.max(1, Math.ceil(rows / SAMPLE));
  const sample = Float32Array.from(
    { length: Math.ceil(rows / step) },
    (_, row) => values[row * step * columns + at]!,
  );
  const edges = {
    numeric: () => decileEdges(sample),
    boolean: () => codeEdges(2),
    category: () => codeEdges(encoding.categories.length),
  };
  return {
    ...encoding,
    range: min <= max ? { min, max } : null,
    reference: distribution(edges[encoding.kind](), sample),
  };
}

function importances(booster: Booster, encodings: Encoding[]): Artifact['importances'] {
  return [...booster.gain()]
    .map(([at, gain]) => ({ feature: encodings[at]?.name ?? '', gain }))
    .sort((a, b) => b.gain - a.gain || (a.feature < b.feature ? -1 : 1));
}

function scoreDistribution(
  task: Artifact['task'],
  scores: Float32Array,
  classes: number,
): Artifact['scores'] {
  if (task === 'binary') return distribution(evenEdges(0, 1), scores);
  if (task === 'multiclass') return distribution(evenEdges(0, 1), topScores(scores, classes));
  let low = Infinity;
  let high = -Infinity;
  for (const score of scores) {
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  return distribution(evenEdges(low, high), scores);
}

/** @returns the probability of the predicted class of each row */
function topScores(scores: Float32Array, classes: number): Float32Array {
  return Float32Array.from(
    { length: scores.length / classes },
    (_, row) => scores[row * classes + argMax(scores, row * classes, classes)]!,
  );
}

/** JSON has no NaN: a metric that is undefined here is absent. */
function finite(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}
