import { z } from 'zod';

/**
 * Options of the copybook extractor carry the names and values of Cobrix, so that what reads a file there reads it
 * here. Values may be written as text, as Cobrix has them, or as numbers and booleans.
 */
const Flag = z.preprocess(
  (value) => (typeof value === 'string' ? { true: true, false: false }[value.trim().toLowerCase()] : value),
  z.boolean('must be true or false'),
);
const Count = z.preprocess(
  (value) => (typeof value === 'string' && /^\s*[-+]?\d+\s*$/.test(value) ? Number(value) : value),
  z.int('must be a whole number'),
);
const Size = Count.pipe(z.int().min(1, 'must be at least 1'));
const Offset = Count.pipe(z.int().min(0, 'must not be negative'));
const CodePage = z.preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string());
const lower = (value: unknown): unknown => (typeof value === 'string' ? value.trim().toLowerCase() : value);
const upper = (value: unknown): unknown => (typeof value === 'string' ? value.trim().toUpperCase() : value);
const Json = <T extends z.ZodType>(shape: T) =>
  z.preprocess((value, context) => {
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a JSON object' });
      return z.NEVER;
    }
  }, shape);

/** Options with a fixed name; `copybookPrefixes` has those that end in a number or a name. */
export const CopybookOptions = z.object({
  /** an unknown option is an error */
  pedantic: Flag.default(false),

  // how the file is cut into records
  /** F fixed, FB fixed in blocks, V with RDW, VB with BDW and RDW, D and D2 (or T) lines of text */
  record_format: z.preprocess(upper, z.enum(['F', 'FB', 'V', 'VB', 'D', 'D2', 'T'])).optional(),
  /** lines of text; the same as record_format D */
  is_text: Flag.optional(),
  /** the older spellings of record_format V */
  is_record_sequence: Flag.optional(),
  /** another one of these */
  is_xcom: Flag.optional(),
  /** bytes of a record of fixed length; by default as many as the copybook describes */
  record_length: Size.optional(),
  /** shorter records are passed over */
  minimum_record_length: Size.default(1),
  /** longer records are passed over */
  maximum_record_length: Size.default(Number.MAX_SAFE_INTEGER),
  /** field, or whole-number expression over fields, that gives the length of a record */
  record_length_field: z.string().min(1).optional(),
  /** length of the record for each value of `record_length_field`; `_` stands for all others */
  record_length_map: Json(z.record(z.string(), Count)).optional(),
  /** bytes in front of each record that the copybook does not describe */
  record_start_offset: Offset.default(0),
  /** bytes behind each record that it does not describe */
  record_end_offset: Offset.default(0),
  /** bytes at the beginning of the file that are skipped */
  file_start_offset: Offset.default(0),
  /** bytes at its end that are skipped */
  file_end_offset: Offset.default(0),
  /** root group that describes the header of the file; it is skipped */
  record_header_name: z.string().trim().min(1).optional(),
  /** root group that describes the trailer of the file; it is skipped */
  record_trailer_name: z.string().trim().min(1).optional(),
  /** byte order of the length in front of a record (RDW) */
  is_rdw_big_endian: Flag.default(false),
  /** byte order of the length in front of a block (BDW) */
  is_bdw_big_endian: Flag.default(false),
  /** the RDW counts its own four bytes, too */
  is_rdw_part_of_record_length: Flag.default(false),
  /** added to each length that an RDW or a length field gives */
  rdw_adjustment: Count.default(0),
  /** added to each length that a BDW gives */
  bdw_adjustment: Count.default(0),
  /** FB: bytes of a block; without it and records_per_block each block has a BDW */
  block_length: Size.optional(),
  /** FB: records of a block */
  records_per_block: Size.optional(),
  /** what is left of a line that is longer than the record becomes further records */
  allow_partial_records: Flag.default(false),
  /** without effect: a last record that is cut off is quarantined, and `copybook decode` ends there with its byte */
  debug_ignore_file_size: Flag.default(false),

  // what the bytes mean
  /** by default ascii for lines of text (D, D2), else ebcdic */
  encoding: z.preprocess(lower, z.enum(['ebcdic', 'ascii'])).optional(),
  /** code page of text fields: `cp037`, `cp273`, `cp1047`, `cp1141`; `common` has letters, digits and signs that all share */
  ebcdic_code_page: CodePage.default('common'),
  /** the same by its number on IBM i: 37, 273, 1141 */
  ccsid: CodePage.optional(),
  /** charset of ASCII data by its Java name */
  ascii_charset: z.string().min(1).optional(),
  /** byte order of NATIONAL fields (PIC N) */
  is_utf16_big_endian: Flag.default(true),
  /**
   * HFP is IBM hexadecimal floating point. Cobrix calls it IBM and reads COMP-1 of it without the exponent: that name
   * gives the values of Cobrix, for tables that go on from it.
   */
  floating_point_format: z
    .preprocess(
      lower,
      z.enum(['hfp', 'hfp_little_endian', 'ibm', 'ibm_little_endian', 'ieee754', 'ieee754_little_endian']),
    )
    .default('hfp'),
  /** space of arrays that depend on a field: false = always their maximum, true = that of the elements present */
  variable_size_occurs: z
    .preprocess(lower, z.union([Flag, z.enum(['pad_record', 'shift_record', 'max_size'])]))
    .default(false),
  /** elements of an array that depends on a field of text, for each of its values: `{"ITEMS": {"A": 0, "B": 2}}` */
  occurs_mappings: Json(z.record(z.string(), z.record(z.string(), Count))).optional(),
  /** a sign punched over a digit makes a number without S null, unless it is plus */
  strict_sign_overpunching: Flag.default(true),
  /** a field of zero bytes (text), or blanks and zero bytes (numbers), is null */
  improved_null_detection: Flag.default(true),
  /** whole numbers become decimals of just their digits, not integers */
  strict_integral_precision: Flag.default(false),
  /** which ends of a text lose their blanks; keep_all keeps control characters, too */
  string_trimming_policy: z
    .preprocess(lower, z.enum(['both', 'left', 'right', 'none', 'keep_all']))
    .default('both'),
  /** whole DISPLAY numbers stay text */
  display_pic_always_string: Flag.default(false),
  /** bytes as upper-case hex instead of base64 */
  binary_as_hex: Flag.default(false),

  // the copybook
  /** columns 1 to 6 and from 73 on of a copybook line are no code */
  truncate_comments: Flag.default(true),
  /** columns at the beginning of a line that are no code */
  comments_lbound: Offset.optional(),
  /** last column of code in a line */
  comments_ubound: Offset.optional(),
  /** groups called FILLER make no column, with all that is in them */
  drop_group_fillers: Flag.default(false),
  /** fields called FILLER make no column */
  drop_value_fillers: Flag.default(true),
  /** names of fillers that are kept: FILLER_1, or FILLER_AFTER_<field before> */
  filler_naming_policy: z
    .preprocess(lower, z.enum(['sequence_numbers', 'previous_field_name']))
    .default('sequence_numbers'),
  /** groups that are also given as one text field */
  non_terminals: z.string().default(''),

  // the records that come out
  /** the root group is left out and its fields are columns, or it is a struct */
  schema_retention_policy: z
    .preprocess(lower, z.enum(['collapse_root', 'keep_original']))
    .default('collapse_root'),
  /** columns File_Id, Record_Id and Record_Byte_Length in front */
  generate_record_id: Flag.default(false),
  /** column Record_Bytes with the whole record */
  generate_record_bytes: Flag.default(false),
  /** column _corrupt_fields: name and bytes of each field that could not be decoded */
  generate_corrupt_fields: Flag.default(false),
  /** column for the name of the file */
  with_input_file_name_col: z.string().default(''),
  /** beside each field one `<field>_debug` with its bytes */
  debug: z
    .preprocess(lower, z.union([Flag, z.enum(['hex', 'raw', 'binary', 'string', 'none'])]))
    .default(false),

  // segments
  /** field that tells the segments apart */
  segment_field: z.string().min(1).optional(),
  /** only records with these segment ids */
  segment_filter: z.string().optional(),
  /** the same as segment_id_level0 */
  segment_id_root: z.string().optional(),
  /** what generated segment ids begin with; by default the key of the batch, in `copybook decode` the time */
  segment_id_prefix: z.string().optional(),
});
export type CopybookOptions = z.infer<typeof CopybookOptions>;

/** Options that are given several times; what follows the name is a number or a name of no meaning, but for code pages. */
export const COPYBOOK_PREFIXES = {
  /** group that is read for records of some segment ids: `'SALE-LINE => L,M'` */
  redefineSegments: ['redefine_segment_id_map', 'redefine-segment-id-map'],
  /** groups whose records belong to the record of another one before them, as arrays in it: `'COMPANY => DEPT,SITE'` */
  segmentChildren: ['segment-children', 'segment_children'],
  /** group that is read where a condition over the fields before it holds: `"CARD => TYPE = 'C'"` */
  redefineRules: ['redefine-rule', 'redefine_rule'],
  /** segment ids of a level, from 0: columns `Seg_Id0`, `Seg_Id1` … say to which record of each level a record belongs */
  segmentLevel: ['segment_id_level'],
  /** fields, separated by commas, that have that code page */
  fieldCodePage: ['field_code_page:'],
} as const;

/** Options of Cobrix that steer Spark or name what is given elsewhere; they change no record. */
export const COPYBOOK_IGNORED = [
  ...[
    'copybook',
    'copybooks',
    'copybook_contents',
    'path',
    'paths',
    'data_paths',
    'strict_schema',
    'metadata',
  ],
  ...[
    'enable_indexes',
    'enable_index_cache',
    'input_split_records',
    'input_split_size_mb',
    'input_split_size_compressed_mb',
  ],
  ...['optimize_allocation', 'improve_locality', 'debug_layout_positions', 'enable_self_checks'],
] as const;

/** What a project writes; `engines/copybook/settings.ts` reads it. */
export const RawCopybookOptions = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.record(z.string(), z.unknown())]),
);
export type RawCopybookOptions = z.infer<typeof RawCopybookOptions>;
