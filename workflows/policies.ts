import type { ActivityOptions } from '@temporalio/common';
import { QUEUES } from '../schemas/queues.js';

/** Waits between attempts: quick at first, because most faults are a worker that just died. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' } as const;

/**
 * Noticing a dead worker: every activity beats once a second (activities/beating.ts), so ten silent seconds mean that
 * the process is gone, not that it is slow.
 */
const heartbeatTimeout = '10s';

/** A cancelled run has ended when its effects have: its statements are interrupted and its staging is removed. */
const cancellationType = 'WAIT_CANCELLATION_COMPLETED';

/**
 * Every timeout and retry there is, by kind of work. Attempts are not counted: what a retry can't mend is
 * non-retryable by its type (schemas/errors.ts), and the rest ends at `scheduleToCloseTimeout`.
 */
export const policies = {
  /** reads of a few files and small commits: milliseconds, a minute under a slow disk */
  control: {
    taskQueue: QUEUES.control,
    startToCloseTimeout: '1m',
    scheduleToCloseTimeout: '1h',
    heartbeatTimeout,
    cancellationType,
    retry,
  },
  /** one group of source files: 64 MB or one large file; a 100 GB file at 30 MB/s takes an hour */
  extract: {
    taskQueue: QUEUES.io,
    startToCloseTimeout: '2h',
    scheduleToCloseTimeout: '24h',
    heartbeatTimeout,
    cancellationType,
    retry,
  },
  /**
   * one turn of a replication: it streams for a minute, and a first copy of large tables takes hours; a database that
   * is down for a day does not end it
   */
  replicate: {
    taskQueue: QUEUES.io,
    startToCloseTimeout: '24h',
    heartbeatTimeout,
    cancellationType,
    retry,
  },
  /** waits for what another activity does, so it must not take a slot from that one: an hour's changes, a first copy */
  wait: {
    taskQueue: QUEUES.control,
    startToCloseTimeout: '24h',
    scheduleToCloseTimeout: '24h',
    heartbeatTimeout,
    cancellationType,
    retry,
  },
  /** one statement in a warehouse: models of ten minutes are common, of hours known; its queue is set per run */
  warehouse: {
    startToCloseTimeout: '4h',
    scheduleToCloseTimeout: '24h',
    heartbeatTimeout,
    cancellationType,
    retry,
  },
  /** removing what a cancelled run leaves in a warehouse; what no worker does now, a later build does */
  cleanup: {
    startToCloseTimeout: '30s',
    scheduleToCloseTimeout: '1m',
    heartbeatTimeout,
    retry,
  },
  /** fitting and scoring: minutes, an hour with large data */
  compute: {
    taskQueue: QUEUES.compute,
    startToCloseTimeout: '4h',
    scheduleToCloseTimeout: '24h',
    heartbeatTimeout,
    cancellationType,
    retry,
  },
} as const satisfies Record<string, ActivityOptions>;
