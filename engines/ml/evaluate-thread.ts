import { MillraceError } from '../../schemas/errors.js';
import type { Metrics } from '../../schemas/predictor.js';
import type { Artifact } from '../../schemas/train.js';
import { quoteIdent } from '../warehouse/port.js';
import type { ThreadContext } from '../thread.js';
import { requireColumns, withDataset } from './dataset.js';
import { declareCategories, encodeSql, typeOf } from './encoder.js';
import { encodeLabelSql } from './label.js';
import { fill } from './matrix.js';
import { metricsOf } from './metrics.js';
import { OnnxModel } from './onnx-model.js';
import { requireKinds } from './signature.js';
import { SIDES, sideSql } from './split.js';

export interface EvaluateTask {
  artifact: Artifact;
  onnx: Uint8Array;
  files: string[];
  id: string;
  label: string;
  holdout: number;
  threads: number;
}

/** Runs in a thread: metrics of an artifact on the hold-out of a dataset. */
export function evaluateInThread(task: EvaluateTask, { signal }: ThreadContext): Promise<Metrics> {
  const { artifact, id, label, files, threads } = task;
  const { features, classes } = artifact.encoder;
  return withDataset(
    files,
    threads,
    async (dataset) => {
      requireColumns(dataset, [id, label], 'which tell its hold-out and truth');
      requireColumns(
        dataset,
        features.map(({ name }) => name),
        'which this version was trained on',
      );
      requireKinds(dataset, features);
      await declareCategories(dataset, features);
      const where = `${quoteIdent(label)} IS NOT NULL AND ${sideSql(id, task.holdout, false)} = ${SIDES.holdout}`;
      const [counted] = await dataset.query(`SELECT count(*)::INTEGER AS n FROM rows WHERE ${where}`);
      const rows = Number(counted?.['n']);
      const columns = features.length;
      const matrix = {
        values: new Float32Array(rows * columns),
        labels: new Float32Array(rows),
        rows,
        columns,
      };
      const encoded = features.map((feature) => encodeSql(feature, typeOf(dataset, feature)));
      const truth = encodeLabelSql(dataset, label, artifact.task, classes);
      await fill(dataset, `SELECT ${truth}, ${encoded.join(', ')} FROM rows WHERE ${where}`, matrix);
      refuseNewClasses(matrix.labels, label, classes);
      const model = await OnnxModel.load(task.onnx, threads);
      try {
        return metricsOf(artifact.task, matrix.labels, await model.predict(matrix), classes.length);
      } finally {
        await model.close();
      }
    },
    signal,
  );
}

function refuseNewClasses(labels: Float32Array, label: string, classes: string[]): void {
  const unknown = labels.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0);
  if (unknown === 0) return;
  throw new MillraceError('LabelInvalid', {
    what: `label ${quoteIdent(label)} holds classes in ${unknown} rows that this version does not know; it knows ${classes.join(', ')}`,
    fix: 'It cannot be compared on these rows; take it out of service (rollback) before a candidate of other classes',
  });
}
