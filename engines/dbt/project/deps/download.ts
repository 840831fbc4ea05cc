import { setTimeout as pause } from 'node:timers/promises';
import { MillraceError } from '../../../../schemas/errors.js';

const TRIES = 4;
const PATIENCE_MS = 60_000;

/**
 * @param what for errors: `package dbt-labs/dbt_utils`
 * @returns null for what the server does not have
 * @throws MillraceError Unavailable, AccessDenied, ApiError
 */
export async function download(url: string, what: string): Promise<Buffer | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await get(url, what);
    } catch (cause) {
      const retryable = cause instanceof MillraceError && cause.retryable;
      if (!retryable || attempt === TRIES) throw cause;
      await pause(250 * 2 ** attempt);
    }
  }
}

async function get(url: string, what: string): Promise<Buffer | null> {
  let answer: Response;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) return Buffer.from(await answer.arrayBuffer());
  } catch (cause) {
    const { cause: below } = cause as { cause?: Error };
    throw new MillraceError('Unavailable', {
      what: `${what} cannot be downloaded from ${new URL(url).host}: ${below?.message ?? (cause as Error).message}`,
      fix: 'Check the network, and whether the address is right',
      cause,
    });
  }
  if (answer.status === 404) return null;
  const { status } = answer;
  const type =
    status >= 500 || status === 429
      ? 'Unavailable'
      : status === 401 || status === 403
        ? 'AccessDenied'
        : 'ApiError';
  throw new MillraceError(type, {
    what: `${what} cannot be downloaded: ${new URL(url).host} answers ${status}`,
    fix:
      type === 'AccessDenied'
        ? 'Check the credentials in its address'
        : 'Try again later, or check its address',
  });
}
