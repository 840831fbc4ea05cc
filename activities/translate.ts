import { ApplicationFailure } from '@temporalio/common';
import { MillraceError } from '../schemas/errors.js';

/** An error nobody classified is probably a bug: a few tries for bad luck, then it must be seen. */
const TRIES_FOR_UNKNOWN = 3;
/** A warehouse may answer with megabytes, and the server refuses those: a failure that can't be told is a hung run. */
const LONGEST_TEXT = 4_000;

/** Maps an engine's error to Temporal's: same type, same message, retryable or not by the table in schemas/errors. */
export function translate(
  error: unknown,
  attempt: number,
  redact: (text: string) => string,
): ApplicationFailure {
  // hidden first: a cut in the middle of a secret would leave a part of it
  const tell = (text: string): string => cut(redact(text));
  if (error instanceof MillraceError) {
    const where: Record<string, string | number> = {};
    for (const [key, value] of Object.entries(error.where as Record<string, string | number>))
      where[key] = typeof value === 'string' ? tell(value) : value;
    return ApplicationFailure.create({
      type: error.type,
      message: tell(error.message),
      nonRetryable: !error.retryable,
      details: [{ what: tell(error.what), where, fix: error.fix && tell(error.fix) }],
      ...(error.retryAfterMs !== undefined && { nextRetryDelay: error.retryAfterMs }),
    });
  }
  // no cause: its stack could carry what the message must not
  return ApplicationFailure.create({
    type: 'Unexpected',
    message: tell(error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
    nonRetryable: attempt >= TRIES_FOR_UNKNOWN,
  });
}

/** The beginning says what is wrong, the end often where. */
function cut(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  const [head, tail] = [text.slice(0, LONGEST_TEXT - 500), text.slice(-500)];
  return `${head} … [${text.length - LONGEST_TEXT} more characters] … ${tail}`;
}
