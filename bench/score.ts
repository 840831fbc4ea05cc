import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalStore } from '../engines/lake/local-store.js';
import { fit } from '../engines/ml/fit.js';
import { scorePartition } from '../engines/ml/score.js';
import { Predictor } from '../schemas/predictor.js';
import { figure, median } from './figure.js';
import type { Bench } from './figure.js';
import { writeMatrix } from './matrix.js';

const FEATURES = 30;

/** Parquet in, scores as Parquet out: 200 trees of depth 6 over 30 features. */
export const score: Bench = async function* ({ quick }) {
  const rows = quick ? 200_000 : 1_000_000;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    const sample = join(folder, 'train.parquet');
    const file = join(folder, 'rows.parquet');
    await writeMatrix(sample, 20_000, FEATURES);
    await writeMatrix(file, rows, FEATURES);
    const store = await openLocalStore(join(folder, 'lake'));
    const predictor = Predictor.parse({
      ...{ task: 'binary', relation: 'rows', id: 'id', label: 'label' },
      params: { rounds: 200, depth: 6, earlyStopping: 0 },
    });
    const dataset = { files: [{ uri: sample, sha256: '0', bytes: 0 }], rows: 20_000, sha256: '0' };
    const { hash } = await fit({ store, predictorName: 'bench', predictor, dataset, files: [sample] });
    const seconds: number[] = [];
    for (let round = 0; round < 3; round++) {
      const started = performance.now();
      const outFile = join(folder, `scores-${round}.parquet`);
      const quarantineFile = join(folder, `quarantine-${round}.parquet`);
      await scorePartition({
        store,
        predictorName: 'bench',
        hash,
        inFile: file,
        outFile,
        quarantineFile,
        unknownCategory: 'fail',
      });
      seconds.push((performance.now() - started) / 1000);
    }
    yield figure({
      name: 'scoring',
      value: rows / median(seconds),
      unit: 'rows/s',
      goal: { atLeast: 400_000, of: 'value' },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
