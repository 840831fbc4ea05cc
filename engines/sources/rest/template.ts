import { DateTime } from 'luxon';
import { MillraceError } from '../../../schemas/errors.js';
import type { Interval } from '../../../schemas/interval.js';
import type { RestSource, RestStream } from '../../../schemas/rest.js';
import { withValueAt } from './json.js';

/** A request for one page; parameters are apart from the address until it is sent. */
export interface PageRequest {
  method: 'GET' | 'POST';
  url: URL;
  /** JSON body of a POST */
  body?: Record<string, unknown> | undefined;
}

interface Values {
  interval: Interval;
  cursor: string | number | undefined;
}

const PLACEHOLDER = /\{(start|end|cursor)(?::([^{}]*))?\}/g;

/** Whether a stream asks for one interval at a time. */
export const usesInterval = ({ path, params, body }: RestStream): boolean =>
  /\{(start|end)[:}]/.test(JSON.stringify([path, params, body]));

/** The first page's request, all placeholders filled. @throws MillraceError ProjectInvalid */
export function firstRequest(source: RestSource, spec: RestStream, values: Values): PageRequest {
  const path = fill(spec.path, values, encodeURIComponent);
  const unknown = /\{\w+[^{}]*\}/.exec(path);
  if (unknown) {
    throw invalid(
      `The path '${spec.path}' has the unknown placeholder ${unknown[0]}`,
      'Use {start:yyyy-MM-dd}, {end:yyyy-MM-dd} or {cursor}',
    );
  }
  const base = new URL(source.baseUrl);
  const folder = base.pathname.replace(/\/*$/, '/');
  const url = new URL(`${base.origin}${folder}${path.replace(/^\/+/, '')}`);
  if (url.origin !== base.origin || !url.pathname.startsWith(folder)) {
    throw invalid(
      `The path '${spec.path}' leaves the source's baseUrl`,
      'Write it below baseUrl, without ..',
    );
  }
  for (const [name, value] of Object.entries(spec.params)) {
    url.searchParams.set(name, fill(String(value), values));
  }
  const { method } = spec;
  if (method === 'GET') return { method, url };
  return { method, url, body: fillBody(spec.body ?? {}, values) as Record<string, unknown> };
}

/** The same request with another parameter: in the query of a GET, at that dotted path of the body of a POST. */
export function withParameter(request: PageRequest, name: string, value: string | number): PageRequest {
  if (request.method === 'POST') return { ...request, body: withValueAt(request.body ?? {}, name, value) };
  const url = new URL(request.url);
  url.searchParams.set(name, String(value));
  return { ...request, url };
}

function fill(text: string, { interval, cursor }: Values, encode = (value: string) => value): string {
  return text.replace(PLACEHOLDER, (_all, name: 'start' | 'end' | 'cursor', format?: string) => {
    if (name === 'cursor') {
      if (cursor !== undefined) return encode(String(cursor));
      throw invalid(
        '{cursor} is used, and the stream declares no cursor',
        "Declare it: cursor: { field: 'updated_at', from: '2020-01-01' }",
      );
    }
    const time = DateTime.fromISO(interval[name], { zone: 'utc' });
    return encode(format ? time.toFormat(format) : (time.toISO({ suppressMilliseconds: true }) ?? ''));
  });
}

/** A text that is nothing but the cursor keeps the cursor's own type: a number stays one. */
function fillBody(value: unknown, values: Values): unknown {
  if (value === '{cursor}' && values.cursor !== undefined) return values.cursor;
  if (typeof value === 'string') return fill(value, values);
  if (Array.isArray(value)) return value.map((inner) => fillBody(inner, values));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillBody(inner, values)]));
}

const invalid = (what: string, fix: string): MillraceError =>
  new MillraceError('ProjectInvalid', { what, fix });
