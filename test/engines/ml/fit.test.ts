import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readArtifact, readOnnx } from '../../../engines/ml/artifact.js';
import { evaluate } from '../../../engines/ml/evaluate.js';
import { fit } from '../../../engines/ml/fit.js';
import { customers, freeze, predictorOf, temporaryFolder, temporaryStore } from './support.js';

async function fitted(select: string, more: Record<string, unknown> = {}) {
  const store = await temporaryStore();
  const frozen = await freeze(join(await temporaryFolder(), 'rows.parquet'), select);
  const input = { store, predictorName: 'engagement', predictor: predictorOf(more), ...frozen, threads: 2 };
  return { input, candidate: await fit(input) };
}

const fitting = (select: string, more: Record<string, unknown> = {}) =>
  fitted(select, more).then(() => undefined);

describe('a candidate', () => {
  test('learns a binary label, and its artifact says how', async () => {
    const { input, candidate } = await fitted(customers(20_000));
    expect(candidate.metrics.auc).toBeGreaterThan(0.9);
    expect(candidate.rows.holdout / 20_000).toBeCloseTo(0.2, 1);
    expect(candidate.rows.train + candidate.rows.validation + candidate.rows.holdout).toBe(20_000);
    const artifact = await readArtifact(input.store, 'engagement', candidate.hash);
    expect(artifact.encoder.classes).toEqual(['0', '1']);
    expect(artifact.encoder.features.map(({ name, kind }) => [name, kind])).toEqual([
      ['a', 'numeric'],
      ['b', 'numeric'],
      ['city', 'category'],
      ['vip', 'boolean'],
    ]);
    expect(artifact.encoder.features[2]?.categories).toEqual(['Wien', 'Graz', 'Linz']);
    expect(artifact.encoder.features[1]?.reference.shares.at(-1)).toBeCloseTo(0.1, 1);
    expect(artifact.importances[0]?.feature).toBe('a');
    expect(artifact.rounds).toBeLessThanOrEqual(artifact.roundsRun);
  });

  test('scores the value that is declared positive, whatever the alphabet says', async () => {
    const numbers = await fitted(customers(5_000));
    const words = await fitted(customers(5_000, "CASE WHEN z > 0.62 THEN 'ja' ELSE 'nein' END"), {
      positive: 'ja',
    });
    const artifact = await readArtifact(words.input.store, 'engagement', words.candidate.hash);
    expect(artifact.encoder.classes).toEqual(['nein', 'ja']);
    expect(words.candidate.metrics).toEqual(numbers.candidate.metrics);
  });

  test('is the same to the byte for the same data, parameters and seed', async () => {
    const first = await fitted(customers(5_000));
    const second = await fitted(customers(5_000));
    const other = await fitted(customers(5_000), {
      params: { rounds: 40, depth: 4, subsample: 0.5, seed: 8 },
    });
    expect(second.candidate.artifact.sha256).not.toBe(other.candidate.artifact.sha256);
    const bytes = async ({ input, candidate }: typeof first) => {
      const artifact = await readArtifact(input.store, 'engagement', candidate.hash);
      return [artifact.files.ubj, artifact.files.onnx, artifact.metrics];
    };
    expect(await bytes(second)).toEqual(await bytes(first));
  });

  test('is found, not trained again, and of two at once there is one', async () => {
    const { input, candidate } = await fitted(customers(2_000));
    let rounds = 0;
    const [again, twin] = await Promise.all([fit(input, { onProgress: () => rounds++ }), fit(input)]);
    expect([again, twin]).toEqual([candidate, candidate]);
    expect(rounds).toBe(0);
  });

  test('of three classes gives a probability for each', async () => {
    const { candidate, input } = await fitted(
      customers(9_000, "CASE WHEN z < 0.5 THEN 'low' WHEN z < 0.9 THEN 'middle' ELSE 'top' END"),
      { task: 'multiclass', params: { rounds: 30, depth: 4, classWeights: 'balanced' } },
    );
    expect(candidate.metrics.auc).toBeGreaterThan(0.9);
    expect(candidate.metrics.accuracy).toBeGreaterThan(0.8);
    const again = await evaluate({ ...input, hash: candidate.hash });
    expect(again).toEqual(candidate.metrics);
  });

  test('of a regression predicts large targets as XGBoost does', async () => {
    const { candidate } = await fitted(customers(9_000, '1000000 + z * 50000'), { task: 'regression' });
    expect(candidate.metrics.r2).toBeGreaterThan(0.85);
    expect(candidate.metrics.mape).toBeLessThan(0.02);
  });

  test('stops between two rounds when it is cancelled', async () => {
    const store = await temporaryStore();
    const frozen = await freeze(join(await temporaryFolder(), 'rows.parquet'), customers(20_000));
    const cancellation = new AbortController();
    let rounds = 0;
    const predictor = predictorOf({ params: { rounds: 10_000, depth: 8, earlyStopping: 0 } });
    const running = fit(
      { store, predictorName: 'slow', predictor, ...frozen, threads: 2 },
      {
        signal: cancellation.signal,
        onProgress: () => {
          if (++rounds === 5) cancellation.abort(new Error('cancelled by the operator'));
        },
      },
    );
    await expect(running).rejects.toThrow('cancelled by the operator');
    expect(rounds).toBeLessThan(5_000);
    expect(await store.list('predictors/')).toEqual([]);
  });
});

describe('an artifact', () => {
  test('that was tampered with is not read', async () => {
    const { input, candidate } = await fitted(customers(1_000));
    const key = `predictors/engagement/artifacts/${candidate.hash}/model.onnx`;
    const artifact = await readArtifact(input.store, 'engagement', candidate.hash);
    await input.store.put(
      key,
      Buffer.concat([await readFile(await input.store.localFile(key)), Buffer.from('x')]),
    );
    await expect(readOnnx(input.store, 'engagement', candidate.hash, artifact)).rejects.toMatchObject({
      type: 'ObjectCorrupt',
    });
    await expect(readArtifact(input.store, 'engagement', 'f'.repeat(64))).rejects.toMatchObject({
      type: 'PredictorNotFound',
    });
  });
});

describe('a champion', () => {
  test('is measured on the hold-out of other data, and names the features that are gone', async () => {
    const { input, candidate } = await fitted(customers(5_000));
    const later = await freeze(join(await temporaryFolder(), 'later.parquet'), customers(8_000));
    const metrics = await evaluate({ ...input, ...later, hash: candidate.hash });
    expect(metrics.auc).toBeGreaterThan(0.85);
    expect(metrics).not.toEqual(candidate.metrics);
    const poorer = await freeze(
      join(await temporaryFolder(), 'poorer.parquet'),
      `SELECT * EXCLUDE (a, city) FROM (${customers(500)})`,
    );
    await expect(evaluate({ ...input, ...poorer, hash: candidate.hash })).rejects.toMatchObject({
      type: 'FeatureMissing',
      what: expect.stringContaining('"a", "city"'),
    });
  });
});

describe('bad training data', () => {
  const rows = customers(1_000);
  test.each([
    [
      'one class',
      `SELECT * REPLACE (1 AS label) FROM (${rows})`,
      {},
      'LabelInvalid',
      /one class only \(1: 1000 rows\)/,
    ],
    [
      'three classes of a binary label',
      `SELECT * REPLACE (id % 3 AS label) FROM (${rows})`,
      {},
      'LabelInvalid',
      /3 classes/,
    ],
    ['too few rows', customers(40), {}, 'TooFewRows', /40 rows/],
    [
      'one row of a class',
      `SELECT * REPLACE (CASE id WHEN 5 THEN 1 ELSE 0 END AS label) FROM (${rows})`,
      {},
      'TooFewRows',
      /class '1'/,
    ],
    ['no label column', rows, { label: 'nope' }, 'FeatureMissing', /"nope"/],
    ['no such feature', rows, { features: ['a', 'zz'] }, 'FeatureMissing', /"zz"/],
    [
      'NaN',
      `SELECT * REPLACE (CASE WHEN id IN (7, 8) THEN 'NaN'::DOUBLE ELSE a END AS a) FROM (${rows})`,
      {},
      'NonFiniteFeature',
      /"a".*2 rows.*id = 7/,
    ],
    [
      'infinity',
      `SELECT * REPLACE (CASE WHEN id = 9 THEN '-inf'::DOUBLE ELSE a END AS a) FROM (${rows})`,
      {},
      'NonFiniteFeature',
      /id = 9/,
    ],
    [
      'a number too large',
      `SELECT * REPLACE (CASE WHEN id = 9 THEN 1e300 ELSE a END AS a) FROM (${rows})`,
      {},
      'NonFiniteFeature',
      /beyond 3.4e38/,
    ],
    [
      'a date',
      `SELECT *, DATE '2026-01-01' AS since FROM (${rows})`,
      {},
      'FeatureInvalid',
      /"since" has the type DATE.*date_diff/,
    ],
    [
      'free text',
      `SELECT *, 'note ' || id AS note FROM (${customers(3_000)})`,
      {},
      'FeatureInvalid',
      /"note" has more than 1000/,
    ],
    [
      'a text label without a word on which value is scored',
      `SELECT * REPLACE (CASE WHEN label = 1 THEN 'ja' ELSE 'nein' END AS label) FROM (${rows})`,
      {},
      'LabelInvalid',
      /is text \('ja' and 'nein'\), and nothing says which value is to be scored.*positive: 'nein'/s,
    ],
    [
      'a positive value that the label does not have',
      `SELECT * REPLACE (CASE WHEN label = 1 THEN 'ja' ELSE 'nein' END AS label) FROM (${rows})`,
      { positive: 'yes' },
      'LabelInvalid',
      /has the values 'ja' and 'nein', not 'yes'/,
    ],
    [
      'a regression of text',
      `SELECT * REPLACE ('x' AS label) FROM (${rows})`,
      { task: 'regression' },
      'LabelInvalid',
      /no number/,
    ],
    [
      'an infinite target',
      `SELECT * REPLACE ('inf'::DOUBLE AS label) FROM (${rows})`,
      { task: 'regression' },
      'LabelInvalid',
      /infinite/,
    ],
  ])('is refused: %s', async (_, select, more, type, message) => {
    await expect(fitting(select, more)).rejects.toMatchObject({
      type,
      message: expect.stringMatching(message),
    });
  });

  test('may lack labels in some rows, which are not trained on', async () => {
    const { candidate } = await fitted(
      `SELECT * REPLACE (CASE WHEN id % 10 = 0 THEN NULL ELSE label END AS label) FROM (${rows})`,
    );
    expect(candidate.rows.unlabelled).toBe(100);
  });
});
