import { MillraceError } from '../../../schemas/errors.js';
import type { JournalFormat } from '../../../schemas/format.js';
import type { Batch } from '../../../schemas/lake.js';
import type { StagedBatch } from '../../lake/bronze.js';

type Policy = Pick<JournalFormat, 'gaps' | 'maxGap'>;
type Span = NonNullable<Batch['journal']>;

/** The sequence numbers of a file's entries, and how many are missing among them. */
export class Sequence {
  span: Span | undefined;
  missing = 0;

  constructor(
    private readonly file: string,
    private readonly policy: Policy,
  ) {}

  /** @throws MillraceError JournalGap, by the policy */
  add(sequence: number, at: string): void {
    const { span } = this;
    if (!span) {
      this.span = { first: sequence, last: sequence, from: at, to: at };
      return;
    }
    this.missing += missingBetween(span, { first: sequence, from: at }, this.policy, this.file);
    span.last = sequence;
    span.to = at;
  }
}

/**
 * Holds the entries of files against those that bronze has: files in the order of the journal, each going on where the
 * one before ends. Missing entries that are to be noted go into `expected`.
 *
 * @param before batches of the stream, oldest first
 * @throws MillraceError JournalGap, by the policy
 */
export function inSequence(
  before: readonly Batch[],
  staged: readonly StagedBatch[],
  policy: Policy,
): StagedBatch[] {
  const ordered = [...staged].sort((a, b) => compare(a.batch.journal, b.batch.journal));
  let last = before.findLast(({ journal }) => journal !== undefined)?.journal;
  return ordered.map((one) => {
    const { batch } = one;
    const { journal, expected } = batch;
    if (!journal || one.files.length === 0) return one;
    const missing = last ? missingBetween(last, journal, policy, batch.source.file) : 0;
    last = journal;
    if (missing === 0) return one;
    return { ...one, batch: { ...batch, expected: { rows: (expected?.rows ?? batch.read) + missing } } };
  });
}

const compare = (a: Span | undefined, b: Span | undefined): number =>
  !a || !b ? 0 : a.to < b.from ? -1 : b.to < a.from ? 1 : a.first - b.first;

/** @returns how many numbers are missing between two entries that follow each other */
function missingBetween(
  { last, to }: Pick<Span, 'last' | 'to'>,
  { first, from }: Pick<Span, 'first' | 'from'>,
  { gaps, maxGap }: Policy,
  file: string,
): number {
  if (gaps === 'ignore') return 0;
  // a receiver may be attached with numbers that begin anew
  const reset = first === 1 && last > 1 && from >= to;
  if (first <= last && !reset) {
    throw new MillraceError('JournalGap', {
      what: `Journal entry ${first} (${from}) comes after entry ${last} (${to})`,
      where: { file },
      fix: "Entries came already, or out of order, and the rows would go back to what they were: deliver each entry once, in sequence; set the format's gaps to 'ignore' where numbers say nothing",
    });
  }
  const missing = reset ? 0 : first - last - 1;
  if (missing <= maxGap) return 0;
  if (gaps === 'note') return missing;
  throw new MillraceError('JournalGap', {
    what: `${missing} journal entries are missing: entry ${first} (${from}) follows entry ${last} (${to})`,
    where: { file },
    fix: "A receiver or a file was probably left out: deliver it, then run again. Where the extract has some entries of the journal only, set the format's gaps to 'ignore'; maxGap says how many missing numbers in a row mean nothing",
  });
}
