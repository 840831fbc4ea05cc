import { z } from 'zod';
import { Column } from './column.js';
import { Duration } from './common.js';

/**
 * What happens when rows have another shape than the stream: it takes it on (`evolve`), the batch fails (`freeze`), the
 * row goes to quarantine (`discard_row`), or the value is left out and counted (`discard_value`).
 */
const ContractMode = z.enum(['evolve', 'freeze', 'discard_row', 'discard_value']);
export type ContractMode = z.infer<typeof ContractMode>;

const Contract = z.strictObject({
  /** columns that come or go */
  columns: ContractMode.default('freeze'),
  /**
   * values of another type. `evolve` widens where nothing is lost (int32 → int64 → decimal, date → timestamp) and keeps
   * what still does not fit as text in `<column>__variant`. In text formats every value is text, so `freeze` there
   * means what `discard_row` does: a value that does not fit its type sends its row to quarantine.
   */
  types: ContractMode.default('freeze'),
});
export type Contract = z.infer<typeof Contract>;

/** One word stands for columns and types alike. */
export const ContractInput = z
  .union([ContractMode, Contract])
  .transform((given): Contract => (typeof given === 'string' ? { columns: given, types: given } : given));

const Keys = z.array(z.string().min(1)).min(1);

const Merge = z.strictObject({
  /** columns of the key: the last row of each key is shown */
  merge: Keys,
  /** a column or SQL condition that marks a row as the deletion of its key; of a journal by default `_op = 'd'` */
  deleteWhen: z.string().optional(),
});

const History = z.strictObject({
  /** columns of the key: each version of its row is shown, with the time for which it held */
  scd2: Keys,
  /** a column or SQL condition that marks a row as the deletion of its key; of a journal by default `_op = 'd'` */
  deleteWhen: z.string().optional(),
});

/**
 * What the warehouse's relation `<source>.<stream>` shows of bronze, which itself only grows: every row (`append`), the
 * last load (`replace`), the last row of each key (`merge`), or each version of a key's row with `_valid_from`,
 * `_valid_to` and `_is_current` (`scd2`).
 */
const Disposition = z.union(
  [z.enum(['append', 'replace']), Merge, History],
  "must be 'append', 'replace', { merge: ['key'] } or { scd2: ['key'] }",
);
export type Disposition = z.infer<typeof Disposition>;

/** How old the newest row of bronze may be before someone is told. */
const Freshness = z.strictObject({
  /** `millrace freshness` warns */
  warnAfter: Duration.optional(),
  /** a run that finds the stream older fails before its transform */
  errorAfter: Duration.optional(),
});
export type Freshness = z.infer<typeof Freshness>;

/** What every stream of every source has. */
export const streamShape = {
  /** declared types; without them they are inferred from the first batch and frozen */
  columns: z.record(z.string().min(1), Column).optional(),
  /** share of records that may be quarantined before the batch fails, 0..1 */
  tolerance: z.number().min(0).max(1).default(0),
  /** what may change of the stream's shape */
  contract: ContractInput.default({ columns: 'freeze', types: 'freeze' }),
  /** how the warehouse's relation is made from bronze; by default `append`, `replace` for full loads of a table */
  disposition: Disposition.optional(),
  /** when old data is a fault */
  freshness: Freshness.optional(),
};
