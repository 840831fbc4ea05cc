/** Task queues. A worker serves any of them; heavy ones have few slots. The warehouse's own queue is {@link warehouseQueue}. */
export const QUEUES = {
  /** workflows, and activities that take milliseconds */
  control: 'millrace-control',
  /** reading sources and writing bronze */
  io: 'millrace-io',
  /** training and scoring: as many at once as cores allow */
  compute: 'millrace-compute',
} as const;
export type Queue = (typeof QUEUES)[keyof typeof QUEUES];

/** One DuckDB file has one writing process, so each warehouse has a queue that only its owner serves. */
export const warehouseQueue = (project: string, key: string): string =>
  `millrace-warehouse-${project}-${key}`;

/** Search attributes: what lists and filters of runs work on. Plain text even under encryption: no personal data. */
export const SEARCH_ATTRIBUTES = {
  project: 'MillraceProject',
  pipeline: 'MillracePipeline',
  stage: 'MillraceStage',
  status: 'MillraceStatus',
  intervalStart: 'MillraceIntervalStart',
} as const;

export type Stage = 'pipeline' | 'extract' | 'replicate' | 'transform' | 'train' | 'score' | 'backfill';
export type Status = 'running' | 'awaiting approval' | 'succeeded' | 'failed' | 'cancelled';
