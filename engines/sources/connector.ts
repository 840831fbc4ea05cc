import type { Batch } from '../../schemas/lake.js';
import type { Interval } from '../../schemas/interval.js';
import type { StagedBatch } from '../lake/bronze.js';
import type { ObjectStore } from '../lake/store.js';

export interface ConnectorContext {
  source: string;
  stream: string;
  interval: Interval;
  /** absolute folder of the project */
  root: string;
  /** what bronze holds of the stream, oldest first: where a cursor is, which files are in, which columns there are */
  batches: Batch[];
  /** for what all workers share, such as the quota of an API; rows go in through the caller only */
  lake: ObjectStore;
  /** resolves a reference to a secret */
  secret: (reference: string) => Promise<string>;
  signal: AbortSignal;
}

export interface LoadContext extends ConnectorContext {
  /** goes into `_extracted_at`; from the run, never the clock, so that a retry writes the same bytes */
  extractedAt: string;
  run: string;
  /** staged files stay here until they are committed; removed by the caller */
  workDir: string;
  onProgress: (progress: Record<string, unknown>) => void;
  /** a preview: about so many rows are enough, and nothing is committed */
  sample?: number | undefined;
}

/**
 * How rows of one kind of source come in. `U` is a unit of work: plain JSON, kept in the lake, one activity each, so
 * small enough to be repeated after a crash and large enough to be worth an activity.
 */
export interface Connector<U> {
  /** What of the interval bronze does not hold yet; empty when there is nothing new. */
  plan(context: ConnectorContext): Promise<U[]>;
  /**
   * Reads one unit. The caller commits what is yielded, all of it or nothing, before it asks for more; so a unit that
   * is tried again begins with the `batches` that are in.
   */
  load(unit: U, context: LoadContext): AsyncIterable<StagedBatch[]>;
}
