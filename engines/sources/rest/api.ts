import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../schemas/errors.js';
import type { RestSource } from '../../../schemas/rest.js';
import type { HttpAnswer, HttpClient } from '../../http/client.js';
import { shownUrl } from '../../http/failure.js';
import { retryAfterMs } from '../../http/retry-after.js';
import type { Credentials } from './auth.js';
import { jsonLine, parseJson } from './json.js';
import type { Quota } from './quota.js';
import type { PageRequest } from './template.js';

export interface ApiAnswer {
  /** parsed by `parseJson`; undefined for an answer without a body */
  value: unknown;
  /** by lower-case name */
  headers: Record<string, string>;
  url: URL;
}

export interface ApiDeps {
  source: RestSource;
  client: HttpClient;
  credentials: Credentials;
  quota: Quota | undefined;
  signal: AbortSignal;
  /** milliseconds that the API makes us wait from now on */
  onWait: (ms: number) => void;
}

/** What a server may make us wait before the first page: beyond it the slot of the worker is worth more to others. */
const FIRST_PATIENCE_MS = 60_000;
/** And later, where a new attempt would have to read all pages again. */
const PATIENCE_MS = 15 * 60_000;
/** Attempts for one page when the server is down or cuts its answer off: a new page costs less than a new load. */
const ATTEMPTS = 4;
const SHOWN = 200;

/** Reads JSON from one API: signs, keeps to its limits, and says what is wrong with an answer. */
export class RestApi {
  private answered = false;

  constructor(private readonly deps: ApiDeps) {}

  /**
   * @throws MillraceError AccessDenied, ApiError, RateLimited (retryable, with the delay the server asked for),
   *   Unavailable, FormatMismatch, and what `HttpClient` and `Credentials` throw
   */
  async read(request: PageRequest): Promise<ApiAnswer> {
    const { credentials, quota, signal } = this.deps;
    let waited = 0;
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      await quota?.take(signal);
      const answer = await this.send(request).catch((error: Error) => error);
      signal.throwIfAborted();
      const failure = this.judge(answer);
      if (!failure) {
        this.answered = true;
        return this.parse(answer as HttpAnswer);
      }
      const delay = this.delayOf(failure, attempt);
      if (failure.type === 'AccessDenied' && !renewed && (answer as HttpAnswer).status === 401) {
        renewed = true;
        if (credentials.renew()) continue;
      }
      if (delay === undefined || waited + delay > (this.answered ? PATIENCE_MS : FIRST_PATIENCE_MS))
        throw failure;
      waited += delay;
      await this.pause(delay);
    }
  }

  private async send({ method, url, body }: PageRequest): Promise<HttpAnswer> {
    const { source, client, credentials, signal } = this.deps;
    const signed = new URL(url);
    const own = Object.entries(source.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
    const headers: Record<string, string> = { accept: 'application/json', ...Object.fromEntries(own) };
    if (body !== undefined) headers['content-type'] = 'application/json';
    await credentials.sign(signed, headers, signal);
    const text = body === undefined ? undefined : jsonLine(body);
    return client.request({ method, url: signed, headers, body: text, signal });
  }

  /** @returns the fault of an answer; undefined when it has none that its status or its way here shows */
  private judge(answer: HttpAnswer | Error): MillraceError | undefined {
    if (answer instanceof MillraceError) return answer;
    if (answer instanceof Error) throw answer;
    const { status, headers, url } = answer;
    if (status >= 200 && status < 300) return undefined;
    const where = { file: shownUrl(url) };
    const what = `${url.host} answers ${status}${this.shown(answer)}`;
    const asked = retryAfterMs(headers['retry-after'], headers['date']);
    if (status === 429 || (status === 503 && asked !== undefined)) {
      return new MillraceError('RateLimited', {
        ...{
          what,
          where,
          fix: 'It is tried again after the delay that was asked for; requestsPerMinute keeps below the limit',
        },
        ...(asked !== undefined && { retryAfterMs: asked }),
      });
    }
    if (status >= 500 || status === 408 || status === 425) {
      return new MillraceError('Unavailable', { what, where, fix: 'It is tried again' });
    }
    if (status === 401 || status === 403 || status === 407) {
      return new MillraceError('AccessDenied', {
        ...{ what, where },
        fix: 'Check auth of the source: the kind, the secret that it refers to, and what that may read',
      });
    }
    return new MillraceError('ApiError', {
      ...{ what, where },
      fix: 'Check path, params and body of the stream against the documentation of the API',
    });
  }

  /** @returns milliseconds before the next attempt; undefined when there is none */
  private delayOf({ type, retryAfterMs: asked }: MillraceError, attempt: number): number | undefined {
    // 'at once' again and again would be a busy loop
    if (type === 'RateLimited' && asked !== undefined) return Math.max(asked, 500);
    if (type !== 'RateLimited' && type !== 'Unavailable') return undefined;
    return attempt < ATTEMPTS ? 200 * 3 ** (attempt - 1) : undefined;
  }

  private parse(answer: HttpAnswer): ApiAnswer {
    const { headers, url } = answer;
    const where = { file: shownUrl(url) };
    if (answer.body.length === 0) return { value: undefined, headers, url };
    const text = this.decode(answer);
    try {
      return { value: parseJson(text), headers, url };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const kind = headers['content-type'] ?? 'no content-type';
      const isHtml = /^\s*<(!doctype|html|head|body|\?xml|!--)/i.test(text);
      throw new MillraceError('FormatMismatch', {
        what: `${url.host} answers ${isHtml ? 'HTML' : 'what is no JSON'} (${kind})${this.shown(answer)}`,
        where,
        fix: isHtml
          ? 'Such pages come from a login, a proxy or a wrong path: open the address as the API documents it'
          : 'Check the path; the answer must be one JSON document',
      });
    }
  }

  private decode({ headers, body, url }: HttpAnswer): string {
    const charset = /charset\s*=\s*"?([\w-]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
    try {
      return new TextDecoder(charset, { fatal: true }).decode(body);
    } catch {
      throw new MillraceError('FormatMismatch', {
        what: `${url.host} answers bytes that are no ${charset}`,
        where: { file: shownUrl(url) },
        fix: 'The API must answer in the encoding that it names, by default UTF-8',
      });
    }
  }

  /** The beginning of an answer, on one line and without secrets. */
  private shown({ body }: HttpAnswer): string {
    // cut after hiding: a cut in the middle of a secret would leave a part of it
    const text = this.deps.credentials.redact(body.subarray(0, 8_192).toString());
    const line = text.replace(/\s+/g, ' ').trim();
    return line === '' ? '' : `: ${line.slice(0, SHOWN)}${line.length > SHOWN ? ' …' : ''}`;
  }

  private async pause(ms: number): Promise<void> {
    const { signal, onWait } = this.deps;
    onWait(ms);
    await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
    onWait(0);
  }
}
