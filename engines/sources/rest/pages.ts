import { MillraceError } from '../../../schemas/errors.js';
import type { Pagination, RestStream } from '../../../schemas/rest.js';
import { shownUrl } from '../../http/failure.js';
import { sha256 } from '../../lake/content.js';
import { countOf, type Page } from './answer.js';
import { jsonLine, textOf, valueAt } from './json.js';
import { withParameter, type PageRequest } from './template.js';

type ReadPage = (request: PageRequest) => Promise<Page>;
type Kind<K extends Pagination['kind']> = Extract<Pagination, { kind: K }>;

/** The pages moved while they were read: read again from the first one, they may be complete. */
export class PagesMoved extends MillraceError {
  constructor(what: string, url: URL) {
    super('PagesIncomplete', {
      what: `The pages moved while they were read: ${what}`,
      where: { file: shownUrl(url) },
      fix: 'Sort them by what does not change, read an interval that is over, or page by a cursor. If nothing changes there, the API may not know a parameter of the pagination; key says what tells records apart',
    });
  }
}

/**
 * All pages, in order and each once. It ends where the API says so, or where a page brings nothing; what it gives before it
 * throws is not complete.
 *
 * @throws PagesMoved; MillraceError PagesIncomplete for pages that repeat or run in a circle, and what `read` throws
 */
export async function* readPages(read: ReadPage, first: PageRequest, spec: RestStream): AsyncGenerator<Page> {
  let total: number | undefined;
  let records = 0;
  for await (const page of pagesOf(read, first, spec)) {
    const { url } = page.answer;
    if (total !== undefined && page.total !== total)
      throw new PagesMoved(`the total was ${total} and is ${page.total}`, url);
    total = page.total;
    records += page.records.length;
    yield page;
  }
  if (total !== undefined && records !== total) {
    throw new PagesMoved(`the API counts ${total} records and gave ${records}`, first.url);
  }
}

async function* pagesOf(read: ReadPage, first: PageRequest, spec: RestStream): AsyncGenerator<Page> {
  const { pagination } = spec;
  switch (pagination.kind) {
    case 'none':
      yield await read(first);
      return;
    case 'page':
      yield* numberedPages(read, first, spec, pagination);
      return;
    case 'offset':
      yield* offsetPages(read, first, spec, pagination);
      return;
    default:
      yield* linkedPages(read, first, spec, pagination);
  }
}

/** Each page is read a second time at the end, unless a total tells whether rows came or went in the meantime. */
async function* numberedPages(
  read: ReadPage,
  first: PageRequest,
  spec: RestStream,
  { page: name, first: start, size, limit, pages: path, stable }: Kind<'page'>,
): AsyncGenerator<Page> {
  const sized = limit === undefined ? first : withParameter(first, size, limit);
  const at = (index: number): Promise<Page> => read(withParameter(sized, name, start + index));
  const prints = new Repeats(spec);
  let [records, last]: [number, number | undefined] = [0, undefined];
  for (let index = 0; last === undefined || index < last; index++) {
    const page = await at(index);
    const { value, url } = page.answer;
    const pages = path === undefined ? undefined : countOf(textOf(valueAt(value, path)), path, url);
    if (last !== undefined && pages !== last)
      throw new PagesMoved(`there were ${last} pages and are ${pages}`, url);
    last = pages;
    prints.add(page);
    yield page;
    if (page.records.length === 0 && (pages === undefined || pages === 0)) break;
    records += page.records.length;
    if (page.total !== undefined && records >= page.total) break;
  }
  if (stable || spec.total !== undefined) return;
  for (const [index, print] of prints.all.slice(0, -1).entries()) {
    const page = await at(index);
    if (fingerprint(page, spec) !== print)
      throw new PagesMoved(`page ${start + index} has other records`, page.answer.url);
  }
}

/** Each page begins with the last record of the one before: when another stands there, rows came or went. */
async function* offsetPages(
  read: ReadPage,
  first: PageRequest,
  spec: RestStream,
  { offset: name, size, limit, stable }: Kind<'offset'>,
): AsyncGenerator<Page> {
  const sized = withParameter(first, size, limit);
  const prints = new Repeats(spec);
  let records = 0;
  let last: string | undefined;
  for (;;) {
    const overlap = last === undefined ? 0 : 1;
    const page = await read(withParameter(sized, name, records - overlap));
    const { url } = page.answer;
    if (overlap === 1 && (!page.records[0] || identity(page.records[0], spec) !== last)) {
      throw new PagesMoved(`record ${records} is another one now`, url);
    }
    const fresh = { ...page, records: page.records.slice(overlap) };
    // the first look has the total, also when it has no record
    if (fresh.records.length === 0 && records > 0) return;
    prints.add(fresh);
    const end = fresh.records.at(-1);
    records += fresh.records.length;
    // a page of one record would be all overlap
    last = stable || limit === 1 || records === 1 || !end ? undefined : identity(end, spec);
    yield fresh;
    if (!end || (page.total !== undefined && records >= page.total)) return;
  }
}

async function* linkedPages(
  read: ReadPage,
  first: PageRequest,
  spec: RestStream,
  pagination: Kind<'cursor' | 'link' | 'nextUrl'>,
): AsyncGenerator<Page> {
  const prints = new Repeats(spec);
  const seen = new Set<string>();
  let request = first;
  let current: string | undefined = pagination.kind === 'cursor' ? undefined : first.url.href;
  for (;;) {
    const page = await read(request);
    const next = nextOf(page, pagination);
    // some APIs say so that nothing is left
    const ends = next === undefined || (page.records.length === 0 && next === current);
    if (!ends && seen.has(sha256(next))) throw circle(page, pagination.kind);
    prints.add(page);
    yield page;
    if (ends) return;
    seen.add(sha256(next));
    current = next;
    if (pagination.kind === 'cursor') request = withParameter(first, pagination.cursor, next);
    else request = { ...first, url: sameOrigin(next, first.url, page.answer.url) };
  }
}

/** @returns the token, or the address of the next page; undefined at the end */
function nextOf({ answer }: Page, pagination: Kind<'cursor' | 'link' | 'nextUrl'>): string | undefined {
  const { value, headers, url } = answer;
  if (pagination.kind === 'cursor' && pagination.more && valueAt(value, pagination.more) === false)
    return undefined;
  const text =
    pagination.kind === 'link' ? nextLink(headers['link']) : textOf(valueAt(value, pagination.next));
  if (text === undefined || text === '' || text === 'false') return undefined;
  if (pagination.kind === 'cursor') return text;
  if (URL.canParse(text, url.href)) return new URL(text, url).href;
  throw new MillraceError('FormatMismatch', {
    what: 'What should be the address of the next page is none',
    where: { file: shownUrl(url) },
    fix: 'Check the pagination of the stream against an answer',
  });
}

/** @returns the target of `rel="next"` in a header of RFC 8288 */
export function nextLink(header: string | undefined): string | undefined {
  for (const [, target, parameters = ''] of (header ?? '').matchAll(
    /<([^>]*)>((?:\s*;\s*[\w*-]+\s*(?:=\s*(?:"[^"]*"|[^",;\s]*))?)*)/g,
  )) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))/i.exec(parameters);
    if ((rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return target;
  }
  return undefined;
}

/** Credentials go to the API only, and without them another origin would not answer. */
function sameOrigin(next: string, first: URL, from: URL): URL {
  const url = new URL(next);
  if (url.origin === first.origin) return url;
  throw new MillraceError('ApiError', {
    what: `The next page is said to be at ${url.origin}, another origin than the API`,
    where: { file: shownUrl(from) },
    fix: `If that is the API's own address, make it baseUrl; otherwise page by number, offset or cursor`,
  });
}

/** Tells pages that were there before: content repeats where a server ignores the parameter, or gives its last page for ever. */
class Repeats {
  readonly all: string[] = [];
  private readonly seen = new Set<string>();

  constructor(private readonly spec: RestStream) {}

  add(page: Page): void {
    if (page.records.length === 0) return;
    const print = fingerprint(page, this.spec);
    this.all.push(print);
    if (!this.seen.has(print)) {
      this.seen.add(print);
      return;
    }
    throw new MillraceError('PagesIncomplete', {
      what: `Page ${this.all.length} has the same records as page ${this.all.indexOf(print) + 1}`,
      where: { file: shownUrl(page.answer.url) },
      fix: 'The API may not know a parameter of the pagination, or repeats its last page: then declare pages or total',
    });
  }
}

const circle = ({ answer }: Page, kind: string): MillraceError =>
  new MillraceError('PagesIncomplete', {
    what: `The ${kind === 'cursor' ? 'token' : 'address'} of the next page was given before: the pages run in a circle`,
    where: { file: shownUrl(answer.url) },
    fix: 'Nothing was loaded. Check the pagination of the stream; if it is right, this is a fault of the API',
  });

const identity = (record: Record<string, unknown>, { key }: RestStream): string =>
  jsonLine(key ? key.map((path) => valueAt(record, path) ?? null) : record);

const fingerprint = ({ records }: Page, spec: RestStream): string =>
  sha256(records.map((record) => identity(record, spec)).join('\n'));
