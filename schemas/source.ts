import { z } from 'zod';
import { Name } from './common.js';

/** Column types of bronze; `decimal(p,s)` keeps every digit. */
const TypeName = z
  .string()
  .regex(
    /^(text|boolean|int32|int64|double|date|timestamp|timestamptz|decimal\(\d{1,2},\s?\d{1,2}\))$/,
    'must be text, boolean, int32, int64, double, date, timestamp, timestamptz or decimal(p,s)',
  );
export type TypeName = z.infer<typeof TypeName>;

export const Column = z.union([
  TypeName,
  z.strictObject({
    /** type in bronze */
    type: TypeName,
    /** strptime formats tried in order (`%Y-%m-%d`); for date and timestamp types */
    formats: z.array(z.string()).min(1).optional(),
    /** a row without a value is quarantined */
    required: z.boolean().optional(),
    /** name in the file, when it differs */
    from: z.string().optional(),
  }),
]);
export type Column = z.infer<typeof Column>;

export const CsvFormat = z.strictObject({
  /** set by `csv()` */
  kind: z.literal('csv'),
  /** between fields; any character but a digit, a line end, the quote or the escape */
  delimiter: z.string().length(1, 'must be one character').default(','),
  /** around a field that holds delimiters, quotes or line ends */
  quote: z.string().length(1, 'must be one character').default('"'),
  /** how a quote inside a quoted field is written; RFC 4180 doubles it */
  escape: z.string().length(1, 'must be one character').optional(),
  /** whether the first record names the columns; without one, declared columns are matched by position */
  header: z.boolean().default(true),
  /** any name iconv knows; `auto` follows a byte order mark, else reads UTF-8, or windows-1252 when most bytes beyond ASCII are no UTF-8 */
  encoding: z.string().default('auto'),
  /** `auto` looks at the first bytes, not at the name */
  compression: z.enum(['auto', 'none', 'gzip', 'zstd']).default('auto'),
  /** field texts that mean null; an empty unquoted field always does */
  nulls: z.array(z.string()).default([]),
  /** lines to skip before the header */
  skipLines: z.int().min(0).default(0),
});
export type CsvFormat = z.infer<typeof CsvFormat>;

/** Declares a delimited-text format: `csv({ delimiter: ';' })`. */
export const csv = (options: Omit<z.input<typeof CsvFormat>, 'kind'> = {}): z.input<typeof CsvFormat> => ({
  kind: 'csv',
  ...options,
});

export const Format = CsvFormat;
export type Format = z.infer<typeof Format>;

export const FileStream = z.strictObject({
  /**
   * Glob below the source's `root`. `{start:yyyy-MM-dd}` and `{end:…}` stand for the run's interval (Luxon format
   * tokens, UTC), so that a run reads the files that belong to it.
   */
  path: z.string().min(1),
  /** made by `csv({ … })` */
  format: Format.default(CsvFormat.parse({ kind: 'csv' })),
  /** declared types; without them they are inferred from the first batch and frozen */
  columns: z.record(z.string().min(1), Column).optional(),
  /** share of records that may be quarantined before the batch fails, 0..1 */
  tolerance: z.number().min(0).max(1).default(0),
});
export type FileStream = z.infer<typeof FileStream>;

export const FilesSource = z.strictObject({
  /** files below a folder */
  kind: z.literal('files'),
  /** folder, relative to the project */
  root: z.string().min(1),
  /** tables of the source, by name */
  streams: z.record(Name, FileStream),
});
export type FilesSource = z.infer<typeof FilesSource>;

export const Source = FilesSource;
export type Source = z.infer<typeof Source>;
