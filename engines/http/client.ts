import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Agent, request, type Dispatcher } from 'undici';
import { MillraceError } from '../../schemas/errors.js';
import { networkFailure, shownUrl } from './failure.js';
import { guardedConnector, type GuardOptions } from './guard.js';

export interface HttpClientOptions extends Partial<GuardOptions> {
  /** milliseconds to connect, to begin an answer, and between two pieces of it */
  timeoutMs?: number;
  /** bytes of the largest answer, unpacked */
  maxBytes?: number;
}

export interface HttpRequest {
  method: 'GET' | 'POST';
  url: URL;
  /** they follow a redirect within the origin, and never to another one */
  headers?: Record<string, string>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
  /** how many are followed */
  redirects?: number;
}

export interface HttpAnswer {
  status: number;
  /** by lower-case name */
  headers: Record<string, string>;
  /** where it came from, after redirects */
  url: URL;
  /** unpacked */
  body: Buffer;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const UNPACK = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
};

/**
 * An HTTP client for addresses that a project, or an answer, names: it reaches public addresses only (`guard.ts`), sends
 * credentials to nobody but the origin that they are meant for, and takes no answer larger than it was told.
 */
export class HttpClient {
  private readonly agent: Agent;
  private readonly maxBytes: number;

  constructor({
    timeoutMs = 30_000,
    maxBytes = 64 << 20,
    allowPrivate = [],
    ...guard
  }: HttpClientOptions = {}) {
    this.maxBytes = maxBytes;
    this.agent = new Agent({
      connect: guardedConnector({ ...guard, allowPrivate, timeoutMs }),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  }

  /**
   * @returns any answer that is no redirect, whatever its status
   * @throws MillraceError AddressForbidden, Unavailable, CertificateInvalid; ApiError for a redirect that can't be
   *   followed or an answer that is too large; the signal's reason after an abort
   */
  async request({
    method,
    url,
    headers = {},
    body,
    signal,
    redirects = 5,
  }: HttpRequest): Promise<HttpAnswer> {
    let hop: HttpRequest = { method, url, headers, body, signal };
    for (let followed = 0; ; followed++) {
      const answer = await this.send(hop);
      const location = answer.headers['location'];
      if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
      if (followed === redirects) {
        throw refused(
          hop.url,
          `redirects ${redirects === 0 ? 'where none is followed' : `more than ${redirects} times`}`,
        );
      }
      hop = follow(hop, answer.status, location);
    }
  }

  /** Ends open connections. */
  close(): Promise<void> {
    return this.agent.destroy();
  }

  private async send({ method, url, headers, body, signal }: HttpRequest): Promise<HttpAnswer> {
    requireHttp(url, url);
    signal?.throwIfAborted();
    try {
      const response = await request(url, {
        ...{ method, dispatcher: this.agent, signal: signal ?? null, body: body ?? null },
        headers: { 'user-agent': 'millrace', 'accept-encoding': 'gzip, deflate, br', ...headers },
      });
      const flat = flatHeaders(response.headers);
      const bytes = await this.readBody(response.body, flat['content-encoding'], url);
      return { status: response.statusCode, headers: flat, url, body: bytes };
    } catch (error) {
      throw networkFailure(error, url, signal);
    }
  }

  /** Unpacked bytes are counted as they come, so that a small answer can't unpack to a large one. */
  private async readBody(body: Readable, encoding: string | undefined, url: URL): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // what a consumer throws is lost on its way through the pipeline
    let tooLarge: MillraceError | undefined;
    const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > this.maxBytes) {
          throw (tooLarge = refused(
            url,
            `answers with more than ${this.maxBytes >> 20} MB`,
            'Ask for smaller pages, or raise maxResponseMegabytes',
          ));
        }
        chunks.push(chunk);
      }
    };
    const packed = encoding?.trim().toLowerCase() ?? '';
    try {
      if (packed === '' || packed === 'identity') await pipeline(body, collect);
      else if (Object.hasOwn(UNPACK, packed)) {
        await pipeline(body, UNPACK[packed as keyof typeof UNPACK](), collect);
      } else {
        body.destroy();
        throw refused(url, `answers in the unknown encoding '${packed.slice(0, 40)}'`);
      }
    } catch (error) {
      throw tooLarge ?? error;
    }
    return Buffer.concat(chunks, bytes);
  }
}

function flatHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

function follow(
  { method, url, headers = {}, body, signal }: HttpRequest,
  status: number,
  location: string,
): HttpRequest {
  if (!URL.canParse(location, url.href)) throw refused(url, 'redirects to what is no address');
  const next = new URL(location, url);
  requireHttp(next, url);
  if (url.protocol === 'https:' && next.protocol === 'http:')
    throw refused(url, 'redirects from https to http');
  const becomesGet = status === 303 || (method === 'POST' && (status === 301 || status === 302));
  const away = next.origin !== url.origin;
  if (away && body !== undefined && !becomesGet) throw refused(url, `redirects a body to ${next.origin}`);
  const accept = Object.entries(headers).filter(([name]) => name.toLowerCase() === 'accept');
  return {
    ...{ url: next, signal },
    ...(becomesGet ? { method: 'GET' } : { method, body }),
    headers: away ? Object.fromEntries(accept) : headers,
  };
}

function requireHttp(url: URL, from: URL): void {
  if (url.protocol === 'http:' || url.protocol === 'https:') return;
  throw refused(from, `leads to ${url.protocol}, and only http and https are followed`);
}

const refused = (
  url: URL,
  what: string,
  fix = 'Check the address against the documentation of the API',
): MillraceError =>
  new MillraceError('ApiError', { what: `${url.host} ${what}`, where: { file: shownUrl(url) }, fix });
