import { z } from 'zod';
import { Name } from './common.js';
import { CsvFormat, Format } from './format.js';
import { Root } from './place.js';
import { PostgresSource } from './postgres.js';
import { RestSource } from './rest.js';
import { streamShape } from './stream.js';

export const FileStream = z.strictObject({
  ...streamShape,
  /**
   * Glob below the source's `root`. `{start:yyyy-MM-dd}` and `{end:…}` stand for the run's interval (Luxon format
   * tokens, UTC), so that a run reads the files that belong to it.
   */
  path: z.string().min(1),
  /** made by `csv()`, `json()`, `jsonl()`, `parquet()`, `excel()`, `fixed()`, `copybook()` or `journal()` */
  format: Format.default(CsvFormat.parse({ kind: 'csv' })),
});
export type FileStream = z.infer<typeof FileStream>;

export const FilesSource = z.strictObject({
  /** files below a folder, a bucket's prefix or a folder of an SFTP server */
  kind: z.literal('files'),
  /** folder relative to the project, or a place made by `s3()` or `sftp()` */
  root: Root,
  /** streams extracted at once */
  concurrency: z.int().min(1).max(64).default(4),
  /** tables of the source, by name */
  streams: z.record(Name, FileStream),
});
export type FilesSource = z.infer<typeof FilesSource>;

export const Source = z.discriminatedUnion('kind', [FilesSource, PostgresSource, RestSource]);
export type Source = z.infer<typeof Source>;

/** Any stream of any source: what all of them share is in `stream.ts`. */
export type Stream = Source['streams'][string];
