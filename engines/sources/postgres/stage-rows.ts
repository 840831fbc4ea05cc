import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../../schemas/errors.js';
import type { ObjectRef } from '../../../schemas/common.js';
import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import type { Contract } from '../../../schemas/stream.js';
import { batchFolders, type StagedBatch } from '../../lake/bronze.js';
import { sha256, sha256File } from '../../lake/content.js';
import { asDiskFull } from '../../lake/disk-full.js';
import { withDuckDb } from '../../lake/duckdb.js';
import { stageProfile } from '../../lake/profile.js';
import { rowSchema, type RowColumns } from './row-columns.js';
import type { RowSegment } from './row-file.js';
import { RowLoader, type TrailingColumn } from './row-loader.js';

/** What a batch of rows is about; the rest is counted. */
export interface RowBatch {
  source: string;
  stream: string;
  key: string;
  /** `schema.name` of the table */
  table: string;
  interval: Batch['interval'];
  extractedAt: string;
  run: string;
  contract: Contract;
  /** share of rows that may be set aside */
  tolerance: number;
  /** however many; they are looked at again */
  lenient?: boolean;
  columns: RowColumns;
  /** columns that the CSV has after the table's */
  trailing?: TrailingColumn[];
  /** statistics of its columns go with it */
  profiled?: boolean;
  workDir: string;
  signal?: AbortSignal | undefined;
  onRows?: ((rows: number) => void) | undefined;
}

export interface StagedRows {
  staged: StagedBatch;
  rows: number;
}

/**
 * Turns segments of the server's texts into the Parquet of one batch, while they come.
 * @throws MillraceError ToleranceExceeded, DiskFull; what `segments` throws. Whatever it throws, it leaves no file behind.
 */
export async function stageRows(
  batch: RowBatch,
  read: (folder: string) => AsyncIterable<RowSegment>,
): Promise<StagedRows> {
  const { workDir, signal } = batch;
  const folder = await mkdtemp(join(workDir, 'rows-'));
  try {
    return await withDuckDb({ workDir: folder, signal, sessions: 2 }, async (sessions) => {
      const { columns, trailing = [], table, key, extractedAt } = batch;
      const options = { columns, trailing, folder, table, batch: key, extractedAt };
      const loader = await RowLoader.create(sessions, options);
      try {
        return await load(folder, batch, loader, read(folder));
      } finally {
        await loader.stop();
      }
    });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw asDiskFull(error, folder);
  }
}

async function load(
  folder: string,
  batch: RowBatch,
  loader: RowLoader,
  segments: AsyncIterable<RowSegment>,
): Promise<StagedRows> {
  let [rows, bytes, index] = [0, 0, 0];
  for await (const segment of segments) {
    await loader.add(index++, segment);
    rows += segment.rows;
    bytes += segment.bytes;
    batch.onRows?.(rows);
  }
  const { parts, variants, loaded, rejected, discarded } = await loader.finish();
  if (!batch.lenient && rejected > 0 && (loaded === 0 || rejected > batch.tolerance * rows))
    throw toleranceExceeded(batch, rows, rejected, await loader.reasons(3));
  const { source, stream, key, signal } = batch;
  const folders = batchFolders(source, stream, key);
  const files: { path: string; ref: ObjectRef }[] = [];
  for (const path of parts) {
    const stem = `${folders.rows}/part-${String(files.length).padStart(4, '0')}`;
    files.push(await namedFile(path, stem, signal));
  }
  let quarantine: { path: string; ref: ObjectRef } | undefined;
  if (rejected > 0) {
    const path = join(folder, 'quarantine.parquet');
    await loader.writeQuarantine(path);
    quarantine = await namedFile(path, `${folders.quarantine}/records-0000`, signal);
  }
  const refs = files.map(({ ref }) => ref);
  const trailing: BronzeSchema = (batch.trailing ?? []).map(({ name, type }) => ({ name, type }));
  const schema = [...rowSchema(batch.columns, variants), ...trailing];
  const { session } = loader;
  const profile =
    batch.profiled && parts.length > 0
      ? await stageProfile({ session, folder, paths: parts, schema, source, stream, key })
      : undefined;
  return {
    rows,
    staged: {
      batch: {
        key,
        source: {
          file: batch.table,
          bytes,
          mtimeMs: 0,
          sha256: sha256(refs.map((ref) => ref.sha256).join()),
        },
        interval: batch.interval,
        ...{ parts: refs, schema },
        ...(profile && { profile: profile.ref }),
        ...{ read: rows, loaded, quarantined: rejected, filtered: 0 },
        ...(discarded > 0 && { discarded }),
        quarantine: quarantine?.ref ?? null,
        ...{ extractedAt: batch.extractedAt, run: batch.run },
      },
      files: [...files, quarantine, profile].flatMap((file) =>
        file ? [{ key: file.ref.uri, path: file.path }] : [],
      ),
      inferred: false,
      contract: { columns: batch.contract.columns, types: batch.contract.types },
    },
  };
}

/** Names a finished file by its content, so that equal names always mean equal bytes. */
export async function namedFile(
  path: string,
  stem: string,
  signal?: AbortSignal,
): Promise<{ path: string; ref: ObjectRef }> {
  const hash = await sha256File(path, signal);
  const { size } = await stat(path);
  return { path, ref: { uri: `${stem}-${hash.slice(0, 12)}.parquet`, sha256: hash, bytes: size } };
}

function toleranceExceeded(
  { table, tolerance }: RowBatch,
  rows: number,
  rejected: number,
  first: string[],
): MillraceError {
  return new MillraceError('ToleranceExceeded', {
    what: `${rejected} of ${rows} rows do not fit, ${100 * tolerance} % are tolerated. The first: ${first.join('; ')}`,
    where: { path: table },
    fix: 'Correct the rows or the declared types; let the contract evolve to keep such values as text; or raise the tolerance to keep such rows in quarantine. Nothing was loaded',
  });
}
