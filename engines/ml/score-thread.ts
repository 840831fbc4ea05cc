import { setImmediate } from 'node:timers/promises';
import type { DuckDBAppender } from '@duckdb/node-api';
import type { ScorePolicy } from '../../schemas/predictor.js';
import type { PartitionScore } from '../../schemas/score.js';
import type { Artifact, Feature } from '../../schemas/train.js';
import { quoteIdent, quoteText } from '../warehouse/port.js';
import type { ThreadContext } from '../thread.js';
import { requireColumns, requireRows, withDataset, type Dataset } from './dataset.js';
import { addBins, binCodes, emptyBins } from './distribution.js';
import { DuckDBDataChunk, FLOAT, INTEGER } from './duckdb.js';
import {
  declareCategories,
  encodeSql,
  nonFiniteSql,
  refuseNonFinite,
  refuseUnknown,
  typeOf,
  unknownSql,
} from './encoder.js';
import { gatherRows, readBlocks, VECTOR } from './matrix.js';
import { argMax } from './metrics.js';
import { OnnxModel } from './onnx-model.js';
import { leadingFeatures, orderRows } from './row-order.js';
import { Batch } from './score-batch.js';
import { requireKinds } from './signature.js';

export interface ScoreTask {
  artifact: Artifact;
  onnx: Uint8Array;
  inFile: string;
  outFile: string;
  quarantineFile: string;
  unknownCategory: ScorePolicy['unknownCategory'];
  threads: number;
}

/** Rows in one call of the model: enough to make the call itself cheap, few enough to stay in the cache. */
const SLICE = 4_096;

/**
 * Runs in a thread: scores one Parquet file into another, in its order. DuckDB encodes the rows and writes the result;
 * only numbers pass through JavaScript, and never all of them at once. The model runs on this thread alone: its own
 * threads meet after every 128 rows, which costs more than they bring, and add up in an order of their own. DuckDB's
 * threads work beside it, and so do other partitions.
 */
export function scoreInThread(task: ScoreTask, { signal }: ThreadContext): Promise<PartitionScore> {
  const { artifact, unknownCategory } = task;
  const { features } = artifact.encoder;
  return withDataset(
    [task.inFile],
    task.threads,
    async (dataset) => {
      requireColumns(dataset, [artifact.id], 'which is the id of this predictor');
      requireColumns(
        dataset,
        features.map(({ name }) => name),
        'which this version was trained on',
      );
      requireKinds(dataset, features);
      await declareCategories(dataset, features);
      const reason = reasonSql(dataset, features, artifact.id, unknownCategory !== 'missing');
      const counts = await scoreRows(dataset, task, reason, signal);
      if (unknownCategory === 'fail' && counts.quarantined > 0) {
        await refuseNonFinite(dataset, features, artifact.id, 'true');
        await refuseUnknown(dataset, features, artifact.id);
      }
      await writeFiles(dataset, task, reason, counts.quarantined > 0);
      return counts;
    },
    signal,
  );
}

/** SQL of why a row cannot be scored; null for one that can. */
function reasonSql(dataset: Dataset, features: Feature[], id: string, strict: boolean): string {
  const checks = features.flatMap((feature) => {
    const name = feature.name;
    const infinite = nonFiniteSql(feature, typeOf(dataset, feature));
    const unknown = unknownSql(feature);
    return [
      ...(infinite ? [`WHEN ${infinite} THEN ${quoteText(`${name} is not a finite number`)}`] : []),
      ...(unknown
        ? [`WHEN ${unknown} THEN ${quoteText(`${name} is a category that training never saw`)}`]
        : []),
    ];
  });
  return `CASE WHEN ${quoteIdent(id)} IS NULL THEN 'the id is null' ${strict ? checks.join(' ') : ''} ELSE NULL END`;
}

/** Scores all rows into the table `scores`, one row each in the rows' order; NaN for the quarantined. */
async function scoreRows(
  dataset: Dataset,
  { artifact, onnx }: ScoreTask,
  reason: string,
  signal: AbortSignal,
): Promise<PartitionScore> {
  const { features, classes } = artifact.encoder;
  const outputs = artifact.task === 'multiclass' ? classes.length : 1;
  const counts: PartitionScore = {
    ...{ rows: 0, scored: 0, quarantined: 0 },
    features: features.map(({ reference }) => emptyBins(reference.edges)),
    scores: emptyBins(artifact.scores.edges),
  };
  // the model keeps the thread busy for milliseconds at a time: let the reader run ahead
  await dataset.run("SET streaming_buffer_size = '16MB'");
  await dataset.run(`CREATE TABLE scores (score FLOAT${outputs > 1 ? ', class INTEGER' : ''})`);
  const appender = await dataset.writer.createAppender('scores');
  const model = await OnnxModel.load(onnx, 1);
  const encoded = features.map((feature) => encodeSql(feature, typeOf(dataset, feature)));
  const sql = `SELECT CAST(${reason} IS NULL AS FLOAT), ${encoded.join(', ')} FROM rows`;
  const batch = new Batch(features.length, leadingFeatures(artifact));
  const flush = async (): Promise<void> => {
    const predicted = await predict(model, batch, outputs, signal);
    const scores = outputs > 1 ? topClasses(predicted, outputs) : { scores: predicted };
    const usable = batch.usable.subarray(0, batch.rows);
    addBins(counts.scores, binCodes(artifact.scores.edges, scores.scores), usable);
    append(appender, scores, usable);
    batch.rows = 0;
  };
  try {
    for await (const block of readBlocks(dataset, sql)) {
      if (batch.rows + block.rows > batch.capacity) await flush();
      batch.add(block, counts, features);
    }
    if (batch.rows > 0) await flush();
  } finally {
    appender.closeSync();
    await model.close();
  }
  const [all] = await dataset.query('SELECT count(*)::INTEGER AS n FROM rows');
  requireRows(dataset, counts.rows, Number(all?.['n']));
  return counts;
}

/** Takes the rows of a batch through the model, ordered. @returns its outputs in the rows' own order */
async function predict(
  model: OnnxModel,
  { values, width, rows, codes }: Batch,
  outputs: number,
  signal: AbortSignal,
): Promise<Float32Array> {
  const order = orderRows(codes, rows);
  const result = new Float32Array(rows * outputs);
  const slice = new Float32Array(SLICE * width);
  for (let from = 0; from < rows; from += SLICE) {
    await setImmediate();
    signal.throwIfAborted();
    const size = Math.min(SLICE, rows - from);
    gatherRows(slice, values, width, order, from, from + size);
    const found = await model.predict({
      values: slice.subarray(0, size * width),
      rows: size,
      columns: width,
    });
    for (let at = 0, cell = 0; at < size; at++) {
      const to = order[from + at]! * outputs;
      for (let output = 0; output < outputs; output++) result[to + output] = found[cell++]!;
    }
  }
  return result;
}

interface Scores {
  scores: Float32Array;
  /** of a multiclass predictor */
  classes?: Int32Array;
}

/** The score of a multiclass row is the probability of its predicted class. */
function topClasses(predicted: Float32Array, outputs: number): Required<Scores> {
  const rows = predicted.length / outputs;
  const classes = Int32Array.from({ length: rows }, (_, row) => argMax(predicted, row * outputs, outputs));
  const scores = Float32Array.from(classes, (best, row) => predicted[row * outputs + best]!);
  return { scores, classes };
}

function append(appender: DuckDBAppender, { scores, classes }: Scores, usable: Float32Array): void {
  for (let start = 0; start < usable.length; start += VECTOR) {
    const size = Math.min(VECTOR, usable.length - start);
    const chunk = DuckDBDataChunk.create(classes ? [FLOAT, INTEGER] : [FLOAT], size);
    const scoreColumn = chunk.getColumnVector(0);
    const classColumn = classes && chunk.getColumnVector(1);
    for (let at = 0; at < size; at++) {
      const row = start + at;
      scoreColumn.setItem(at, usable[row] === 1 ? scores[row]! : NaN);
      classColumn?.setItem(at, classes?.[row] ?? null);
    }
    scoreColumn.flush();
    classColumn?.flush();
    appender.appendDataChunk(chunk);
  }
}

async function writeFiles(
  { run }: Dataset,
  { artifact, outFile, quarantineFile }: ScoreTask,
  reason: string,
  quarantined: boolean,
): Promise<void> {
  const id = quoteIdent(artifact.id);
  const names = artifact.encoder.classes.map(quoteText).join(', ');
  const named = artifact.task === 'multiclass' ? `, [${names}][class + 1] AS class` : '';
  const parquet = '(FORMAT parquet, COMPRESSION zstd)';
  await run(
    `COPY (SELECT ${id}, CAST(score AS DOUBLE) AS score${named} FROM rows POSITIONAL JOIN scores WHERE NOT isnan(score)) TO ${quoteText(outFile)} ${parquet}`,
  );
  if (!quarantined) return;
  await run(
    `COPY (SELECT ${id}, ${reason} AS reason FROM rows WHERE ${reason} IS NOT NULL) TO ${quoteText(quarantineFile)} ${parquet}`,
  );
}
