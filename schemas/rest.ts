import { z } from 'zod';
import { Column } from './column.js';
import { Duration, Name, SecretRef } from './common.js';
import { JsonFormat } from './format.js';
import { streamShape } from './stream.js';

const Address = z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).refine(
  (text) => {
    const { username, password } = new URL(text);
    return username === '' && password === '';
  },
  { error: 'must carry no user or password: use auth with references to secrets' },
);

const Auth = z.discriminatedUnion('kind', [
  z.strictObject({
    /** a fixed key */
    kind: z.literal('apiKey'),
    /** the key */
    key: SecretRef,
    /** name of the header, or of the query parameter when `in` is `query` */
    name: z.string().min(1).default('X-API-Key'),
    /** where the API looks for it; a query may end up in the server's logs */
    in: z.enum(['header', 'query']).default('header'),
  }),
  z.strictObject({
    /** a token that does not expire, as `Authorization: Bearer` */
    kind: z.literal('bearer'),
    /** the token */
    token: SecretRef,
  }),
  z.strictObject({
    /** HTTP basic authentication */
    kind: z.literal('basic'),
    /** name of the user */
    user: SecretRef,
    /** the user's password */
    password: SecretRef,
  }),
  z.strictObject({
    /** OAuth 2 client credentials; the token is renewed before it expires, and once after a 401 */
    kind: z.literal('oauth2'),
    /** where tokens are given */
    tokenUrl: Address,
    /** who asks */
    clientId: SecretRef,
    /** the client's secret */
    clientSecret: SecretRef,
    /** where the client's credentials go: in HTTP basic authentication, or in the form */
    credentialsIn: z.enum(['header', 'body']).default('header'),
    /** scopes, separated by blanks */
    scope: z.string().optional(),
    /** the API that the token is for, where one server gives tokens for several */
    audience: z.string().optional(),
  }),
]);
export type RestAuth = z.infer<typeof Auth>;

const Path = z.string().min(1);
/**
 * Pages that are counted move when rows are inserted or deleted while they are read, and rows would be lost or doubled.
 * So neighbouring pages are compared, and a load whose pages moved begins again. `true` says that rows keep their
 * places (sorted by creation, never deleted), and saves those requests.
 */
const stable = z.boolean().default(false);
const Pagination = z.discriminatedUnion('kind', [
  z.strictObject({
    /** one answer has all records */
    kind: z.literal('none'),
  }),
  z.strictObject({
    /** `?page=1&per_page=100` until a page is empty, or the number of pages or records is reached */
    kind: z.literal('page'),
    /** parameter of the page's number */
    page: z.string().default('page'),
    /** number of the first page */
    first: z.int().default(1),
    /** parameter of the page's size; sent with `limit` */
    size: z.string().default('per_page'),
    /** records a page; without it the API decides */
    limit: z.int().min(1).optional(),
    /** dotted path to the number of pages */
    pages: Path.optional(),
    stable,
  }),
  z.strictObject({
    /** `?offset=0&limit=100` until a page brings nothing new, or the number of records is reached */
    kind: z.literal('offset'),
    /** parameter of the number of records before the page */
    offset: z.string().default('offset'),
    /** parameter of the page's size */
    size: z.string().default('limit'),
    /** records a page; an API that gives fewer is no problem */
    limit: z.int().min(1).default(100),
    stable,
  }),
  z.strictObject({
    /** the answer holds the next page's token */
    kind: z.literal('cursor'),
    /** parameter of the token; in a POST a dotted path of the body */
    cursor: z.string().default('cursor'),
    /** dotted path to the token, `data.-1.id` is the last record's id; absent, null or empty ends */
    next: Path,
    /** dotted path to what is false on the last page */
    more: Path.optional(),
  }),
  z.strictObject({
    /** RFC 8288 `Link: <…>; rel="next"` */
    kind: z.literal('link'),
  }),
  z.strictObject({
    /** the answer holds the next page's address; absent, null or empty ends */
    kind: z.literal('nextUrl'),
    /** dotted path to the address, absolute or relative, at the API's own origin */
    next: Path,
  }),
]);
export type Pagination = z.infer<typeof Pagination>;

const Child = z.strictObject({
  /** dotted path to the array in the record; it is then no column of the parent */
  path: Path,
  /** dotted paths in the parent's record; `id` becomes the column `_parent_id`. `_index` counts from 1 in each parent */
  parentKey: z.array(z.string().min(1)).min(1),
  /** declared types, as of any stream, those of `_parent_…` and `_index` included */
  columns: z.record(z.string().min(1), Column).optional(),
});
export type RestChild = z.infer<typeof Child>;

const RestStream = z.strictObject({
  ...streamShape,
  /**
   * Below `baseUrl`. `{start:yyyy-MM-dd}` and `{end:…}` are filled from the interval (Luxon tokens, UTC; without tokens
   * ISO 8601), `{cursor}` from the last load. With the interval in it, a load takes the place of an earlier one of the
   * same interval; without interval and cursor, of every earlier load.
   */
  path: z.string().min(1),
  /** query parameters, filled like `path` */
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** `POST` for APIs that take a query as a body; it is repeated after a failure, so it must change nothing */
  method: z.enum(['GET', 'POST']).default('GET'),
  /** JSON body of a POST, with the parameters of the pagination; its texts are filled like `path` */
  body: z.record(z.string(), z.unknown()).optional(),
  /** dotted path to the array of records; without it the answer is the array, or one record */
  records: z.string().optional(),
  /** how an answer leads to the next */
  pagination: Pagination.default({ kind: 'none' }),
  /** dotted path, or `header:X-Total-Count`, to the number of records in all pages: what was read must agree */
  total: Path.optional(),
  /** dotted paths that tell records apart when pages are compared; by default the whole record */
  key: z.array(z.string().min(1)).min(1).optional(),
  /**
   * `field`: dotted path in each record whose greatest value begins the next load, as `{cursor}`; `from`: the first.
   * What the API brings again is left out: rows below the cursor, and at the cursor those that are in.
   */
  cursor: z
    .strictObject({
      /** dotted path in each record */
      field: z.string().min(1),
      /** `{cursor}` of the first load */
      from: z.union([z.string(), z.number()]),
    })
    .optional(),
  /** what becomes of nested objects, as in `json()` */
  nested: JsonFormat.shape.nested,
  /** arrays in each record that become streams of their own, `<stream>__<name>`, with the parent's key */
  children: z.record(Name, Child).default({}),
  /** dotted path whose presence in an answer of status 200 means an error; by default `error` and `errors` are looked at where there are no records */
  errorPath: z.string().optional(),
});
export type RestStream = z.infer<typeof RestStream>;

export const RestSource = z.strictObject({
  /** an HTTP API that answers JSON */
  kind: z.literal('rest'),
  /** all paths are below it; credentials go to its origin only */
  baseUrl: Address,
  /** how the API knows who asks */
  auth: Auth.optional(),
  /** sent with every request; secrets belong into `auth` */
  headers: z.record(z.string(), z.string()).default({}),
  /** requests a minute of all workers together, evenly spaced; without it the server's `Retry-After` alone rules */
  requestsPerMinute: z.int().min(1).optional(),
  /** to connect, to begin an answer, and between two pieces of it */
  timeout: Duration.default('30s'),
  /** the largest answer */
  maxResponseMegabytes: z.int().min(1).max(256).default(64),
  /** hosts (`host` or `host:port`) that may resolve to private addresses; every other is refused at the socket */
  allowPrivate: z.array(z.string().min(1)).default([]),
  /** streams extracted at once */
  concurrency: z.int().min(1).max(64).default(2),
  /** endpoints, by name */
  streams: z.record(Name, RestStream),
});
export type RestSource = z.infer<typeof RestSource>;
