import { z } from 'zod';

export const ColumnProfile = z.strictObject({
  name: z.string(),
  type: z.string(),
  /** rows without a value; of the sampled rows where `exact` is false */
  nulls: z.int(),
  /** least and greatest value as text: numbers, dates and times only, since a text may be personal data */
  min: z.string().optional(),
  max: z.string().optional(),
  /** mean of a number, over the sampled rows */
  mean: z.number().optional(),
  /** characters of the shortest and the longest text (bytes of a binary), of the sampled rows */
  shortest: z.int().optional(),
  longest: z.int().optional(),
  /** different values of the sampled rows; not of nested columns */
  distinct: z.int().optional(),
  /** whether `nulls`, `min` and `max` are of all rows */
  exact: z.boolean(),
});
export type ColumnProfile = z.infer<typeof ColumnProfile>;

/** What a batch holds, column by column. It never has a value of a text column. */
export const Profile = z.strictObject({
  rows: z.int(),
  /** rows that means, lengths and distinct counts are of; all of them in a small batch */
  sampled: z.int(),
  columns: z.array(ColumnProfile),
});
export type Profile = z.infer<typeof Profile>;
