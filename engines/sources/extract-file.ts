import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '../../schemas/errors.js';
import type { Contract } from '../../schemas/stream.js';
import type { StagedBatch } from '../lake/bronze.js';
import { lineageOption } from '../lake/column-lineage.js';
import { contentKey, stableJson } from '../lake/content.js';
import { asDiskFull } from '../lake/disk-full.js';
import { extractCopybookFile } from './copybook/extract-copybook.js';
import { withFileSessions, type ExtractFileInput } from './extract-input.js';
import type { ReadResult } from './file-reader.js';
import { fillInterval } from './list-files.js';
import { EncodingDoubt } from './open-text.js';
import { openFile, splitArchivePath, type FileFormat, type OpenedEntry } from './open-file.js';
import { Rejects } from './rejects.js';
import { isTolerable, stageBatch, sumRows, toleranceExceeded } from './staged-batch.js';
import { schemaOf } from './typed-columns.js';

/**
 * Reads one file into Parquet: rows whose values fit, and beside them a quarantine of those that don't, with position,
 * reason and raw bytes. Same input, same bytes. Of a zip archive all entries make one batch: positions go on from one
 * to the next, and `_source_file` is `<archive>!<entry>`. Nothing is in the lake before `commitBatches`.
 *
 * @param assume that a text which begins as UTF-8 goes on so; where it does not, it is read once more without
 * @throws MillraceError SourceEmpty, SourceUnreadable, ArchiveTooLarge, EncodingUnknown, FormatMismatch, ColumnMissing,
 *   SchemaMismatch, ToleranceExceeded, DiskFull; the signal's reason after an abort. Whatever it throws, it leaves no
 *   file behind.
 */
export async function extractFile(input: ExtractFileInput, assume = true): Promise<StagedBatch> {
  const { workDir, file, spec } = input;
  const { format } = spec;
  if (format.kind === 'copybook' || format.kind === 'journal') return extractCopybookFile(input);
  const folder = await mkdtemp(join(workDir, 'extract-'));
  try {
    return await extractInto(folder, input, format, assume);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (error instanceof EncodingDoubt) return extractFile(input, false);
    throw asDiskFull(error, file.path);
  }
}

async function extractInto(
  folder: string,
  input: ExtractFileInput,
  format: FileFormat,
  assume: boolean,
): Promise<StagedBatch> {
  const { file, spec, signal } = input;
  const [, entries] = splitArchivePath(spec.path);
  const pattern = entries === undefined ? undefined : fillInterval(entries, input.interval);
  const opened = await openFile({ file, format, pattern, folder, signal, assume });
  const key = opened.sha256.then((sha256) => contentKey(file.file, sha256, spec));
  key.catch(() => undefined);
  const rejects = await Rejects.create(join(folder, 'rejects.csv'));
  try {
    const read = async (sessions: DuckDBConnection[]): Promise<StagedBatch> => {
      const entries: ReadResult[] = [];
      for await (const entry of opened.entries()) {
        entries.push(
          await readEntry(entry, entries, { folder, input, sessions, rejects, sha256: opened.sha256, key }),
        );
      }
      await opened.assertUnchanged();
      return await finish(entries, { folder, input, sessions, rejects, sha256: opened.sha256, key });
    };
    return await (input.sessions
      ? read(input.sessions)
      : withFileSessions({ workDir: folder, signal }, read));
  } catch (error) {
    // what looks broken in the wrong encoding need not be
    await opened.sha256;
    throw error;
  } finally {
    await rejects.close();
  }
}

interface Extraction {
  folder: string;
  input: ExtractFileInput;
  sessions: DuckDBConnection[];
  rejects: Rejects;
  sha256: Promise<string>;
  key: Promise<string>;
}

/** Later entries of an archive are held against the first, as later files of a stream are. */
async function readEntry(
  entry: OpenedEntry,
  before: ReadResult[],
  { folder: parent, input, sessions, rejects, key }: Extraction,
): Promise<ReadResult> {
  const { spec, source, stream, frozenSchema, extractedAt, signal, onProgress } = input;
  const folder = join(parent, `entry-${before.length}`);
  await mkdir(folder);
  const first = before[0];
  const result = await entry.read({
    ...{ name: entry.name, path: entry.path, folder, sessions, rejects, batch: key, extractedAt, signal },
    spec: first ? { ...spec, contract: settled(spec.contract) } : spec,
    stream: `${source}.${stream}`,
    frozen: first ? schemaOf(first.casting) : frozenSchema,
    metadata: ({ columns }) => lineageOption({ source, stream, columns }),
    before: before.reduce((sum, { read }) => sum + read, 0),
    onProgress: (progress) => onProgress?.(progress),
  });
  const loaded = sumRows(result.parts);
  // of a hopeless file the first misfits are enough to say so
  const hopeless = entry.only && !isTolerable(spec.tolerance, result.read, loaded);
  await result.rejectMisfits(hopeless ? 3 : undefined);
  if (first && stableJson(schemaOf(first.casting)) !== stableJson(schemaOf(result.casting))) {
    throw new MillraceError('SchemaMismatch', {
      what: `The entry has other columns than the first one of its archive`,
      where: { file: entry.name },
      fix: 'Name the entries that belong together: path "archive.zip!orders-*.csv"; make the others a stream of their own',
    });
  }
  return result;
}

/** Within one batch nothing evolves: its files have the same columns. */
const settled = ({ columns, types }: Contract): Contract => ({
  columns: columns === 'evolve' ? 'freeze' : columns,
  types: types === 'evolve' ? 'freeze' : types,
});

async function finish(
  entries: ReadResult[],
  { folder, input, sessions, rejects, ...opened }: Extraction,
): Promise<StagedBatch> {
  const [key, sha256] = [await opened.key, await opened.sha256];
  const { source, stream, spec, file, interval, extractedAt, run, signal } = input;
  const session = sessions[0] as DuckDBConnection;
  const [first] = entries as [ReadResult];
  const parts = entries.flatMap((entry) => entry.parts);
  const read = entries.reduce((sum, entry) => sum + entry.read, 0);
  const discarded = entries.reduce((sum, entry) => sum + entry.discarded, 0);
  const loaded = sumRows(parts);
  if (!isTolerable(spec.tolerance, read, loaded))
    throw await toleranceExceeded(session, file.path, spec.tolerance, read, read - loaded, rejects);
  return stageBatch({
    ...{ source, stream, session, folder, parts, rejects, signal },
    batch: {
      key,
      source: {
        ...{ file: file.file, bytes: file.bytes, mtimeMs: file.mtimeMs, sha256 },
        ...(file.etag !== undefined && { etag: file.etag }),
      },
      interval,
      schema: schemaOf(first.casting),
      ...{ read, filtered: 0, extractedAt, run },
      ...(discarded > 0 && { discarded }),
    },
    inferred: first.inferred,
    contract: spec.contract,
  });
}
