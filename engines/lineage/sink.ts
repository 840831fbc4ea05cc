import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { milliseconds } from '../../schemas/duration.js';
import type { Lineage } from '../../schemas/lineage.js';
import type { RunEvent } from './open-lineage.js';

/** What takes events. It throws when it did not, and {@link EventRejected} when it never will. */
export interface Sink {
  send(event: RunEvent, signal: AbortSignal | undefined): Promise<void>;
}

/** The sink has understood the event and does not want it: sending it again changes nothing. */
export class EventRejected extends Error {}

/** answers that say "not now" rather than "not this": no access may be mended, too many will pass */
const LATER = new Set([401, 403, 404, 407, 408, 425, 429]);

/**
 * An OpenLineage API.
 *
 * @param timeoutMs for one event
 */
export function httpSink(url: URL, timeoutMs: number, apiKey?: string): Sink {
  return {
    async send(event, signal) {
      const late = AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify(event),
        // a token goes to nobody but the address it was given for
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
      await response.body?.cancel();
      if (response.ok) return;
      const said = `${url.host} answers ${response.status}`;
      const forGood = response.status < 500 && !LATER.has(response.status);
      throw forGood ? new EventRejected(said) : new Error(said);
    },
  };
}

/** A file of JSON lines. */
export function fileSink(file: string): Sink {
  return {
    async send(event) {
      await mkdir(dirname(file), { recursive: true });
      await appendFile(file, `${JSON.stringify(event)}\n`);
    },
  };
}

/**
 * The sink that a project declares.
 *
 * @param root of the project: where a file's path begins
 * @param apiKey what `apiKey` refers to
 */
export function openSink({ url, file, timeout }: Lineage, root: string, apiKey?: string): Sink {
  return url === undefined
    ? fileSink(resolve(root, file ?? ''))
    : httpSink(new URL(url), milliseconds(timeout), apiKey);
}
