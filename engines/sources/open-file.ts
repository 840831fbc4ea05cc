import type { CopybookFormat, Format, JournalFormat } from '../../schemas/format.js';
import { sha256File } from '../lake/content.js';
import { detectCompression, type Compression } from './decompress.js';
import { readCsv } from './csv/read-csv.js';
import { readExcel } from './excel/read-excel.js';
import type { SourceFile } from './extract-input.js';
import type { ReadInput, ReadResult } from './file-reader.js';
import { readFixed } from './fixed/read-fixed.js';
import { readJson } from './json/read-json.js';
import { openText, unreadable, unchangedSince } from './open-text.js';
import { readParquet } from './parquet/read-parquet.js';
import { unpackZip } from './unpack-zip.js';

/** What is read at once: a file, or an entry of an archive. */
export interface OpenedEntry {
  /** `_source_file` */
  name: string;
  path: string;
  /** there are no others */
  only: boolean;
  read: (input: ReadInput) => Promise<ReadResult>;
}

export interface OpenedSource {
  /** of the file as it lies there; rejects with `EncodingDoubt` where its encoding was assumed */
  sha256: Promise<string>;
  /** each is to be read before the next is asked for */
  entries: () => AsyncIterable<OpenedEntry>;
  /** @throws MillraceError Unavailable when the file is no longer the one that was hashed */
  assertUnchanged: () => Promise<void>;
}

/** Files of copybooks and journals have a reader of their own. */
export type FileFormat = Exclude<Format, CopybookFormat | JournalFormat>;

interface OpenInput {
  file: SourceFile;
  format: FileFormat;
  /** of the entries to read of an archive */
  pattern: string | undefined;
  /** entries of archives are unpacked here */
  folder: string;
  signal: AbortSignal | undefined;
  /** see `openText` */
  assume: boolean;
}

/**
 * Hashes a file and finds out what it is.
 * @throws MillraceError SourceUnreadable, SourceEmpty, EncodingUnknown
 */
export async function openFile({
  file,
  format,
  pattern,
  folder,
  signal,
  assume,
}: OpenInput): Promise<OpenedSource> {
  const declared = 'compression' in format ? format.compression : 'none';
  const found = declared === 'auto' ? await compressionOf(file.path) : declared;
  if (found !== 'zip' && pattern === undefined) {
    const opened = await openOne(file.path, format, { signal, assume });
    const only = { name: file.file, path: file.path, only: true, read: opened.read };
    return {
      sha256: opened.sha256,
      entries: () => once(only),
      assertUnchanged: opened.assertUnchanged,
    };
  }
  const assertUnchanged = await unchangedSince(file.path);
  return {
    sha256: Promise.resolve(await sha256File(file.path, signal)),
    assertUnchanged,
    entries: async function* () {
      for await (const { entry, path, count } of unpackZip(file.path, pattern, folder, signal)) {
        const opened = await openOne(path, format, { signal, assume: false });
        yield { name: `${file.file}!${entry}`, path, only: count === 1, read: opened.read };
      }
    },
  };
}

/** The path of a stream may name entries of archives: `daily.zip!*.csv`. */
export function splitArchivePath(path: string): [file: string, entries: string | undefined] {
  // `!(…)` is part of a glob
  const at = path.search(/!(?!\()/);
  return at > 0 ? [path.slice(0, at), path.slice(at + 1)] : [path, undefined];
}

/** Opens one file by its format. */
async function openOne(
  path: string,
  format: FileFormat,
  options: { signal: AbortSignal | undefined; assume: boolean },
): Promise<Opened> {
  if (format.kind === 'parquet' || format.kind === 'excel') {
    const assertUnchanged = await unchangedSince(path);
    const read = (input: ReadInput): Promise<ReadResult> =>
      format.kind === 'parquet' ? readParquet(input) : readExcel(input, format);
    const sha256 = Promise.resolve(await sha256File(path, options.signal));
    return { sha256, read, assertUnchanged };
  }
  const text = await openText(path, format, options);
  const read = (input: ReadInput): Promise<ReadResult> => {
    if (format.kind === 'csv') return readCsv(input, format, text);
    return format.kind === 'fixed' ? readFixed(input, format, text) : readJson(input, format, text);
  };
  return { sha256: text.sha256, read, assertUnchanged: text.assertUnchanged };
}

interface Opened {
  sha256: Promise<string>;
  read: (input: ReadInput) => Promise<ReadResult>;
  assertUnchanged: () => Promise<void>;
}

const compressionOf = (path: string): Promise<Compression> =>
  detectCompression(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });

async function* once<T>(value: T): AsyncGenerator<T> {
  yield await Promise.resolve(value);
}
