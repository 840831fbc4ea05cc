import { z } from 'zod';
import { Interval } from './interval.js';
import { ObjectRef } from './common.js';

/** Columns of bronze in file order with their bronze types (`text`, `int64`, …). */
export const BronzeSchema = z.array(z.strictObject({ name: z.string(), type: z.string() }));
export type BronzeSchema = z.infer<typeof BronzeSchema>;

/** One source file in bronze: the unit that is in or not. read = loaded + quarantined + filtered. */
export const Batch = z.strictObject({
  /** content key: source file and declaration of the stream */
  key: z.string(),
  source: z.strictObject({ file: z.string(), bytes: z.int(), mtimeMs: z.number(), sha256: z.string() }),
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
