import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ObjectRef } from '../../../schemas/common.js';
import { MillraceError } from '../../../schemas/errors.js';
import type { Batch, BronzeSchema } from '../../../schemas/lake.js';
import type { FileStream } from '../../../schemas/source.js';
import { batchFolders, type StagedBatch } from '../../lake/bronze.js';
import { contentKey, sha256File } from '../../lake/content.js';
import { withDuckDb } from '../../lake/duckdb.js';
import { stageProfile } from '../../lake/profile.js';
import { contextOption, readContext, type RecordContext } from '../../lake/quarantined-records.js';
import type { ObjectStore } from '../../lake/store.js';
import { quoteText } from '../../warehouse/port.js';
import { extractFile } from '../extract-file.js';
import { writeRecordFile, type Refusal } from './record-file.js';

export interface ReplayInput {
  store: ObjectStore;
  source: string;
  stream: string;
  /** the stream's declaration as it is now */
  spec: FileStream;
  /** the batch whose quarantined records are read again */
  origin: Batch;
  /** columns of the stream as of its last batch */
  frozenSchema: BronzeSchema | undefined;
  extractedAt: string;
  run: string;
  workDir: string;
  signal?: AbortSignal | undefined;
}

/** `why` says, with the first reasons, that no record fits. */
export type ReplayResult = { staged: StagedBatch; why?: never } | { staged: null; why: string };

/**
 * Reads the quarantined records of a batch again, as a batch of its own: rows carry their original file and position,
 * and what still does not fit is in the new batch's quarantine. Its key follows from the quarantined records alone, not
 * from the declaration, so a record can come in once only, whatever declarations it was tried with.
 *
 * @throws MillraceError Unsupported, FormatMismatch, and what reading a file throws
 */
export async function replayBatch(input: ReplayInput): Promise<ReplayResult> {
  const { store, origin, spec, workDir, signal } = input;
  if (!origin.quarantine) return { staged: null, why: 'nothing is quarantined' };
  const quarantine = await store.localFile(origin.quarantine.uri);
  const key = contentKey('replay', origin.key, origin.quarantine.sha256);
  const folder = await mkdtemp(join(workDir, 'replay-'));
  return withDuckDb({ workDir: folder, signal }, async ([session]) => {
    const context = await readContext(session, quarantine);
    await session.run(
      `CREATE TEMP TABLE quarantined AS
       SELECT row_number() OVER (ORDER BY record) AS position, * FROM read_parquet(${quoteText(quarantine)})`,
    );
    const path = join(folder, 'records');
    const { format, refused } = await writeRecordFile(session, 'quarantined', {
      ...{ format: spec.format, context, path },
    });
    const expected = origin.quarantined - refused.length;
    if (expected === 0) return { staged: null, why: refused[0]?.reason ?? '' };
    await numberWritten(session, refused);
    const read = await extract(input, { ...spec, format, tolerance: 1 }, path, folder);
    if ('why' in read) return { staged: null, why: await placedAgain(session, read.why) };
    if (read.batch.read !== expected) throw cutOtherwise(origin, expected, read.batch.read);
    return { staged: await remap(session, read, { input, key, folder, context }) };
  });
}

async function extract(
  { source, stream, origin, extractedAt, run, frozenSchema, signal }: ReplayInput,
  spec: FileStream,
  path: string,
  workDir: string,
): Promise<StagedBatch | { why: string }> {
  const { size: bytes, mtimeMs } = await stat(path);
  const { file } = origin.source;
  try {
    return await extractFile({
      ...{ source, stream, spec, extractedAt, run, frozenSchema, workDir, signal },
      ...{ file: { file, path, bytes, mtimeMs }, interval: origin.interval },
    });
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    // a file of broken records only may not even look like its format
    if (error.type === 'FormatMismatch') return { why: error.what };
    if (error.type === 'ToleranceExceeded') return { why: error.what.replace(/^.*?The first: /s, '') };
    // what it knows of places is of the file that was written here
    if (error.where.file !== path) throw error;
    const { type, what, fix } = error;
    throw new MillraceError(type, { what, where: { file }, ...(fix !== undefined && { fix }), cause: error });
  }
}

/** `record 1 (byte 0): … at byte 24` with the places in the original file. */
async function placedAgain(session: DuckDBConnection, why: string): Promise<string> {
  const reader = await session.runAndReadAll(
    'SELECT record, line, byte FROM written ORDER BY number LIMIT 100',
  );
  const places = (reader.getRowsJson() as [string, string, string][]).map((row) => row.map(Number));
  let shift = 0;
  return why.replaceAll(
    /\brecord (\d+) \((?:line \d+, )?byte (\d+)\)|( at byte )(\d+)/g,
    (text, number?: string, byte?: string, before?: string, inside?: string) => {
      if (before !== undefined) return `${before}${Number(inside) + shift}`;
      const [record, line = 0, at = 0] = places[Number(number) - 1] ?? [];
      if (record === undefined) return text;
      shift = at - Number(byte);
      return `record ${record} (${line > 0 ? `line ${line}, ` : ''}byte ${at})`;
    },
  );
}

/** Bytes that a reason names, shifted from the file that was written to the original one. */
const SHIFTED = `array_to_string(list_transform(string_split(again.reason, ' at byte '), lambda part, n:
  CASE WHEN n = 1 THEN part ELSE regexp_replace(part, '^[0-9]+',
    coalesce(try_cast(regexp_extract(part, '^[0-9]+') AS BIGINT) + written.byte - again.byte, 0)::VARCHAR) END), ' at byte ')`;

/** Makes `written`: each record of the file, by its number there. */
async function numberWritten(session: DuckDBConnection, refused: Refusal[]): Promise<void> {
  await session.run('CREATE TEMP TABLE refused (position BIGINT, reason VARCHAR)');
  for (let at = 0; at < refused.length; at += 1_000) {
    const rows = refused
      .slice(at, at + 1_000)
      .map(({ position, reason }) => `(${position}, ${quoteText(reason)})`);
    await session.run(`INSERT INTO refused VALUES ${rows.join(', ')}`);
  }
  await session.run(
    `CREATE TEMP TABLE written AS SELECT row_number() OVER (ORDER BY position) AS number, *
     FROM quarantined ANTI JOIN refused USING (position)`,
  );
}

/** Gives rows and records their original places back. */
async function remap(
  session: DuckDBConnection,
  { batch, files, inferred, contract }: StagedBatch,
  {
    input,
    key,
    folder,
    context,
  }: { input: ReplayInput; key: string; folder: string; context: RecordContext },
): Promise<StagedBatch> {
  const { source, stream, origin } = input;
  const folders = batchFolders(source, stream, key);
  const local = new Map(files.map(({ key: uri, path }) => [uri, quoteText(path)]));
  const write = async (
    select: string,
    stem: string,
    options = '',
  ): Promise<{ ref: ObjectRef; path: string }> => {
    const path = join(folder, `${stem.replaceAll('/', '-')}.parquet`);
    await session.run(`COPY (${select}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd${options})`);
    const sha256 = await sha256File(path);
    return {
      path,
      ref: { uri: `${stem}-${sha256.slice(0, 12)}.parquet`, sha256, bytes: (await stat(path)).size },
    };
  };
  const parts: { ref: ObjectRef; path: string }[] = [];
  for (const { uri } of batch.parts) {
    const select = `SELECT part.* REPLACE (written.file AS _source_file, written.record AS _source_position, ${quoteText(key)} AS _batch)
      FROM read_parquet(${local.get(uri)}) part JOIN written ON written.number = part._source_position ORDER BY written.number`;
    const stem = `${folders.rows}/part-${String(parts.length).padStart(4, '0')}`;
    parts.push(await write(select, stem, await metadataOf(session, local.get(uri) ?? '')));
  }
  const again = batch.quarantine
    ? `SELECT written.position, ${SHIFTED} AS reason FROM read_parquet(${local.get(batch.quarantine.uri)}) again JOIN written ON written.number = again.record UNION ALL `
    : '';
  const left = `SELECT record, line, byte, left_out.reason, raw, file
    FROM (${again}SELECT position, reason FROM refused) left_out JOIN quarantined USING (position) ORDER BY record`;
  const quarantined = origin.quarantined - batch.loaded - batch.filtered;
  const quarantine =
    quarantined > 0 ? await write(left, `${folders.quarantine}/records-0000`, contextOption(context)) : null;
  const profile = await stageProfile({
    ...{ session, folder, source, stream, key, schema: batch.schema, paths: parts.map(({ path }) => path) },
  });
  for (const { path } of files) await rm(path, { force: true });
  return {
    batch: {
      ...batch,
      ...{ key, source: origin.source, replays: origin.key, profile: profile.ref },
      ...(origin.stream !== undefined && { stream: origin.stream }),
      ...(origin.rowKey !== undefined && { rowKey: origin.rowKey }),
      ...{ parts: parts.map(({ ref }) => ref), read: origin.quarantined, quarantined },
      quarantine: quarantine?.ref ?? null,
    },
    files: [...parts, ...(quarantine ? [quarantine] : []), profile].map(({ ref, path }) => ({
      ...{ key: ref.uri, path },
    })),
    inferred,
    ...(contract && { contract }),
  };
}

/** What a Parquet says of itself, such as where its columns come from, as an option for another one. */
async function metadataOf(session: DuckDBConnection, path: string): Promise<string> {
  const reader = await session.runAndReadAll(
    `SELECT decode(key), decode(value) FROM parquet_kv_metadata(${path})`,
  );
  const rows = reader.getRowsJson() as [string, string][];
  const pairs = rows.map(([key, value]) => `${quoteText(key)}: ${quoteText(value)}`);
  return pairs.length > 0 ? `, KV_METADATA {${pairs.join(', ')}}` : '';
}

const cutOtherwise = (origin: Batch, expected: number, read: number): MillraceError =>
  new MillraceError('FormatMismatch', {
    what: `The declaration cuts the ${expected} quarantined records into ${read}`,
    where: { file: origin.source.file },
    fix: 'Records are kept as they were cut then. Deliver the file again, to be cut by the new declaration; then drop these',
  });
