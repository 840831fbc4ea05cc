import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { Deps } from './deps.js';
import { translate } from './translate.js';

export interface Beat {
  /** aborted when the activity is cancelled, its worker shuts down, or it has timed out and must not commit */
  signal: AbortSignal;
  /** what is done so far: goes with the heartbeat, and to the next attempt */
  progress(details: unknown): void;
}

const EVERY_MS = 1_000;

/**
 * Wraps a side effect: heartbeats while it works, stops it when cancelled, maps its errors, and measures it. Every
 * activity goes through here, so a dead worker is noticed within the heartbeat timeout, whatever it was doing.
 */
export async function beating<T>(
  { meter, resources }: Deps,
  labels: Record<string, string>,
  work: (beat: Beat) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  let details: unknown;
  const timer = setInterval(() => context.heartbeat(details), EVERY_MS);
  const started = performance.now();
  if (context.info.attempt > 1) meter.count('retries', labels, 1);
  try {
    return await work({ signal: context.cancellationSignal, progress: (next) => (details = next) });
  } catch (error) {
    if (context.cancellationSignal.aborted) throw stopped(context);
    meter.count('errors', { ...labels, type: error instanceof Error ? error.name : 'unknown' }, 1);
    throw translate(error, context.info.attempt, (text) => resources.secrets.redact(text));
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
    return ApplicationFailure.create({
      type: 'WorkerShutdown',
      message: 'the worker is shutting down',
      nonRetryable: false,
    });
  }
  return new CancelledFailure(message);
}
