import { z } from 'zod';
import { Interval } from './interval.js';
import { Name, ObjectRef } from './common.js';

/** Columns of bronze in file order with their bronze types (`text`, `int64`, …). */
export const BronzeSchema = z.array(z.strictObject({ name: z.string(), type: z.string() }));
export type BronzeSchema = z.infer<typeof BronzeSchema>;

/** How far a stream has been read: a cursor's value, a position in a log. */
const CursorValue = z.union([z.string(), z.number(), z.null()]);
export type CursorValue = z.infer<typeof CursorValue>;

/** One source file, or one load of a table, in bronze: the unit that is in or not. read = loaded + quarantined + filtered. */
export const Batch = z.strictObject({
  /** content key: what was read and the declaration of the stream */
  key: z.string(),
  /** a file of the source; of a table or an endpoint its name, and the bytes that were read of it */
  source: z.strictObject({
    file: z.string(),
    bytes: z.int(),
    mtimeMs: z.number(),
    sha256: z.string(),
    /** of a store that has no trustworthy times */
    etag: z.string().optional(),
  }),
  /** when a log holds several streams: the children of an endpoint, the tables of a replication */
  stream: Name.optional(),
  /** it takes the place of earlier batches of the same scope: a full load, or one interval's load, done again */
  scope: z.string().optional(),
  /**
   * of a scope that is loaded by several batches: those of one generation stand together, and take the place of the
   * scope's earlier batches once one of them says `complete`; until then nobody sees them
   */
  generation: z.strictObject({ id: z.string(), complete: z.boolean() }).optional(),
  /** of a table that was copied: what the copy shows, in PostgreSQL's terms, and who asked for it */
  snapshot: z.strictObject({ request: z.string(), visible: z.string(), lsn: z.string() }).optional(),
  /** of changes: the table's rows changed with its shape, which no change tells; it has to be copied again */
  recopy: z.literal(true).optional(),
  /** it holds quarantined records of that batch, read again after a fix; readers see it as long as they see that one */
  replays: z.string().optional(),
  /** columns that tell the rows of a table apart, where the source knows them */
  rowKey: z.array(z.string()).min(1).optional(),
  /** of a stream that is read on from where it was: committed only when `from` is where the stream is */
  cursor: z
    .strictObject({
      from: CursorValue,
      to: CursorValue,
      /** hashes of the rows at `to`, where a source brings them again with the next load */
      ties: z.array(z.string()).optional(),
    })
    .optional(),
  /** what the source itself counted, beside what was read */
  expected: z.strictObject({ rows: z.int(), checksum: z.string().optional() }).optional(),
  /** of the rows that were loaded, by the rule of `expected.checksum` */
  checksum: z.string().optional(),
  /** of entries of a journal: numbers and local times of the first and the last one */
  journal: z.strictObject({ first: z.int(), last: z.int(), from: z.string(), to: z.string() }).optional(),
  /** values left out under `discard_value` */
  discarded: z.int().optional(),
  /** statistics of its columns, as JSON */
  profile: ObjectRef.optional(),
  interval: Interval,
  /** Parquet files below the lake's root */
  parts: z.array(ObjectRef),
  schema: BronzeSchema,
  read: z.int(),
  loaded: z.int(),
  quarantined: z.int(),
  filtered: z.int(),
  /** Parquet of the quarantined records: position, reason, raw bytes */
  quarantine: ObjectRef.nullable(),
  extractedAt: z.iso.datetime(),
  run: z.string(),
});
export type Batch = z.infer<typeof Batch>;

/** One advance of a stream's manifest. A group of small files goes in by one commit: all of them or none. */
export const ManifestEntry = z.strictObject({ batches: z.array(Batch).min(1) });
export type ManifestEntry = z.infer<typeof ManifestEntry>;
