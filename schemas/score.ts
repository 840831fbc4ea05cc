import { z } from 'zod';

/** What became of one partition's rows: read = scored + quarantined. Counts only, small enough for a history. */
export const PartitionScore = z.strictObject({
  rows: z.int(),
  scored: z.int(),
  quarantined: z.int(),
  /** of the scored rows, by feature in the predictor's order: a counter for each bin of its reference distribution */
  features: z.array(z.array(z.int())),
  /** likewise for the bins of the predictor's score distribution */
  scores: z.array(z.int()),
});
export type PartitionScore = z.infer<typeof PartitionScore>;
