import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { onTestFinished } from 'vitest';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { DatasetRef } from '../../../schemas/dataset.js';
import { Predictor } from '../../../schemas/predictor.js';

/** A folder that goes when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-ml-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function temporaryStore() {
  return openLocalStore(join(await temporaryFolder(), 'lake'));
}

/** Runs SQL in an in-memory DuckDB. @returns the rows of the last statement */
export async function duckdb(...statements: string[]): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const sql of statements) rows = (await connection.runAndReadAll(sql)).getRowObjectsJS();
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Rows whose label depends on `a`, `b` and `city` with noise; `b` has gaps. All of it by hash, so always the same. */
export const customers = (rows: number, label = 'CASE WHEN z > 0.62 THEN 1 ELSE 0 END'): string => `
  SELECT id, a, b, city, vip, ${label} AS label FROM (
    SELECT *, a + coalesce(b, 0.3) * 0.5 + CASE city WHEN 'Graz' THEN 0.2 ELSE 0 END + noise * 0.2 AS z FROM (
      SELECT i AS id,
             (hash(i) % 10007) / 10007.0::DOUBLE AS a,
             CASE WHEN hash(i + 1e9::BIGINT) % 10 = 0 THEN NULL ELSE (hash(i * 31) % 1009) / 1009.0::DOUBLE END AS b,
             CASE WHEN hash(i * 17) % 7 = 0 THEN NULL ELSE ['Wien', 'Wien', 'Graz', 'Linz'][1 + (hash(i * 7) % 4)::INTEGER] END AS city,
             hash(i * 5) % 3 = 0 AS vip,
             (hash(i * 13) % 997) / 997.0::DOUBLE AS noise
      FROM range(${rows}) t(i)) ORDER BY id)`;

/** Writes a query's rows as Parquet and names them by content. */
export async function freeze(
  file: string,
  select: string,
): Promise<{ dataset: DatasetRef; files: string[] }> {
  await duckdb(`COPY (${select}) TO '${file}' (FORMAT parquet, ROW_GROUP_SIZE 20480)`);
  const bytes = await readFile(file);
  const [counted] = await duckdb(`SELECT count(*)::INTEGER AS n FROM '${file}'`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const ref = { uri: file, sha256, bytes: bytes.byteLength };
  return { dataset: { files: [ref], rows: Number(counted?.['n']), sha256 }, files: [file] };
}

/** A predictor of the rows of {@link customers}. */
export const predictorOf = (more: Record<string, unknown> = {}): Predictor =>
  Predictor.parse({
    ...{ task: 'binary', relation: 'gold', id: 'id', label: 'label' },
    params: { rounds: 40, depth: 4 },
    ...more,
  });
