import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { MillraceError, type Position } from '../schemas/errors.js';
import type { Deps } from './deps.js';
import { outgoingDetails, outgoingResult } from './outgoing.js';
import { translate } from './translate.js';

export interface Beat {
  /** aborted when the activity is cancelled, its worker shuts down, or it has timed out and must not commit */
  signal: AbortSignal;
  /** aborted as soon as the worker has been asked to end; `signal` follows after a time of grace. For long waits. */
  leaving: AbortSignal;
  /** what is done so far: goes with the heartbeat, and to the next attempt */
  progress: (details: unknown) => void;
}

const EVERY_MS = 1_000;

/**
 * Wraps a side effect: heartbeats while it works, stops it when cancelled, maps its errors, and measures it. Every
 * activity goes through here, so a dead worker is noticed within the heartbeat timeout, whatever it was doing.
 *
 * @param place goes into errors that name none
 */
export async function beating<T>(
  { meter, resources }: Deps,
  labels: Record<string, string>,
  work: (beat: Beat) => Promise<T>,
  place?: () => Position,
): Promise<T> {
  const context = Context.current();
  const leaving = resources.leaving.signal;
  const redact = (text: string): string => resources.secrets.redact(text);
  let details: unknown;
  const timer = setInterval(() => context.heartbeat(outgoingDetails(details, redact)), EVERY_MS);
  const started = performance.now();
  if (context.info.attempt > 1) meter.count('retries', labels, 1);
  try {
    const result = await work({
      signal: context.cancellationSignal,
      leaving,
      progress: (next) => (details = next),
    });
    return outgoingResult(result, redact);
  } catch (error) {
    if (context.cancellationSignal.aborted) throw stopped(context);
    if (leaving.aborted && error === leaving.reason) throw workerLeaves();
    meter.count('errors', { ...labels, type: error instanceof Error ? error.name : 'unknown' }, 1);
    const located = place && error instanceof MillraceError ? error.at(place()) : error;
    throw translate(located, context.info.attempt, redact);
  } finally {
    clearInterval(timer);
    meter.observe('duration', labels, (performance.now() - started) / 1000);
  }
}

/** A worker that leaves is no verdict on the work: another worker takes it up. A cancelled run is the end of it. */
function stopped(context: Context): Error {
  const reason: unknown = context.cancellationSignal.reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  if (message === 'WORKER_SHUTDOWN') {
    return workerLeaves();
  }
  return new CancelledFailure(message);
}

const workerLeaves = (): Error =>
  ApplicationFailure.create({
    type: 'WorkerShutdown',
    message: 'the worker is shutting down',
    nonRetryable: false,
  });
