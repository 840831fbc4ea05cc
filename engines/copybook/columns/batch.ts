/** Records as they lie in a buffer. */
export interface RecordBatch {
  bytes: Uint8Array;
  count: number;
  /** where each record begins in `bytes`, and where it ends */
  offsets: Int32Array;
  ends: Int32Array;
  /** 1-based number in the file of the first record, for generated ids */
  firstRecord?: number;
}

/** A record with a field that held something that is no value of its type. */
export interface BadRecord {
  /** number in the batch */
  record: number;
  /** `FIELD: bad packed digit 0xa1`, and the byte's place in the bytes of the batch */
  faults: { text: string; byte: number }[];
}

export interface DecodedBatch {
  rows: number;
  /** number in the batch of the record of each row; valid until the next batch */
  records: Int32Array;
  /** records that were left out because of their values */
  bad: BadRecord[];
  /** records left out by `segment_filter`, or before the first root segment */
  filtered: number;
}

/** Where the rows of a domain lie in the bytes of a batch. */
export interface Rows {
  count: number;
  /** where each begins */
  offsets: Int32Array;
  /** where the record ends that it is in */
  ends: Int32Array;
  /** the record that it is in, by number in the batch */
  records: Int32Array;
  /** arrays of its own, for what the three above hold when they are not those of the batch */
  own: { offsets: Int32Array; ends: Int32Array; records: Int32Array };
  /** 0, 1, 2, … */
  identity: Int32Array;
  /** its row in the columns, where that is not its number */
  rows: Int32Array | undefined;
}
