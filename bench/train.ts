import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalStore } from '../engines/lake/local-store.js';
import { fit } from '../engines/ml/fit.js';
import { Predictor } from '../schemas/predictor.js';
import { figure } from './figure.js';
import type { Bench } from './figure.js';
import { writeMatrix } from './matrix.js';

const FEATURES = 20;

/** The same rows, rounds and depth through Python's own binding of the same library. */
const PYTHON = `
import sys, time, numpy as np, xgboost as xgb
rng = np.random.default_rng(7)
rows, features, rounds = int(sys.argv[1]), ${FEATURES}, int(sys.argv[2])
x = rng.random((rows, features), dtype=np.float32)
y = (x[:, 0] + x[:, 1] * x[:, 2] - x[:, 3] * 0.5 + rng.random(rows) * 0.5 > 0.75).astype(np.float32)
data = xgb.DMatrix(x, label=y)
start = time.perf_counter()
xgb.train({'objective': 'binary:logistic', 'max_depth': 6, 'eta': 0.1, 'tree_method': 'hist', 'nthread': 2, 'seed': 7}, data, rounds)
print(time.perf_counter() - start)
`;

/** Training through the C API, beside Python's binding when that is installed (PYTHON names the interpreter). */
export const train: Bench = async function* ({ quick }) {
  const rows = quick ? 50_000 : 200_000;
  const rounds = 100;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    const file = join(folder, 'rows.parquet');
    await writeMatrix(file, rows, FEATURES);
    const predictor = Predictor.parse({
      ...{ task: 'binary', relation: 'rows', id: 'id', label: 'label' },
      params: { rounds, depth: 6, earlyStopping: 0, learningRate: 0.1 },
    });
    const started = performance.now();
    let first: number | undefined;
    let last = 0;
    const dataset = { files: [{ uri: file, sha256: '0', bytes: 0 }], rows, sha256: '0' };
    const store = await openLocalStore(join(folder, 'lake'));
    await fit(
      { store, predictorName: 'bench', predictor, dataset, files: [file] },
      {
        onProgress: () => {
          last = performance.now();
          first ??= last;
        },
      },
    );
    const total = (performance.now() - started) / 1000;
    // the first round includes the quantile sketch of the matrix, so rounds are timed from the second on
    const perRound = (last - (first ?? last)) / 1000 / (rounds - 1);
    const peer = python(Math.round(rows * 0.8 * 0.9), rounds);
    yield figure({
      ...{
        name: `XGBoost, ${rows.toLocaleString('en')} rows, ${rounds} rounds`,
        value: perRound * rounds,
        unit: 's',
      },
      ...(peer !== undefined && {
        against: { name: 'python xgboost s', value: peer },
        goal: { atMost: 1.05, of: 'ratio' as const },
      }),
    });
    yield figure({ name: 'candidate in all (read to ONNX)', value: total, unit: 's' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

function python(rows: number, rounds: number): number | undefined {
  try {
    const out = execFileSync(
      process.env['PYTHON'] ?? 'python3',
      ['-c', PYTHON, String(rows), String(rounds)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    return Number(out);
  } catch {
    return undefined; // not installed: the figure stands alone
  }
}
