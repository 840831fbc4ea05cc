import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readArtifact, readOnnx } from '../../../engines/ml/artifact.js';
import { fit } from '../../../engines/ml/fit.js';
import { OnnxModel } from '../../../engines/ml/onnx-model.js';
import { publishScores } from '../../../engines/ml/publish-scores.js';
import { scorePartition } from '../../../engines/ml/score.js';
import { openDuckDb } from '../../../engines/warehouse/duckdb.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import { customers, duckdb, freeze, predictorOf, temporaryFolder, temporaryStore } from './support.js';

const INTERVAL = { start: '2026-11-02T00:00:00.000Z', end: '2026-11-09T00:00:00.000Z' };

async function trained(label?: string, more: Record<string, unknown> = {}) {
  const store = await temporaryStore();
  const folder = await temporaryFolder();
  const frozen = await freeze(join(folder, 'train.parquet'), customers(6_000, label));
  const { hash } = await fit({
    store,
    predictorName: 'engagement',
    predictor: predictorOf(more),
    ...frozen,
    threads: 2,
  });
  return { store, folder, hash };
}

async function scored(
  { store, folder, hash }: { store: ObjectStore; folder: string; hash: string },
  select: string,
  unknownCategory: 'fail' | 'quarantine' | 'missing' = 'fail',
  part = 0,
) {
  const { files } = await freeze(join(folder, `in-${part}.parquet`), select);
  const outFile = join(folder, `out-${part}.parquet`);
  const quarantineFile = join(folder, `quarantine-${part}.parquet`);
  const counts = await scorePartition({
    ...{ store, predictorName: 'engagement', hash, outFile, quarantineFile, unknownCategory, threads: 2 },
    inFile: files[0] ?? '',
  });
  return { counts, outFile, quarantineFile };
}

describe('scoring', () => {
  test('gives each row the score of its own features, in the order of the file', async () => {
    const predictor = await trained();
    // 70,000 rows, not sorted: several row groups, several batches
    const { counts, outFile } = await scored(
      predictor,
      `SELECT * FROM (${customers(70_000)}) ORDER BY hash(id)`,
    );
    expect(counts).toMatchObject({ rows: 70_000, scored: 70_000, quarantined: 0 });
    const rows = await duckdb(
      `SELECT count(*)::INTEGER AS n, count(DISTINCT id)::INTEGER AS ids FROM '${outFile}'`,
    );
    expect(rows).toEqual([{ n: 70_000, ids: 70_000 }]);
    const artifact = await readArtifact(predictor.store, 'engagement', predictor.hash);
    const model = await OnnxModel.load(
      await readOnnx(predictor.store, 'engagement', predictor.hash, artifact),
      1,
    );
    const codes = artifact.encoder.features[2]?.categories ?? [];
    const sample = await duckdb(
      `SELECT r.*, s.score FROM (${customers(70_000)}) r JOIN '${outFile}' s USING (id) WHERE hash(id) % 1000 = 3 ORDER BY id`,
    );
    expect(sample.length).toBeGreaterThan(40);
    for (const row of sample) {
      const city = row['city'] === null ? NaN : codes.indexOf(row['city'] as string);
      const values = Float32Array.from([
        Number(row['a']),
        row['b'] === null ? NaN : Number(row['b']),
        city,
        row['vip'] ? 1 : 0,
      ]);
      const [expected] = await model.predict({ values, rows: 1, columns: 4 });
      expect(row['score']).toBeCloseTo(expected ?? NaN, 6);
    }
    await model.close();
  });

  test('scores each of 210,000 rows once', async () => {
    const predictor = await trained();
    const { counts, outFile } = await scored(predictor, customers(210_000));
    expect(counts).toMatchObject({ rows: 210_000, scored: 210_000, quarantined: 0 });
    const rows = await duckdb(
      `SELECT count(*)::INTEGER AS n, count(DISTINCT id)::INTEGER AS ids, max(id)::INTEGER AS last FROM '${outFile}'`,
    );
    expect(rows).toEqual([{ n: 210_000, ids: 210_000, last: 209_999 }]);
  });

  test('gives a row the same score whatever its neighbours are', async () => {
    const predictor = await trained();
    const all = await scored(predictor, customers(20_000), 'fail', 0);
    const some = await scored(predictor, `SELECT * FROM (${customers(20_000)}) WHERE id % 7 = 3`, 'fail', 1);
    const same = await duckdb(
      `SELECT count(*)::INTEGER AS n FROM '${all.outFile}' a JOIN '${some.outFile}' s USING (id, score)`,
    );
    expect(same).toEqual([{ n: some.counts.rows }]);
  });

  test('quarantines what is not finite in a 32-bit column, and reads its nulls as missing', async () => {
    const predictor = await trained();
    const single = `SELECT * REPLACE (CASE id WHEN 3 THEN 'NaN' WHEN 5 THEN 'Infinity' WHEN 7 THEN NULL ELSE a END::FLOAT AS a) FROM (${customers(1_000)})`;
    const { counts } = await scored(predictor, single, 'quarantine');
    expect(counts).toMatchObject({ rows: 1_000, scored: 998, quarantined: 2 });
    expect(counts.features[0]?.at(-1)).toBe(1);
    expect(counts.scores.reduce((sum, count) => sum + count, 0)).toBe(998);
  });

  test('counts bins, missing values included', async () => {
    const { counts } = await scored(await trained(), customers(10_000));
    for (const bins of [...counts.features, counts.scores]) {
      expect(bins.reduce((sum, count) => sum + count, 0)).toBe(10_000);
    }
    const [missing] = await duckdb(
      `SELECT count(*)::INTEGER AS n FROM (${customers(10_000)}) WHERE city IS NULL`,
    );
    expect(counts.features[2]?.at(-1)).toBe(missing?.['n']);
  });

  test('names the predicted class of a multiclass predictor', async () => {
    const label = "CASE WHEN z < 0.5 THEN 'low' WHEN z < 0.9 THEN 'middle' ELSE 'top' END";
    const { outFile } = await scored(await trained(label, { task: 'multiclass' }), customers(5_000, label));
    const [row] = await duckdb(
      `SELECT avg((s.class = r.label)::INTEGER) AS hits, min(score) AS low FROM '${outFile}' s JOIN (${customers(5_000, label)}) r USING (id)`,
    );
    expect(row?.['hits']).toBeGreaterThan(0.8);
    expect(row?.['low']).toBeGreaterThan(1 / 3 - 1e-6);
  });

  const odd = `SELECT * REPLACE (CASE id WHEN 3 THEN 'Bregenz' ELSE city END AS city, CASE id WHEN 5 THEN 'NaN'::DOUBLE ELSE a END AS a) FROM (${customers(1_000)})`;

  test('meets an unknown category as its policy says', async () => {
    const predictor = await trained();
    const unknown = `SELECT * REPLACE (CASE id WHEN 3 THEN 'Bregenz' ELSE city END AS city) FROM (${customers(1_000)})`;
    await expect(scored(predictor, unknown)).rejects.toMatchObject({
      type: 'UnknownCategory',
      message: expect.stringMatching(/"city".*'Bregenz'.*1 rows.*id = 3/),
    });
    await expect(scored(predictor, odd)).rejects.toMatchObject({ type: 'NonFiniteFeature' });
    const kept = await scored(predictor, odd, 'quarantine', 1);
    expect(kept.counts).toMatchObject({ rows: 1_000, scored: 998, quarantined: 2 });
    expect(
      await duckdb(`SELECT id::INTEGER AS id, reason FROM '${kept.quarantineFile}' ORDER BY id`),
    ).toEqual([
      { id: 3, reason: 'city is a category that training never saw' },
      { id: 5, reason: 'a is not a finite number' },
    ]);
    const read = await scored(predictor, odd, 'missing', 2);
    expect(read.counts).toMatchObject({ scored: 1_000, quarantined: 0 });
    const same = await duckdb(
      `SELECT count(*)::INTEGER AS n FROM '${kept.outFile}' k JOIN '${read.outFile}' r USING (id, score)`,
    );
    expect(same).toEqual([{ n: 998 }]);
  });

  test('names columns that are gone or of another kind', async () => {
    const predictor = await trained();
    await expect(scored(predictor, `SELECT * EXCLUDE (vip) FROM (${customers(10)})`)).rejects.toMatchObject({
      type: 'FeatureMissing',
    });
    await expect(
      scored(predictor, `SELECT * REPLACE ('x' || a AS a) FROM (${customers(10)})`),
    ).rejects.toMatchObject({
      type: 'SchemaMismatch',
      message: expect.stringContaining('"a" is VARCHAR and was DOUBLE'),
    });
  });
});

describe('publishing', () => {
  test('puts results and QA of an interval in place together, once', async () => {
    const predictor = await trained();
    const parts = [
      await scored(predictor, `SELECT * FROM (${customers(4_000)}) WHERE id < 2000`, 'quarantine', 0),
      await scored(
        predictor,
        `SELECT * REPLACE (CASE id WHEN 3000 THEN 'Bregenz' ELSE city END AS city) FROM (${customers(4_000)}) WHERE id >= 2000`,
        'quarantine',
        1,
      ),
    ];
    const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '1GB' });
    onTestFinished(() => warehouse.close());
    const input = {
      ...{
        warehouse,
        schema: 'main',
        output: 'engagement_scores',
        interval: INTERVAL,
        run: 'run-1',
        key: 'k1',
      },
      files: parts.map(({ outFile }) => outFile),
      quarantineFiles: [parts[1]?.quarantineFile ?? ''],
      partitions: parts.map(({ counts }) => counts),
      artifact: await readArtifact(predictor.store, 'engagement', predictor.hash),
      predictor: { name: 'engagement', version: 3, hash: predictor.hash },
    };
    const published = await publishScores(input);
    expect(published).toMatchObject({
      relation: 'main.engagement_scores',
      rows: 4_000,
      scored: 3_999,
      quarantined: 1,
    });
    expect(published.scorePsi).toBeLessThan(0.1);
    const deciles = await warehouse.query(
      'SELECT decile, count(*) AS n, min(score) AS low, max(score) AS high FROM engagement_scores GROUP BY 1 ORDER BY 1',
    );
    expect(deciles.map(({ decile }) => decile)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const [at, { low }] of deciles.entries()) {
      if (at > 0) expect(Number(low)).toBeGreaterThanOrEqual(Number(deciles[at - 1]?.['high']));
    }
    const fingerprint = () =>
      warehouse.query('SELECT count(*) AS n, sum(hash(s::VARCHAR)) AS h FROM engagement_scores s');
    const before = await fingerprint();

    // again, and with other files under the same key: nothing happens
    await publishScores({ ...input, files: [], quarantineFiles: [] });
    expect(await fingerprint()).toEqual(before);
    // another key replaces the slice; going back to the first key publishes it again
    const next = { ...input, key: 'k2', predictor: { ...input.predictor, version: 4 } };
    await publishScores(next);
    expect(await warehouse.query('SELECT DISTINCT predictor_version AS v FROM engagement_scores')).toEqual([
      { v: 4 },
    ]);
    await publishScores(input);
    expect(await fingerprint()).toEqual(before);
    // another interval stands beside it
    await publishScores({
      ...input,
      key: 'k3',
      interval: { start: INTERVAL.end, end: '2026-11-16T00:00:00.000Z' },
    });
    const [qa] = await warehouse.query(
      "SELECT * FROM engagement_scores_qa WHERE interval_start = TIMESTAMP '2026-11-02'",
    );
    expect(qa).toMatchObject({
      ...{ predictor: 'engagement', predictor_version: 3, rows_in: 4_000, scored: 3_999, quarantined: 1 },
      ...{ verdict: 'stable' },
    });
    expect(JSON.parse(String(qa?.['null_rates']))).toMatchObject({ a: 0, city: expect.closeTo(1 / 7, 1) });
    const totals = await warehouse.query(
      `SELECT (SELECT count(*) FROM engagement_scores) AS results, (SELECT count(*) FROM engagement_scores_qa) AS qa,
              (SELECT count(*) FROM engagement_scores_quarantine) AS quarantine`,
    );
    expect(totals).toEqual([{ results: 7_998, qa: 2, quarantine: 2 }]);

    // files that hold other rows than were counted: all or nothing
    await expect(publishScores({ ...input, key: 'k4', files: input.files.slice(1) })).rejects.toMatchObject({
      type: 'ObjectCorrupt',
    });
    const [kept] = await warehouse.query('SELECT count(*) AS n FROM engagement_scores');
    expect(kept).toEqual({ n: 7_998 });
  });
});
