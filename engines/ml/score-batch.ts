import type { PartitionScore } from '../../schemas/score.js';
import type { Feature } from '../../schemas/train.js';
import { addBins, binCodes } from './distribution.js';
import { copyRows, VECTOR, type Block } from './matrix.js';

/** Rows that are put in order together: the more, the more alike neighbours are. */
const ROWS = 65_536;
/** Cells at most, 8 MB of them: with more than 32 features a batch has fewer rows. */
const CELLS = 2_097_152;

/** Encoded rows that are scored together. Its memory is used again for the next ones. */
export class Batch {
  readonly capacity: number;
  /** row after row */
  readonly values: Float32Array;
  /** 1 for a row to score, 0 for one to quarantine */
  readonly usable: Float32Array;
  /** each row's bin in the leading features */
  readonly codes: Uint8Array[];
  rows = 0;

  constructor(
    readonly width: number,
    private readonly leading: number[],
  ) {
    this.capacity = Math.max(VECTOR, Math.min(ROWS, Math.floor(CELLS / width)));
    this.values = new Float32Array(this.capacity * width);
    this.usable = new Float32Array(this.capacity);
    this.codes = leading.map(() => new Uint8Array(this.capacity));
  }

  /** Adds a block, whose first column says which rows are usable, and counts it. */
  add({ columns, rows }: Block, counts: PartitionScore, features: Feature[]): void {
    const [usable = new Float32Array(), ...values] = columns;
    features.forEach(({ reference }, at) => {
      const codes = binCodes(reference.edges, values[at]!);
      addBins(counts.features[at]!, codes, usable);
      const digit = this.leading.indexOf(at);
      if (digit >= 0) this.codes[digit]?.set(codes, this.rows);
    });
    copyRows(this.values, this.rows, values, rows);
    this.usable.set(usable, this.rows);
    const kept = usable.reduce((sum, flag) => sum + flag, 0);
    counts.rows += rows;
    counts.scored += kept;
    counts.quarantined += rows - kept;
    this.rows += rows;
  }
}
