import { milliseconds } from '../../../schemas/duration.js';
import { MillraceError } from '../../../schemas/errors.js';
import type { RestSource, RestStream } from '../../../schemas/rest.js';
import { HttpClient } from '../../http/client.js';
import { shownUrl } from '../../http/failure.js';
import type { Resolve } from '../../http/guard.js';
import type { LoadContext } from '../connector.js';
import { pageOf } from './answer.js';
import { RestApi } from './api.js';
import { Credentials } from './auth.js';
import { CursorFilter, type CursorState } from './cursor.js';
import { PagesMoved, readPages } from './pages.js';
import { Quota } from './quota.js';
import { Spool, type Spooled } from './spool.js';
import { firstRequest } from './template.js';

export interface FetchInput {
  source: RestSource;
  spec: RestStream;
  context: Pick<LoadContext, 'source' | 'interval' | 'signal' | 'secret' | 'lake' | 'onProgress'>;
  /** where the stream is; counts where the stream declares a cursor */
  cursor: CursorState;
  /** the lines are written here */
  folder: string;
  /** for a look at the endpoint: it ends after so many, and nothing is checked that all pages are needed for */
  mostPages?: number | undefined;
  /** by default the system's resolver */
  resolve?: Resolve | undefined;
}

export interface Fetched {
  own: Spooled;
  /** by the child's name */
  children: Map<string, Spooled>;
  filter: CursorFilter | undefined;
  /** records in all pages, as the API counts them */
  total: number | undefined;
  /** what was asked, without anything that may be secret */
  shown: string;
}

/** How often the pages of one load may move before it fails. */
const ATTEMPTS = 3;

/**
 * Reads all pages of an endpoint into JSON Lines, with the memory of one page. When they move meanwhile, it begins again.
 * @throws MillraceError AddressForbidden, AccessDenied, ApiError, CertificateInvalid, FormatMismatch, PagesIncomplete,
 *   ProjectInvalid, RateLimited, SecretUnresolved, Unavailable; the signal's reason after an abort
 */
export async function fetchEndpoint(input: FetchInput): Promise<Fetched> {
  const { source, context, resolve } = input;
  const client = new HttpClient({
    ...{ allowPrivate: source.allowPrivate, resolve, timeoutMs: milliseconds(source.timeout) },
    maxBytes: source.maxResponseMegabytes << 20,
  });
  const credentials = new Credentials(source.auth, { client, secret: context.secret });
  const progress = { pages: 0, records: 0, waitingMs: 0 };
  const report = (change: Partial<typeof progress>): void =>
    context.onProgress({ ...Object.assign(progress, change) });
  const api = new RestApi({
    ...{ source, client, credentials, signal: context.signal, onWait: (waitingMs) => report({ waitingMs }) },
    quota: source.requestsPerMinute
      ? new Quota(context.lake, context.source, source.requestsPerMinute)
      : undefined,
  });
  try {
    for (let attempt = 1; ; attempt++) {
      report({ pages: 0, records: 0 });
      try {
        return await fetchOnce(input, api, credentials, ({ records }) =>
          report({ pages: progress.pages + 1, records: progress.records + records }),
        );
      } catch (error) {
        if (!(error instanceof PagesMoved) || attempt === ATTEMPTS) throw error;
      }
    }
  } finally {
    await client.close();
  }
}

async function fetchOnce(
  { source, spec, context, cursor, folder, mostPages = Infinity }: FetchInput,
  api: RestApi,
  credentials: Credentials,
  onPage: (page: { records: number }) => void,
): Promise<Fetched> {
  const filter = spec.cursor && new CursorFilter(spec.cursor.field, cursor);
  const request = firstRequest(source, spec, {
    interval: context.interval,
    cursor: spec.cursor && (cursor.value ?? spec.cursor.from),
  });
  const redact = (text: string): string => credentials.redact(text);
  const shown = `${request.method} ${redact(shownUrl(request.url))}`;
  const spool = await Spool.open(folder, spec, filter);
  let total: number | undefined;
  let count = 0;
  try {
    const pages = readPages(async (page) => pageOf(await api.read(page), spec, redact), request, spec);
    for await (const page of pages) {
      total = page.total;
      await spool.add(page.records);
      onPage({ records: page.records.length });
      if (++count === mostPages) break;
    }
  } catch (error) {
    throw error instanceof MillraceError ? error.at({ file: shown }) : error;
  } finally {
    await spool.close();
  }
  return { ...spool.written, filter, total, shown };
}
