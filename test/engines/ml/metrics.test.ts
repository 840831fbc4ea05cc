import { describe, expect, test } from 'vitest';
import { auc, binaryMetrics, multiclassMetrics, regressionMetrics } from '../../../engines/ml/metrics.js';

const rows = Array.from({ length: 60 }, (_, i) => i);
const close = (value: number): unknown => expect.closeTo(value, 12);

describe('metrics equal scikit-learn 1.9 on the same rows', () => {
  const labels = rows.map((i) => ((i * 7) % 5 < 2 ? 1 : 0));
  const scores = rows.map(
    (i) => Math.round(((((i * 37) % 23) / 23) * 0.8 + 0.1 * (labels[i] ?? 0)) * 1000) / 1000,
  );

  test('of a binary task', () => {
    expect(binaryMetrics(labels, scores)).toEqual({
      auc: close(0.3159722222222222),
      logLoss: close(0.9022915374520192),
      f1: close(0.17777777777777778),
      precision: close(0.19047619047619047),
      recall: close(0.16666666666666666),
      brier: close(0.33805864999999996),
      accuracy: close(0.38333333333333336),
    });
  });

  test('at another threshold', () => {
    expect(binaryMetrics(labels, scores, 0.3)).toMatchObject({
      f1: close(0.36923076923076925),
      precision: close(0.2926829268292683),
      recall: close(0.5),
    });
  });

  test('of three classes', () => {
    const truth = rows.map((i) => (i * 7) % 3);
    const probabilities = rows.flatMap((i) => {
      const raw = [1 + ((i * 11) % 13), 1 + ((i * 5) % 17), 1 + ((i * 3) % 7) * 2];
      const boosted = raw.map((value, at) => value + (at === truth[i] ? 6 : 0));
      const sum = boosted.reduce((total, value) => total + value, 0);
      return boosted.map((value) => value / sum);
    });
    expect(multiclassMetrics(truth, probabilities, 3)).toEqual({
      auc: close(0.8677083333333333),
      logLoss: close(0.7967117860546643),
      f1: close(0.6316213238410034),
      precision: close(0.6436965811965812),
      recall: close(0.6333333333333334),
      accuracy: close(0.6333333333333333),
    });
  });

  test('of a regression', () => {
    const targets = rows.map((i) => ((i * 13) % 29) / 3 + 2);
    const predictions = targets.map((target, i) => target + (((i * 5) % 11) - 5) / 4);
    expect(regressionMetrics(targets, predictions)).toEqual({
      mae: close(0.6875),
      rmse: close(0.8016909213240059),
      r2: close(0.9184006348086757),
      mape: close(0.11716384059183602),
    });
  });
});

describe('the area under the curve', () => {
  test.each([
    ['perfect order', [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], 1],
    ['reversed order', [1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], 0],
    ['equal scores, which count half', [0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], 0.5],
    ['one tie of three pairs', [0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8], 0.875],
    ['negative scores', [0, 1, 0, 1], [-3, -1, -2, 5], 1],
  ])('of %s', (_, labels, scores, expected) => {
    expect(auc(labels, scores)).toBe(expected);
  });

  test('is undefined for one class', () => {
    expect(auc([1, 1], [0.2, 0.3])).toBeNull();
    expect(binaryMetrics([1, 1], [0.2, 0.8])).not.toHaveProperty('auc');
  });
});

describe('what is undefined', () => {
  test('is absent: R² of equal targets, MAPE of zeros', () => {
    expect(regressionMetrics([0, 0], [1, 3])).toEqual({ mae: 2, rmse: Math.sqrt(5) });
  });

  test('is 0 for precision and recall without positives', () => {
    expect(binaryMetrics([0, 0], [0.1, 0.2])).toMatchObject({ f1: 0, precision: 0, recall: 0, accuracy: 1 });
  });

  test('stays finite in the log loss of a certain mistake', () => {
    expect(binaryMetrics([1], [0]).logLoss).toBeCloseTo(34.5388, 3);
  });
});
