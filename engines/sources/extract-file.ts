import assert from 'node:assert';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '../../schemas/errors.js';
import type { ObjectRef } from '../../schemas/common.js';
import type { Interval } from '../../schemas/interval.js';
import type { Batch, BronzeSchema } from '../../schemas/lake.js';
import type { FileStream } from '../../schemas/source.js';
import { assertSameSchema, batchFolders, type StagedBatch } from '../lake/bronze.js';
import { contentKey, sha256File } from '../lake/content.js';
import { asDiskFull } from '../lake/disk-full.js';
import { withDuckDb } from '../lake/duckdb.js';
import { resolveColumns, type UntypedColumn } from './header.js';
import { inferTypes } from './infer-types.js';
import type { SourceFile } from './list-files.js';
import { openText, sourceEmpty, type OpenedText } from './open-text.js';
import { Rejects } from './rejects.js';
import { rejectMisfits } from './reject-misfits.js';
import { dialectOf } from './dialect.js';
import { SegmentLoader, type LoadedSegment } from './load-segments.js';
import { stageRecords, type Segment } from './stage-records.js';
import { schemaOf, type TypedColumn } from './typed-columns.js';

export interface ExtractFileInput {
  source: string;
  stream: string;
  spec: FileStream;
  file: SourceFile;
  interval: Interval;
  /** goes into `_extracted_at`; from the run, never the clock, so that a retry writes the same bytes */
  extractedAt: string;
  run: string;
  /** columns of the stream's earlier batches */
  frozenSchema?: BronzeSchema | undefined;
  /** the result's files stay here until they are committed */
  workDir: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: { bytes: number; records: number }) => void) | undefined;
}

/**
 * Reads one delimited file into Parquet: rows whose values fit, and beside them a quarantine of those that don't, with
 * position, reason and raw bytes. Same input, same bytes. Nothing is in the lake before `commitBatches`.
 *
 * @throws MillraceError SourceEmpty, SourceUnreadable, EncodingUnknown, FormatMismatch, ColumnMissing, SchemaMismatch,
 *   ToleranceExceeded, DiskFull; the signal's reason after an abort. Whatever it throws, it leaves no file behind.
 */
export async function extractFile(input: ExtractFileInput): Promise<StagedBatch> {
  const { workDir, file } = input;
  const folder = await mkdtemp(join(workDir, 'extract-'));
  try {
    return await extractInto(folder, input);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw asDiskFull(error, file.path);
  }
}

async function extractInto(folder: string, input: ExtractFileInput): Promise<StagedBatch> {
  const { file, spec, signal } = input;
  const text = await openText(file, spec.format, signal);
  const key = contentKey(file.file, text.sha256, spec);
  const rejects = await Rejects.create(join(folder, 'rejects.csv'));
  try {
    return await withDuckDb({ workDir: folder, signal, sessions: 2 }, async (sessions) => {
      // a filter pushed below the casts would make DuckDB cast each value twice
      for (const session of sessions) await session.run("SET disabled_optimizers = 'filter_pushdown'");
      const session = sessions[0] as DuckDBConnection;
      const loader = new SegmentLoader(sessions, {
        ...{ format: spec.format, folder, file: file.file, batch: key, extractedAt: input.extractedAt },
      });
      try {
        const { read, typed } = await scanAndLoad(folder, input, text, rejects, loader, session);
        await text.assertUnchanged();
        const loaded = await loader.finish();
        await addMisfits(session, input, { read, typed, loaded, text, rejects });
        return await stagedBatch(folder, input, session, { key, text, typed, loaded, rejects, read });
      } finally {
        await loader.stop();
      }
    });
  } finally {
    await rejects.close();
  }
}

/** Where every type is known before, loading goes along with scanning; inference needs the whole file first. */
async function scanAndLoad(
  folder: string,
  { source, stream, file, spec, frozenSchema, signal, onProgress }: ExtractFileInput,
  text: OpenedText,
  rejects: Rejects,
  loader: SegmentLoader,
  session: DuckDBConnection,
): Promise<{ read: number; typed: TypedColumn[] }> {
  let columns: UntypedColumn[] | undefined;
  let typed: TypedColumn[] | undefined;
  const waiting: Segment[] = [];
  let bytes = 0;
  const read = await stageRecords({
    ...{
      text: text.read((count) => (bytes = count)),
      encoding: text.encoding,
      rejects,
      workDir: folder,
      signal,
    },
    ...{ dialect: dialectOf(spec.format, text.encoding, file.path), skipLines: spec.format.skipLines },
    onFirst: (fields, { line, byte, fault }) => {
      const where = { file: file.path, line, byte };
      const { header } = spec.format;
      const expected = spec.columns ? Object.keys(spec.columns).length : frozenSchema?.length;
      if (fault !== undefined && (header || expected === undefined)) throw brokenHeader(fault, where);
      columns = resolveColumns(fields, spec, frozenSchema, where);
      if (columns.every(isTyped)) typed = columns;
      if (typed && frozenSchema)
        assertSameSchema(frozenSchema, schemaOf(typed), `${source}.${stream}`, file.path);
      return { width: header ? fields.length : columns.length, isHeader: header };
    },
    onSegment: (segment) => (typed ? loader.add(segment, typed) : void waiting.push(segment)),
    onProgress: ({ records }) => onProgress?.({ bytes, records }),
  });
  if (!columns) throw sourceEmpty(file.path, 'The file holds no record');
  if (read === 0) throw sourceEmpty(file.path, 'The file has a header and no record after it');
  if (!typed) {
    typed = await inferTypes(session, columns, waiting, spec.format);
    for (const segment of waiting) loader.add(segment, typed);
  }
  return { read, typed };
}

const isTyped = (column: UntypedColumn): column is TypedColumn => column.type !== undefined;

/** Puts the rows whose values do not fit beside the broken records, or fails when these are more than is tolerated. */
async function addMisfits(
  session: DuckDBConnection,
  input: ExtractFileInput,
  found: { read: number; typed: TypedColumn[]; loaded: LoadedSegment[]; text: OpenedText; rejects: Rejects },
): Promise<void> {
  const { read, typed, loaded, text, rejects } = found;
  const { tolerance, format } = input.spec;
  const partial = loaded.filter((one) => one.loaded < one.segment.staged);
  const rows = sumLoaded(loaded);
  const quarantined = read - rows;
  const tolerable = rows > 0 && quarantined <= tolerance * read;
  if (partial.length > 0) {
    await rejectMisfits(session, {
      typed,
      loaded: partial,
      format,
      text,
      rejects,
      ...(tolerable ? {} : { limit: 3 }),
    });
  }
  if (!tolerable) throw await toleranceExceeded(session, input, read, quarantined, rejects);
  // the promise of bronze; if it ever breaks, nothing may be published
  assert.equal(read, rows + rejects.count, 'read = loaded + quarantined');
}

const sumLoaded = (segments: LoadedSegment[]): number =>
  segments.reduce((sum, { loaded }) => sum + loaded, 0);

async function stagedBatch(
  folder: string,
  input: ExtractFileInput,
  session: DuckDBConnection,
  found: {
    key: string;
    text: OpenedText;
    typed: TypedColumn[];
    loaded: LoadedSegment[];
    rejects: Rejects;
    read: number;
  },
): Promise<StagedBatch> {
  const { key, text, typed, loaded, rejects, read } = found;
  const { file, interval, extractedAt, run, spec, frozenSchema, signal } = input;
  const folders = batchFolders(input.source, input.stream, key);
  const parts: StagedFile[] = [];
  for (const { path } of loaded.filter((segment) => segment.loaded > 0)) {
    const stem = `${folders.rows}/part-${String(parts.length).padStart(4, '0')}`;
    parts.push(await stagedFile(path, stem, signal));
  }
  let quarantine: StagedFile | undefined;
  if (rejects.count > 0) {
    const path = join(folder, 'quarantine.parquet');
    await rejects.writeParquet(session, path, file.file);
    quarantine = await stagedFile(path, `${folders.quarantine}/records-0000`, signal);
  }
  await Promise.all(
    loaded
      .flatMap(({ segment }) => [segment.lines, segment.multiline])
      .map((path) => rm(path, { force: true })),
  );
  const batch: Batch = {
    key,
    source: { file: file.file, bytes: text.bytes, mtimeMs: text.mtimeMs, sha256: text.sha256 },
    interval,
    parts: parts.map(({ ref }) => ref),
    schema: schemaOf(typed),
    ...{ read, loaded: sumLoaded(loaded), quarantined: rejects.count, filtered: 0 },
    quarantine: quarantine?.ref ?? null,
    ...{ extractedAt, run },
  };
  return {
    batch,
    files: [...parts, ...(quarantine ? [quarantine] : [])].map(({ ref, path }) => ({ key: ref.uri, path })),
    inferred: spec.columns === undefined && frozenSchema === undefined,
  };
}

async function toleranceExceeded(
  session: DuckDBConnection,
  { file, spec }: ExtractFileInput,
  read: number,
  quarantined: number,
  rejects: Rejects,
): Promise<MillraceError> {
  const share = ((100 * quarantined) / read).toPrecision(3);
  const first = await rejects.first(session, 3);
  return new MillraceError('ToleranceExceeded', {
    what: `${quarantined} of ${read} records (${share} %) are broken, ${100 * spec.tolerance} % are tolerated. The first: ${first.join('; ')}`,
    where: { file: file.path },
    fix: 'Correct the file or the declared types; or raise the tolerance of the stream to keep broken records in quarantine. Nothing of it was loaded',
  });
}

interface StagedFile {
  path: string;
  ref: ObjectRef;
}

/** Names a finished file by its content, so that equal names always mean equal bytes. */
async function stagedFile(path: string, stem: string, signal?: AbortSignal): Promise<StagedFile> {
  const sha256 = await sha256File(path, signal);
  const { size } = await stat(path);
  return { path, ref: { uri: `${stem}-${sha256.slice(0, 12)}.parquet`, sha256, bytes: size } };
}

const brokenHeader = (fault: string, where: { file: string; line: number; byte: number }): MillraceError =>
  new MillraceError('FormatMismatch', {
    what: `The first record is broken: ${fault}`,
    where,
    fix: 'Check quote, encoding and skipLines of the format against the first lines of the file',
  });
