import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { exportOnnx } from '../../../engines/ml/onnx-export.js';
import { OnnxModel } from '../../../engines/ml/onnx-model.js';
import { Booster, DMatrix, type Matrix } from '../../../engines/ml/xgboost-ffi.js';
import { classWeights, trainBooster } from '../../../engines/ml/xgboost.js';
import { TrainParams, type Task } from '../../../schemas/predictor.js';

const ROWS = 2_000;
const f = Math.fround;

/** The same rows, parameters and seed that xgboost 3.2.0 for Python was given; its predictions are below. */
const rows = Array.from({ length: ROWS }, (_, r) => {
  const gap = r % 11 === 0;
  const x = [
    f(((r * 7919) % 1009) / 1009),
    f(((r * 104729) % 733) / 733),
    f(((r * 1299709) % 97) / 97),
  ] as const;
  return { features: [x[0], gap ? NaN : x[1], x[2]], z: f(x[0] + f((gap ? f(0.3) : x[1]) * x[2])) };
});
const matrix: Matrix = {
  values: Float32Array.from(rows.flatMap(({ features }) => features)),
  rows: ROWS,
  columns: 3,
};
const params = TrainParams.parse({
  ...{ rounds: 25, depth: 4, learningRate: 0.2, subsample: 0.8, columnSample: 0.7, minChildWeight: 2 },
  ...{ lambda: 1.5, alpha: 0.1, gamma: 0.05, seed: 11, earlyStopping: 0 },
});
const LABELS: Record<Task, (z: number) => number> = {
  binary: (z) => (z > 0.75 ? 1 : 0),
  multiclass: (z) => (z < 0.5 ? 0 : z < 0.9 ? 1 : 2),
  regression: (z) => z * 10,
};
const CLASSES: Record<Task, string[]> = { binary: ['0', '1'], multiclass: ['0', '1', '2'], regression: [] };
const PYTHON: Record<Task, number[]> = {
  binary: [
    0.00641543697565794, 0.0667586699128151, 0.17076945304870605, 0.9763689041137695, 0.9873270392417908,
  ],
  multiclass: [
    ...[
      0.9879189133644104, 0.007995998486876488, 0.00408514216542244, 0.17775264382362366, 0.7437624931335449,
    ],
    ...[
      0.07848486304283142, 0.13361407816410065, 0.6839359998703003, 0.18244986236095428, 0.01791435480117798,
    ],
    ...[
      0.06049714237451553, 0.9215884804725647, 0.006239629350602627, 0.030532170087099075, 0.9632282257080078,
    ],
  ],
  regression: [
    0.5916496515274048, 5.397031307220459, 7.396493911743164, 10.38042163848877, 12.028277397155762,
  ],
};

function predictions(booster: Booster): Float32Array {
  const data = new DMatrix(matrix);
  try {
    return booster.predict(data);
  } finally {
    data.free();
  }
}

describe.each(['binary', 'multiclass', 'regression'] as const)('a %s booster', (task) => {
  const train = { ...matrix, labels: Float32Array.from(rows, ({ z }) => LABELS[task](z)) };
  const options = { train, validation: null, task, classes: CLASSES[task], params, threads: 2 };

  test("predicts what Python's own binding does, and so do its reload and its ONNX export", async () => {
    const { booster } = await trainBooster(options);
    const ours = predictions(booster);
    const width = ours.length / ROWS;
    const sample = [0, 11, 500, 1234, 1999].flatMap((row) => [
      ...ours.subarray(row * width, (row + 1) * width),
    ]);
    sample.forEach((value, at) =>
      expect(Math.abs(value - (PYTHON[task][at] ?? NaN))).toBeLessThanOrEqual(1e-6),
    );

    const reloaded = Booster.load(booster.save('ubj'));
    expect(predictions(reloaded)).toEqual(ours);
    const onnx = await OnnxModel.load(exportOnnx(booster.save('json'), task, CLASSES[task].length), 1);
    const exported = await onnx.predict(matrix);
    const worst = exported.reduce(
      (most, value, at) => Math.max(most, Math.abs(value - (ours[at] ?? NaN))),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1e-5);
    await onnx.close();
    reloaded.free();
    booster.free();
  });
});

describe('training', () => {
  const labels = Float32Array.from(rows, ({ z }, at) => (at % 3 === 0 ? at % 2 : LABELS.binary(z)));

  test('stops early and keeps the best round only', async () => {
    const half = (from: number) => ({
      ...{ rows: 1_000, columns: 3, labels: labels.slice(from, from + 1_000) },
      values: matrix.values.slice(from * 3, (from + 1_000) * 3),
    });
    const losses: number[] = [];
    const { booster, rounds, trained, loss } = await trainBooster(
      {
        ...{ train: half(0), validation: half(1_000), task: 'binary', classes: ['0', '1'], threads: 2 },
        params: TrainParams.parse({ rounds: 500, learningRate: 0.5, earlyStopping: 10 }),
      },
      { onRound: (round) => losses.push(round.loss ?? NaN) },
    );
    expect(trained).toBe(rounds + 10);
    expect(losses).toHaveLength(trained);
    expect(loss).toBe(Math.min(...losses));
    const { learner } = JSON.parse(booster.save('json').toString()) as {
      learner: { gradient_booster: { model: { trees: unknown[] } } };
    };
    expect(learner.gradient_booster.model.trees).toHaveLength(rounds);
    booster.free();
  });

  test('weighs classes as scikit-learn does, or as it is told', () => {
    const few = Float32Array.from([0, 0, 0, 1]);
    expect(classWeights(few, ['no', 'yes'], 'none')).toBeNull();
    expect([...(classWeights(few, ['no', 'yes'], 'balanced') ?? [])]).toEqual([f(4 / 6), 2]);
    expect([...(classWeights(few, ['no', 'yes'], { yes: 5 }) ?? [])]).toEqual([1, 5]);
  });

  test('reports what the library says about a model it cannot read', () => {
    expect(() => Booster.load(Buffer.from('not a model'))).toThrow(/XGBoost refused load/);
  });
});

test('a missing library names every place that was tried, and what to do', () => {
  const home = mkdtempSync(join(tmpdir(), 'millrace-home-'));
  const module = new URL('../../../dist/engines/ml/xgboost-library.js', import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then((m) => m.xgboostLibrary()).catch((e) => console.log(e.type, e.message))`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    env: { PATH: process.env['PATH'], XGBOOST_LIBRARY: join(home, 'nothing.so') },
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/LibraryMissing .*nothing\.so \(not there\).*npm run setup/);
});
