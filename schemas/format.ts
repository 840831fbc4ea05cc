import { z } from 'zod';

/** How a file is packed. A zip's entries are files of their own, named `<archive>!<entry>`. */
const Compression = z.enum(['auto', 'none', 'gzip', 'zstd', 'bzip2', 'zip']);

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
  compression: Compression.default('auto'),
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

export const JsonFormat = z.strictObject({
  /** `json`: one document; `jsonl`: one document a line */
  kind: z.enum(['json', 'jsonl']),
  /** dotted path to the array of records in the document (`data.items`); without it the document is the array, or one record */
  records: z.string().optional(),
  /** what becomes of nested objects: columns of a struct type, columns `a_b_c`, or JSON text */
  nested: z.enum(['struct', 'flatten', 'json']).default('struct'),
  /** any name iconv knows */
  encoding: z.string().default('auto'),
  /** `auto` looks at the first bytes, not at the name */
  compression: Compression.default('auto'),
});
export type JsonFormat = z.infer<typeof JsonFormat>;

/** Declares one JSON document a file: `json({ records: 'data.items' })`. */
export const json = (options: Omit<z.input<typeof JsonFormat>, 'kind'> = {}): z.input<typeof JsonFormat> => ({
  kind: 'json',
  ...options,
});

/** Declares one JSON document a line. */
export const jsonl = (
  options: Omit<z.input<typeof JsonFormat>, 'kind'> = {},
): z.input<typeof JsonFormat> => ({
  kind: 'jsonl',
  ...options,
});

export const ParquetFormat = z.strictObject({
  /** set by `parquet()` */
  kind: z.literal('parquet'),
});
export type ParquetFormat = z.infer<typeof ParquetFormat>;

/** Declares Parquet files; their types are taken as they are. */
export const parquet = (): z.input<typeof ParquetFormat> => ({ kind: 'parquet' });

export const ExcelFormat = z.strictObject({
  /** set by `excel()` */
  kind: z.literal('excel'),
  /** name or 1-based number of the sheet */
  sheet: z.union([z.string(), z.int().min(1)]).default(1),
  /** whether the first row names the columns */
  header: z.boolean().default(true),
  /** rows to skip before the header */
  skipRows: z.int().min(0).default(0),
});
export type ExcelFormat = z.infer<typeof ExcelFormat>;

/** Declares a sheet of Excel workbooks (.xlsx). */
export const excel = (
  options: Omit<z.input<typeof ExcelFormat>, 'kind'> = {},
): z.input<typeof ExcelFormat> => ({
  kind: 'excel',
  ...options,
});

export const FixedFormat = z.strictObject({
  /** set by `fixed()` */
  kind: z.literal('fixed'),
  /** column → 1-based first character and length */
  fields: z.record(
    z.string().min(1),
    z.strictObject({
      /** first character, counted from 1 */
      start: z.int().min(1),
      /** characters */
      length: z.int().min(1),
    }),
  ),
  /** blanks around a value are dropped */
  trim: z.boolean().default(true),
  /** any name iconv knows */
  encoding: z.string().default('auto'),
  /** `auto` looks at the first bytes, not at the name */
  compression: Compression.default('auto'),
  /** field texts that mean null; a blank field always does */
  nulls: z.array(z.string()).default([]),
  /** lines to skip at the start */
  skipLines: z.int().min(0).default(0),
});
export type FixedFormat = z.infer<typeof FixedFormat>;

/** Declares lines of text whose fields have fixed places. */
export const fixed = (options: Omit<z.input<typeof FixedFormat>, 'kind'>): z.input<typeof FixedFormat> => ({
  kind: 'fixed',
  ...options,
});

export const CopybookFormat = z.strictObject({
  /** set by `copybook()` */
  kind: z.literal('copybook'),
  /** COBOL copybooks, relative to the project; several describe the same bytes, as redefines */
  copybooks: z.array(z.string().min(1)).min(1),
  /** reader options under Cobrix's names: `{ record_format: 'V', ebcdic_code_page: 'cp037' }` */
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** the copybooks' texts as the loader of the project found them: a run keeps those it began with */
  texts: z.record(z.string(), z.string()).optional(),
});
export type CopybookFormat = z.infer<typeof CopybookFormat>;

/** Declares mainframe and AS/400 files: `copybook('copybooks/sales.cpy', { record_format: 'F' })`. */
export const copybook = (
  copybooks: string | string[],
  options: z.input<typeof CopybookFormat>['options'] = {},
): z.input<typeof CopybookFormat> => ({ kind: 'copybook', copybooks: [copybooks].flat(), options });

const isTimezone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

export const JournalFormat = z.strictObject({
  /** set by `journal()` */
  kind: z.literal('journal'),
  /** COBOL copybooks of the journaled file's record; several describe the same bytes, as redefines */
  copybooks: z.array(z.string().min(1)).min(1),
  /** layout of the entries: ENTFMT of RCVJRNE, OUTFILFMT of DSPJRN */
  entry: z.enum(['type1', 'type2']).default('type1'),
  /** order of the entries' dates, which is that of the job that extracted them: nothing in the file tells it */
  dateOrder: z.enum(['mdy', 'dmy', 'ymd']),
  /** time zone of the system, for `_changed_at`: `Europe/Berlin` */
  timezone: z.string().refine(isTimezone, 'must be a time zone such as Europe/Berlin').default('UTC'),
  /** only entries of these: `FILE`, `LIBRARY/FILE` or `LIBRARY/FILE(MEMBER)`; needed where the journal has several */
  objects: z.array(z.string().min(1)).min(1).optional(),
  /** `both` gives images before updates as rows of their own, whose `_op` is `b` */
  images: z.enum(['after', 'both']).default('after'),
  /**
   * what happens when sequence numbers are missing, in a file or between two: the load fails; they are noted, as
   * records that the source has and bronze does not; or nothing, which is right for extracts of some entries only
   */
  gaps: z.enum(['fail', 'note', 'ignore']).default('fail'),
  /** missing numbers in a row that mean nothing: the system uses some for entries that it does not show */
  maxGap: z.int().min(0).default(10),
  /** reader options under Cobrix's names, for the records and for how the file is cut into entries */
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** the copybooks' texts as the loader of the project found them: a run keeps those it began with */
  texts: z.record(z.string(), z.string()).optional(),
});
export type JournalFormat = z.infer<typeof JournalFormat>;

/**
 * Declares journal entries of IBM i, one file of the database in each stream: `journal({ copybooks: 'order.cpy',
 * dateOrder: 'ymd', options: { ccsid: 273 } })`. A row is a change: the record's columns, and `_op` (`i`, `u`, `d`, `t`
 * for an emptied member), `_sequence`, `_changed_at`, `_object`, `_program` and `_user`.
 */
export const journal = ({
  copybooks,
  objects,
  ...options
}: Omit<z.input<typeof JournalFormat>, 'kind' | 'copybooks' | 'objects' | 'texts'> & {
  copybooks: string | string[];
  objects?: string | string[];
}): z.input<typeof JournalFormat> => ({
  kind: 'journal',
  copybooks: [copybooks].flat(),
  ...(objects !== undefined && { objects: [objects].flat() }),
  ...options,
});

/** How a file is read. */
export const Format = z.discriminatedUnion('kind', [
  CsvFormat,
  JsonFormat,
  ParquetFormat,
  ExcelFormat,
  FixedFormat,
  CopybookFormat,
  JournalFormat,
]);
export type Format = z.infer<typeof Format>;
