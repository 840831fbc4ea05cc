import assert from 'node:assert';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '../../schemas/errors.js';
import type { ObjectRef } from '../../schemas/common.js';
import type { Batch } from '../../schemas/lake.js';
import { batchFolders, type StagedBatch } from '../lake/bronze.js';
import { sha256File } from '../lake/content.js';
import { stageProfile } from '../lake/profile.js';
import type { Rejects } from './rejects.js';

interface StageInput {
  source: string;
  stream: string;
  session: DuckDBConnection;
  /** where the files of the batch are written */
  folder: string;
  /** finished Parquet of the rows, in order, and their numbers */
  parts: { path: string; rows: number }[];
  rejects: Rejects;
  batch: Omit<Batch, 'parts' | 'loaded' | 'quarantined' | 'quarantine' | 'profile'>;
  inferred: boolean;
  contract: StagedBatch['contract'];
  signal?: AbortSignal | undefined;
}

/**
 * Makes a batch of finished Parquet: names each file by its content, so that equal names always mean equal bytes,
 * writes the quarantine and the profile.
 */
export async function stageBatch(input: StageInput): Promise<StagedBatch> {
  const { source, stream, session, folder, rejects, batch, inferred, contract, signal } = input;
  const { key, schema } = batch;
  const folders = batchFolders(source, batch.stream ?? stream, key);
  const written = input.parts.filter(({ rows }) => rows > 0);
  const loaded = sumRows(written);
  // the promise of bronze; if it ever breaks, nothing may be published
  assert.equal(batch.read, loaded + rejects.count + batch.filtered, 'read = loaded + quarantined + filtered');
  const parts: StagedFile[] = [];
  for (const { path } of written) {
    const stem = `${folders.rows}/part-${String(parts.length).padStart(4, '0')}`;
    parts.push(await stagedFile(path, stem, signal));
  }
  let quarantine: StagedFile | undefined;
  if (rejects.count > 0) {
    const path = join(folder, 'quarantine.parquet');
    await rejects.writeParquet(session, path, batch.source.file);
    quarantine = await stagedFile(path, `${folders.quarantine}/records-0000`, signal);
  }
  const paths = parts.map(({ path }) => path);
  const profile = await stageProfile({ session, folder, paths, schema, key, source, stream, rows: loaded });
  return {
    batch: {
      ...batch,
      parts: parts.map(({ ref }) => ref),
      ...{ loaded, quarantined: rejects.count, quarantine: quarantine?.ref ?? null, profile: profile.ref },
    },
    files: [...parts, ...(quarantine ? [quarantine] : []), profile].map(({ ref, path }) => ({
      key: ref.uri,
      path,
    })),
    inferred,
    ...(contract && { contract }),
  };
}

export const sumRows = (parts: { rows: number }[]): number => parts.reduce((sum, { rows }) => sum + rows, 0);

interface StagedFile {
  path: string;
  ref: ObjectRef;
}

async function stagedFile(path: string, stem: string, signal?: AbortSignal): Promise<StagedFile> {
  const sha256 = await sha256File(path, signal);
  const { size } = await stat(path);
  return { path, ref: { uri: `${stem}-${sha256.slice(0, 12)}.parquet`, sha256, bytes: size } };
}

/** Whether so many broken records are tolerated; a file without any good one never is. */
export const isTolerable = (tolerance: number, read: number, loaded: number): boolean =>
  loaded > 0 && read - loaded <= tolerance * read;

/** @returns MillraceError ToleranceExceeded that shows the first broken records */
export async function toleranceExceeded(
  session: DuckDBConnection,
  path: string,
  tolerance: number,
  read: number,
  quarantined: number,
  rejects: Rejects,
): Promise<MillraceError> {
  const share = ((100 * quarantined) / read).toPrecision(3);
  const first = await rejects.first(session, 3);
  return new MillraceError('ToleranceExceeded', {
    what: `${quarantined} of ${read} records (${share} %) are broken, ${100 * tolerance} % are tolerated. The first: ${first.join('; ')}`,
    where: { file: path },
    fix: 'Correct the file or the declared types; or raise the tolerance of the stream to keep broken records in quarantine. Nothing of it was loaded',
  });
}
