import { z } from 'zod';
import { ObjectRef } from './common.js';

/** Rows frozen as Parquet, named by content: what a predictor was trained on, or one partition to score. */
export const DatasetRef = z.strictObject({
  files: z.array(ObjectRef).min(1),
  rows: z.int(),
  /** hash over the files' hashes */
  sha256: z.string(),
});
export type DatasetRef = z.infer<typeof DatasetRef>;
