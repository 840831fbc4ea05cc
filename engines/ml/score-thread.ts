import { setImmediate } from 'node:timers/promises';
import { DuckDBDataChunk, DOUBLE, INTEGER, type DuckDBAppender } from '@duckdb/node-api';
import type { ScorePolicy } from '../../schemas/predictor.js';
import type { PartitionScore } from '../../schemas/score.js';
import type { Artifact, Feature } from '../../schemas/train.js';
import { quoteIdent, quoteText } from '../warehouse/port.js';
import type { ThreadContext } from '../thread.js';
import { requireColumns, requireRows, withDataset, type Dataset } from './dataset.js';
import { countBins, emptyBins } from './distribution.js';
import {
  declareCategories,
  encodeSql,
  nonFiniteSql,
  refuseNonFinite,
  refuseUnknown,
  typeOf,
  unknownSql,
} from './encoder.js';
import { copyRows, readBlocks, type Block } from './matrix.js';
import { argMax } from './metrics.js';
import { OnnxModel } from './onnx-model.js';
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
const BATCH = 16_384;
/** Rows in one DuckDB vector. */
const VECTOR = 2_048;

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

/** Scores all rows into the table `scores`, one row each in the rows' order, null for the quarantined. */
async function scoreRows(
  dataset: Dataset,
  { artifact, onnx }: ScoreTask,
  reason: string,
  signal: AbortSignal,
): Promise<PartitionScore> {
  const { features, classes } = artifact.encoder;
  const width = features.length;
  const outputs = artifact.task === 'multiclass' ? classes.length : 1;
  const counts: PartitionScore = {
    ...{ rows: 0, scored: 0, quarantined: 0 },
    features: features.map(({ reference }) => emptyBins(reference.edges)),
    scores: emptyBins(artifact.scores.edges),
  };
  // the model keeps the thread busy for milliseconds at a time: let the reader run ahead by a few batches
  await dataset.run("SET streaming_buffer_size = '16MB'");
  await dataset.run(`CREATE TABLE scores (score DOUBLE${outputs > 1 ? ', class INTEGER' : ''})`);
  const appender = await dataset.writer.createAppender('scores');
  const model = await OnnxModel.load(onnx, 1);
  const encoded = features.map((feature) => encodeSql(feature, typeOf(dataset, feature)));
  const sql = `SELECT CAST(CASE WHEN ${reason} IS NULL THEN 1 ELSE 0 END AS FLOAT), ${encoded.join(', ')} FROM rows`;
  try {
    for await (const batch of readBatches(dataset, sql, width)) {
      await setImmediate();
      signal.throwIfAborted();
      count(counts, artifact, batch);
      append(appender, batch, await model.predict(batch), outputs, counts.scores, artifact.scores.edges);
    }
  } finally {
    appender.closeSync();
    await model.close();
  }
  const [all] = await dataset.query('SELECT count(*)::INTEGER AS n FROM rows');
  requireRows(dataset, counts.rows, Number(all?.['n']));
  return counts;
}

/** Encoded rows that go through the model at once. */
interface Batch {
  values: Float32Array;
  /** 1 for a row to score, 0 for one to quarantine */
  usable: Float32Array;
  rows: number;
  columns: number;
}

async function* readBatches(dataset: Dataset, sql: string, columns: number): AsyncGenerator<Batch> {
  let blocks: Block[] = [];
  let rows = 0;
  const gather = (): Batch => {
    const values = new Float32Array(rows * columns);
    const usable = new Float32Array(rows);
    let start = 0;
    for (const {
      columns: [flag, ...features],
      rows: length,
    } of blocks) {
      copyRows(values, columns, start, features, length);
      for (let row = 0; row < length; row++) usable[start + row] = flag?.getItem(row) as number;
      start += length;
    }
    return { values, usable, rows, columns };
  };
  for await (const block of readBlocks(dataset, sql)) {
    blocks.push(block);
    rows += block.rows;
    if (rows + VECTOR <= BATCH) continue;
    yield gather();
    blocks = [];
    rows = 0;
  }
  if (rows > 0) yield gather();
}

function count(
  counts: PartitionScore,
  { encoder }: Artifact,
  { values, usable, rows, columns }: Batch,
): void {
  const kept = usable.reduce((sum, flag) => sum + flag, 0);
  counts.rows += rows;
  counts.scored += kept;
  counts.quarantined += rows - kept;
  const counted = kept === rows ? values : withoutUnusable(values, usable, kept, columns);
  encoder.features.forEach(({ reference }, at) => {
    countBins(counts.features[at]!, reference.edges, counted, at, columns, kept);
  });
}

function withoutUnusable(
  values: Float32Array,
  usable: Float32Array,
  kept: number,
  columns: number,
): Float32Array {
  const result = new Float32Array(kept * columns);
  let to = 0;
  usable.forEach((flag, row) => {
    if (flag === 0) return;
    result.set(values.subarray(row * columns, (row + 1) * columns), to);
    to += columns;
  });
  return result;
}

/** The score of a multiclass row is the probability of its predicted class. */
function append(
  appender: DuckDBAppender,
  { usable, rows }: Batch,
  scores: Float32Array,
  outputs: number,
  bins: number[],
  edges: number[],
): void {
  const kept = new Float32Array(rows);
  let length = 0;
  for (let start = 0; start < rows; start += VECTOR) {
    const size = Math.min(VECTOR, rows - start);
    const chunk = DuckDBDataChunk.create(outputs > 1 ? [DOUBLE, INTEGER] : [DOUBLE], size);
    const scoreColumn = chunk.getColumnVector(0);
    const classColumn = outputs > 1 ? chunk.getColumnVector(1) : undefined;
    for (let at = 0; at < size; at++) {
      const row = start + at;
      const best = classColumn ? argMax(scores, row * outputs, outputs) : 0;
      const score = scores[row * outputs + best]!;
      classColumn?.setItem(at, best);
      if (usable[row] === 1) scoreColumn.setItem(at, (kept[length++] = score));
      else scoreColumn.setItem(at, null);
    }
    scoreColumn.flush();
    classColumn?.flush();
    appender.appendDataChunk(chunk);
  }
  countBins(bins, edges, kept, 0, 1, length);
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
    `COPY (SELECT ${id}, score${named} FROM rows POSITIONAL JOIN scores WHERE score IS NOT NULL) TO ${quoteText(outFile)} ${parquet}`,
  );
  if (!quarantined) return;
  await run(
    `COPY (SELECT ${id}, ${reason} AS reason FROM rows WHERE ${reason} IS NOT NULL) TO ${quoteText(quarantineFile)} ${parquet}`,
  );
}
