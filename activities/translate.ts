import { ApplicationFailure } from '@temporalio/common';
import { MillraceError } from '../schemas/errors.js';

/** An error nobody classified is probably a bug: a few tries for bad luck, then it must be seen. */
const TRIES_FOR_UNKNOWN = 3;

/** Maps an engine's error to Temporal's: same type, same message, retryable or not by the table in schemas/errors. */
export function translate(
  error: unknown,
  attempt: number,
  redact: (text: string) => string,
): ApplicationFailure {
  if (error instanceof MillraceError) {
    return ApplicationFailure.create({
      type: error.type,
      message: redact(error.message),
      nonRetryable: !error.retryable,
      details: [{ what: redact(error.what), where: error.where, fix: error.fix }],
      ...(error.retryAfterMs !== undefined && { nextRetryDelay: error.retryAfterMs }),
    });
  }
  // no cause: its stack could carry what the message must not
  const message = redact(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  return ApplicationFailure.create({
    type: 'Unexpected',
    message,
    nonRetryable: attempt >= TRIES_FOR_UNKNOWN,
  });
}
