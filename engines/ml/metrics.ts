import type { MetricName, Metrics, Task } from '../../schemas/predictor.js';

/** Numbers at hand: typed arrays and plain ones alike. */
export type Numbers = ArrayLike<number>;

const SMALLER_IS_BETTER: ReadonlySet<MetricName> = new Set(['logLoss', 'brier', 'mae', 'rmse', 'mape']);
export const smallerIsBetter = (metric: MetricName): boolean => SMALLER_IS_BETTER.has(metric);

/** A probability of 0 for what happened would make the log loss infinite; scikit-learn clips, too. */
const EPSILON = 1e-15;
const clip = (p: number): number => Math.min(Math.max(p, EPSILON), 1 - EPSILON);
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/**
 * @param labels class number (0 or 1 of a binary task) or target
 * @param scores one a row; `classes` probabilities a row for a multiclass task
 * @returns the task's metrics; one that is undefined on these rows (AUC of one class, MAPE of zeros) is absent
 */
export function metricsOf(task: Task, labels: Numbers, scores: Numbers, classes: number): Metrics {
  if (task === 'binary') return binaryMetrics(labels, scores);
  if (task === 'multiclass') return multiclassMetrics(labels, scores, classes);
  return regressionMetrics(labels, scores);
}

/** @param threshold probability from which a row counts as positive */
export function binaryMetrics(labels: Numbers, scores: Numbers, threshold = 0.5): Metrics {
  let truePositive = 0;
  let falsePositive = 0;
  let falseNegative = 0;
  let loss = 0;
  let squares = 0;
  for (let row = 0; row < labels.length; row++) {
    const p = scores[row] ?? 0;
    const positive = labels[row] === 1;
    const guessed = p >= threshold;
    if (guessed && positive) truePositive++;
    else if (guessed) falsePositive++;
    else if (positive) falseNegative++;
    loss -= Math.log(clip(positive ? p : 1 - p));
    squares += (p - (positive ? 1 : 0)) ** 2;
  }
  const area = auc(labels, scores);
  return {
    ...(area !== null && { auc: area }),
    logLoss: loss / labels.length,
    ...precisionRecall(truePositive, falsePositive, falseNegative),
    brier: squares / labels.length,
    accuracy: 1 - (falsePositive + falseNegative) / labels.length,
  };
}

function precisionRecall(
  truePositive: number,
  falsePositive: number,
  falseNegative: number,
): { f1: number; precision: number; recall: number } {
  return {
    f1: ratio(2 * truePositive, 2 * truePositive + falsePositive + falseNegative),
    precision: ratio(truePositive, truePositive + falsePositive),
    recall: ratio(truePositive, truePositive + falseNegative),
  };
}

/** Precision, recall and F1 are means over the classes; so is the AUC, each class against the rest. */
export function multiclassMetrics(labels: Numbers, scores: Numbers, classes: number): Metrics {
  const hits = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  const actual = new Float64Array(classes);
  let loss = 0;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0;
    const guess = argMax(scores, row * classes, classes);
    predicted[guess]!++;
    actual[label]!++;
    if (guess === label) hits[label]!++;
    loss -= Math.log(clip(scores[row * classes + label] ?? 0));
  }
  const each = Array.from({ length: classes }, (_, at) =>
    precisionRecall(hits[at]!, predicted[at]! - hits[at]!, actual[at]! - hits[at]!),
  );
  const areas = Array.from({ length: classes }, (_, at) => oneAgainstRest(labels, scores, classes, at));
  const defined = areas.filter((area) => area !== null);
  return {
    ...(defined.length > 0 && { auc: mean(defined) }),
    logLoss: loss / labels.length,
    f1: mean(each.map(({ f1 }) => f1)),
    precision: mean(each.map(({ precision }) => precision)),
    recall: mean(each.map(({ recall }) => recall)),
    accuracy: hits.reduce((sum, count) => sum + count, 0) / labels.length,
  };
}

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function oneAgainstRest(labels: Numbers, scores: Numbers, classes: number, at: number): number | null {
  const ours = Float32Array.from(labels, (label) => (label === at ? 1 : 0));
  return auc(
    ours,
    Float32Array.from(ours, (_, row) => scores[row * classes + at] ?? 0),
  );
}

/** @returns place of the largest of `length` values from `start`; the first of equal ones */
export function argMax(values: Numbers, start: number, length: number): number {
  let best = 0;
  for (let at = 1; at < length; at++) {
    if ((values[start + at] ?? 0) > (values[start + best] ?? 0)) best = at;
  }
  return best;
}

/** MAPE is a share (0.1 is 10 %) over the rows whose target is not 0. R² is absent when all targets are equal. */
export function regressionMetrics(labels: Numbers, scores: Numbers): Metrics {
  let sum = 0;
  for (let row = 0; row < labels.length; row++) sum += labels[row] ?? 0;
  const average = sum / labels.length;
  let absolute = 0;
  let squares = 0;
  let spread = 0;
  let relative = 0;
  let relatives = 0;
  for (let row = 0; row < labels.length; row++) {
    const target = labels[row] ?? 0;
    const error = (scores[row] ?? 0) - target;
    absolute += Math.abs(error);
    squares += error * error;
    spread += (target - average) ** 2;
    if (target !== 0) {
      relative += Math.abs(error / target);
      relatives++;
    }
  }
  return {
    mae: absolute / labels.length,
    rmse: Math.sqrt(squares / labels.length),
    ...(spread > 0 && { r2: 1 - squares / spread }),
    ...(relatives > 0 && { mape: relative / relatives }),
  };
}

/**
 * Area under the ROC curve by ranks (Mann-Whitney); equal scores share their mean rank.
 * Scores are compared as 32-bit floats, which is what predictors give.
 *
 * @returns null when only one class is there
 */
export function auc(labels: Numbers, scores: Numbers): number | null {
  // Sorting numbers natively is ten times as fast as with a comparator: the key holds the score's bits, in an
  // order-preserving form, and the label below them.
  const floats = Float32Array.from(scores);
  const bits = new Uint32Array(floats.buffer);
  const keys = new Float64Array(labels.length);
  for (let row = 0; row < keys.length; row++) {
    const raw = bits[row] ?? 0;
    const ordered = raw & 0x80000000 ? ~raw >>> 0 : (raw | 0x80000000) >>> 0;
    keys[row] = ordered * 2 + (labels[row] === 1 ? 1 : 0);
  }
  keys.sort();
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < keys.length;) {
    const score = Math.floor((keys[start] ?? 0) / 2);
    let end = start;
    let positivesHere = 0;
    for (; end < keys.length && Math.floor((keys[end] ?? 0) / 2) === score; end++) {
      positivesHere += (keys[end] ?? 0) % 2;
    }
    rankSum += positivesHere * ((start + 1 + end) / 2);
    positives += positivesHere;
    start = end;
  }
  const negatives = keys.length - positives;
  if (positives === 0 || negatives === 0) return null;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
