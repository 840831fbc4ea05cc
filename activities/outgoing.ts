import { MillraceError } from '../schemas/errors.js';

/** The server refuses payloads from 2 MiB on, and a worker that sends one tries for ever. */
const LARGEST_RESULT = 2_000_000;
/** Heartbeats are for people who look at a running activity. */
const LARGEST_HEARTBEAT = 16_000;

/**
 * What an activity hands to Temporal, without secrets and within the server's limits.
 * @throws MillraceError ResultTooLarge
 */
export function outgoingResult<T>(result: T, redact: (text: string) => string): T {
  const text = JSON.stringify(result) as string | undefined;
  if (text === undefined) return result;
  const bytes = Buffer.byteLength(text);
  if (bytes > LARGEST_RESULT) {
    throw new MillraceError('ResultTooLarge', {
      what: `the step's result has ${bytes.toLocaleString('en')} bytes, and a run's history takes ${LARGEST_RESULT.toLocaleString('en')} at most`,
      fix: 'Split the project or the selection: a run over fewer nodes has a smaller plan',
    });
  }
  const clean = redact(text);
  return clean === text ? result : (JSON.parse(clean) as T);
}

/** Details of a heartbeat; those that are too large are left out, because the beat itself must arrive. */
export function outgoingDetails(details: unknown, redact: (text: string) => string): unknown {
  const text = JSON.stringify(details) as string | undefined;
  if (text === undefined) return undefined;
  if (text.length > LARGEST_HEARTBEAT) return { omitted: `${text.length} characters` };
  return JSON.parse(redact(text));
}
