import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MillraceError } from '../../../schemas/errors.js';
import type { CopybookFormat, JournalFormat } from '../../../schemas/format.js';
import { compileCopybook, type CompiledCopybook } from '../../copybook/compile.js';
import type { Range } from '../../copybook/columns/record-source.js';
import { streamOptions } from '../../copybook/settings.js';
import type { StagedBatch } from '../../lake/bronze.js';
import { lineageOption } from '../../lake/column-lineage.js';
import { contentKey, sha256File } from '../../lake/content.js';
import { planColumns, plannedSchema, type ColumnPlan } from '../../lake/contract.js';
import { asDiskFull } from '../../lake/disk-full.js';
import { withDuckDb } from '../../lake/duckdb.js';
import { duckType, sameType } from '../../lake/types.js';
import { runInThread } from '../../thread.js';
import { quoteIdent, quoteText } from '../../warehouse/port.js';
import { readBytes } from '../decompress.js';
import type { ExtractFileInput } from '../extract-input.js';
import { sourceEmpty, unchangedSince } from '../open-text.js';
import { Rejects } from '../rejects.js';
import { isTolerable, stageBatch, sumRows, toleranceExceeded } from '../staged-batch.js';
import { changedAt, imageOptions, JOURNAL_COLUMNS } from '../journal/journal-columns.js';
import { compressionOf } from './compression-of.js';
import { declaredDates, incomingType, withUndeclared } from './declared-columns.js';
import type { ColumnSpec, DecodedRange, DecodeInput, DecodeMessage, SplitInput } from './decode-job.js';
import { RANGE_BYTES, splitFile } from './split-file.js';

const THREAD = new URL('./decode-thread.js', import.meta.url);
/** Ranges of one file that are decoded at once: each takes about 150 MB. */
const MOST_THREADS = 2;

const SMALL_BYTES = 16 << 20;

export interface CopybookOptions {
  /** only these records, as a batch of its own: a unit of work of a file that several workers share */
  range?: Range;
  /** ranges decoded at once */
  threads?: number;
  /** bytes of a range; the same always, or the same file makes other Parquet */
  rangeBytes?: number;
}

/**
 * Reads one mainframe file into Parquet by its copybook, off the main thread: records that decode, and beside them a
 * quarantine of those that are cut off or hold what is no value, with the byte, the reason and their bytes. A large
 * file is cut into ranges that are decoded side by side. Same input, same bytes.
 *
 * @throws MillraceError CopybookInvalid, ProjectInvalid, EncodingUnknown, SourceEmpty, SourceUnreadable, RecordInvalid,
 *   SchemaMismatch, ToleranceExceeded, DiskFull; the signal's reason after an abort. Whatever it throws, it leaves no
 *   file behind.
 */
export async function extractCopybookFile(
  input: ExtractFileInput,
  options: CopybookOptions = {},
): Promise<StagedBatch> {
  const folder = await mkdtemp(join(input.workDir, 'extract-'));
  try {
    return await extractInto(folder, input, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw asDiskFull(error, input.file.path);
  }
}

async function extractInto(
  folder: string,
  input: ExtractFileInput,
  { range, threads = Math.min(MOST_THREADS, availableParallelism()), rangeBytes }: CopybookOptions,
): Promise<StagedBatch> {
  const { source, stream, spec, file, interval, extractedAt, run, frozenSchema, signal } = input;
  const format = copybookFormat(input);
  const copybook = copybookOf(format, spec.columns);
  const compiled = compileOf(copybook, `sources.${source}.streams.${stream}.format`);
  const assertUnchanged = await unchangedSince(file.path);
  const sha256 = await sha256File(file.path, signal);
  const key = contentKey(file.file, sha256, spec, ...(range ? [range] : []));
  const columns = format.kind === 'journal' ? [...compiled.columns, ...JOURNAL_COLUMNS] : compiled.columns;
  const plan = planOf(columns, input);
  const path = await unpacked(folder, input);
  const lineage = [
    `${quoteText(file.file)} AS _source_file`,
    '_record AS _source_position',
    `${quoteText(key)} AS _batch`,
    `TIMESTAMPTZ ${quoteText(extractedAt)} AS _extracted_at`,
  ];
  const job = {
    ...{ ...copybook, file: file.path, path },
    // the default prefix of segment ids is the time, and a retry must write the same
    options: { segment_id_prefix: key, ...copybook.options },
    journal: format.kind === 'journal' ? format : undefined,
    select: [...selectColumns(plan, columns, format), ...lineage].join(', '),
    parquetOptions: `, ${lineageOption({ source, stream, columns: plan.columns.map(({ name, from }) => ({ name, from })) })}`,
  };
  const rejects = await Rejects.create(join(folder, 'rejects.csv'));
  try {
    const split = { ...copybook, path, file: file.path, rangeBytes };
    const ranges = range ? [range] : await rangesOf(split, compiled, format, signal);
    const decoded = await decodeRanges(ranges, job, { folder, rejects, threads, input });
    const parts = decoded.flatMap((one) => one.parts);
    const read = decoded.reduce((sum, one) => sum + one.read, 0);
    const { journal } = decoded[0] ?? {};
    const filtered = decoded.reduce((sum, one) => sum + one.filtered, 0);
    if (read === 0) throw sourceEmpty(file.path, 'The file holds no record');
    await assertUnchanged();
    if (path !== file.path) await rm(path, { force: true });
    return await withDuckDb({ workDir: folder, signal }, async ([session]) => {
      const loaded = sumRows(parts);
      const quarantined = read - filtered - loaded;
      const tolerable = quarantined === 0 || isTolerable(spec.tolerance, read - filtered, loaded);
      if (!tolerable) {
        throw await toleranceExceeded(session, file.path, spec.tolerance, read, quarantined, rejects);
      }
      return stageBatch({
        ...{ source, stream, session, folder, parts, rejects, signal },
        batch: {
          key,
          source: {
            ...{ file: file.file, bytes: file.bytes, mtimeMs: file.mtimeMs, sha256 },
            ...(file.etag !== undefined && { etag: file.etag }),
          },
          ...{ interval, schema: plannedSchema(plan.columns), read, filtered, extractedAt, run },
          ...(journal && { journal: journal.span }),
          ...(journal && journal.missing > 0 && { expected: { rows: read + journal.missing } }),
        },
        inferred: spec.columns === undefined && frozenSchema === undefined,
        contract: spec.contract,
      });
    });
  } finally {
    await rejects.close();
  }
}

/**
 * Cuts a file into ranges for `extractCopybookFile(input, { range })`, each of them a batch of its own.
 * @returns none for a file that is to be read whole: it is small or compressed, or its records cannot be found or told
 *   without those before them
 * @throws MillraceError CopybookInvalid, ProjectInvalid, RecordInvalid
 */
export async function splitCopybookFile(
  path: string,
  format: CopybookFormat,
  rangeBytes?: number,
): Promise<Range[]> {
  if (compressionOf(path) !== 'none') return [];
  const copybook = copybookOf(format);
  const compiled = compileCopybook(copybook);
  const split = { ...copybook, path, file: path, rangeBytes };
  const ranges = await rangesOf(split, compiled, format);
  return ranges.length > 1 ? ranges : [];
}

/** In a thread, where the headers of all records have to be looked at. */
async function rangesOf(
  split: SplitInput,
  compiled: CompiledCopybook,
  { kind }: AnyFormat,
  signal?: AbortSignal,
): Promise<Range[]> {
  const { path, file, rangeBytes = RANGE_BYTES } = split;
  const { size } = await stat(path);
  // entries go on from each other
  if (kind === 'journal') return [{ from: 0, to: size, firstRecord: 1 }];
  if (size <= rangeBytes) return splitFile(path, compiled, file, rangeBytes);
  return runInThread(THREAD, 'splitRanges', split, { signal });
}

type AnyFormat = CopybookFormat | JournalFormat;

function copybookFormat({ spec, source, stream }: ExtractFileInput): AnyFormat {
  const { format } = spec;
  if (format.kind === 'copybook' || format.kind === 'journal') return format;
  throw new TypeError(`${source}.${stream} is ${spec.format.kind}, not copybook`);
}

/** @throws MillraceError with the stream's place in the project, where the copybook's own is not known */
function compileOf(copybook: Parameters<typeof compileCopybook>[0], path: string): CompiledCopybook {
  try {
    return compileCopybook(copybook);
  } catch (error) {
    throw error instanceof MillraceError ? error.at({ path }) : error;
  }
}

/** What a decoder of the records is compiled from. */
function copybookOf(format: AnyFormat, columns?: ExtractFileInput['spec']['columns']) {
  const options = streamOptions(format.kind === 'journal' ? imageOptions(format.options) : format.options);
  return { copybooks: copybookTexts(format), options, dates: declaredDates(columns) };
}

/** @throws MillraceError ProjectInvalid for a copybook that the project's loader did not find */
function copybookTexts({ copybooks, texts = {} }: AnyFormat): { name: string; text: string }[] {
  return copybooks.map((name) => {
    const text = texts[name];
    if (text !== undefined) return { name, text };
    throw new MillraceError('ProjectInvalid', {
      what: `The text of the copybook '${name}' is missing`,
      where: { file: name },
      fix: 'Give its path relative to the project',
    });
  });
}

/** @throws MillraceError SchemaMismatch when the columns are not those of the stream, and cannot become them */
function planOf(columns: ColumnSpec[], input: ExtractFileInput): ColumnPlan {
  const { source, stream, spec, frozenSchema, file } = input;
  const where = { file: file.path };
  const names = new Set<string>();
  for (const { name } of columns) {
    if (names.has(name.toLowerCase())) {
      throw new MillraceError('SchemaMismatch', {
        what: `The copybook has two columns '${name}'`,
        where,
        fix: 'Set schema_retention_policy to keep_original, which keeps the groups that they are in, or rename one',
      });
    }
    names.add(name.toLowerCase());
  }
  const incoming = columns.map((column) => ({ name: column.name, type: incomingType(column) }));
  const { contract } = spec;
  const declared = spec.columns && withUndeclared(spec.columns, incoming);
  const plan = planColumns({
    current: frozenSchema,
    incoming,
    contract,
    declared,
    stream: `${source}.${stream}`,
    where,
  });
  const misfits = plan.columns
    .filter(({ misfit }) => misfit !== 'none')
    .map(({ name, type }) => `'${name}' as ${type}`);
  const others = plan.leftOut.map(({ name }) => `'${name}', which is new`);
  if (misfits.length + others.length > 0 || plan.rejectAll !== null) {
    throw new MillraceError('SchemaMismatch', {
      what: `The copybook's columns do not become those of the stream: ${[...misfits, ...others, ...(plan.rejectAll === null ? [] : [plan.rejectAll])].join(', ')}`,
      where,
      fix: 'Types of these columns come from the copybook: declare none that do not hold its values, or a new stream for the new copybook; models cast',
    });
  }
  return plan;
}

function selectColumns({ columns }: ColumnPlan, came: ColumnSpec[], format: AnyFormat): string[] {
  const types = new Map(came.map((column) => [column.name.toLowerCase(), incomingType(column)]));
  return columns.map(({ name, type, from }) => {
    if (from === null) return `NULL::${duckType(type)} AS ${quoteIdent(name)}`;
    const is = types.get(from.toLowerCase());
    const value = format.kind === 'journal' && from === '_changed_at' ? changedAt(format) : quoteIdent(from);
    return `${is !== undefined && sameType(is, type) ? value : `${value}::${duckType(type)}`} AS ${quoteIdent(name)}`;
  });
}

/** The file as it is, or its bytes in the work folder: ranges are read by their place. */
async function unpacked(folder: string, { file, signal }: ExtractFileInput): Promise<string> {
  const compression = compressionOf(file.path);
  if (compression === 'none') return file.path;
  const path = join(folder, 'unpacked');
  await pipeline(Readable.from(readBytes(file.path, compression, signal)), createWriteStream(path), {
    signal,
  });
  return path;
}

interface Decoding {
  folder: string;
  rejects: Rejects;
  threads: number;
  input: ExtractFileInput;
}

/** Decodes ranges in threads, so many at once, each into files of its own. @returns in file order */
async function decodeRanges(
  ranges: Range[],
  job: Omit<DecodeInput, 'range' | 'folder'>,
  { folder, rejects, threads, input }: Decoding,
): Promise<DecodedRange[]> {
  const { onProgress } = input;
  const stop = new AbortController();
  const signal = input.signal ? AbortSignal.any([input.signal, stop.signal]) : stop.signal;
  const results: DecodedRange[] = [];
  const progress = ranges.map(() => ({ records: 0, bytes: 0 }));
  let written = Promise.resolve();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < ranges.length; index = next++) {
      const range = ranges[index] as Range;
      const own = join(folder, `range-${index}`);
      await mkdir(own);
      const onMessage = (message: DecodeMessage): void => {
        if ('rejects' in message) {
          for (const reject of message.rejects) rejects.add({ ...reject, raw: Buffer.from(reject.raw) });
          written = written.then(() => rejects.flush());
          return;
        }
        progress[index] = message;
        onProgress?.({
          bytes: progress.reduce((sum, { bytes }) => sum + bytes, 0),
          records: progress.reduce((sum, { records }) => sum + records, 0),
        });
      };
      results[index] = await runInThread<DecodeInput, DecodedRange>(
        THREAD,
        'decodeRange',
        { ...job, range, folder: own },
        // of small files there are many, and a thread takes longer to start than they take to decode
        { signal, onMessage, keep: range.to - range.from <= SMALL_BYTES },
      );
    }
  };
  const workers = Array.from({ length: Math.min(threads, ranges.length) }, () =>
    work().catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  const settled = await Promise.allSettled(workers);
  await written;
  input.signal?.throwIfAborted();
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw stop.signal.reason ?? failed.reason;
  return results;
}
