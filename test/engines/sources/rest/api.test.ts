import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cut, status } from '../../../support/odd-api.js';
import { Bench, CANARY, records, SECRETS, type SourceInput } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
  bench.api.on('/v1/orders', () => records(1, 2));
});
afterEach(() => bench.close());

const header = (name: string) => bench.api.asked.at(-1)?.headers[name];

describe('auth', () => {
  test('an API key in a header of its own', async () => {
    await bench.fetch({}, { auth: { kind: 'apiKey', key: 'env:KEY', name: 'X-Shop-Key' } });
    expect(header('x-shop-key')).toBe(CANARY);
  });

  test('an API key in the query, of each page, and shown nowhere', async () => {
    bench.api.on('/v1/orders', ({ query }) =>
      query.get('cursor') ? { rows: records(3, 1) } : { rows: records(1, 2), next: 'b' },
    );
    const pagination = { kind: 'cursor', next: 'next' } as const;
    const auth = { kind: 'apiKey', key: 'env:KEY', name: 'key', in: 'query' } as const;
    const { rows, shown } = await bench.fetch({ pagination, records: 'rows' }, { auth });
    expect(rows).toEqual(records(1, 3));
    expect(bench.api.asked.map(({ query }) => query.get('key'))).toEqual([CANARY, CANARY]);
    expect(shown).toBe(`GET ${bench.api.url}/v1/orders`);
  });

  test('a bearer token', async () => {
    await bench.fetch({}, { auth: { kind: 'bearer', token: 'env:KEY' }, headers: { 'X-Tenant': '7' } });
    expect(header('authorization')).toBe(`Bearer ${CANARY}`);
    expect(header('x-tenant')).toBe('7');
  });

  test('a secret that fits no header is said, and not shown', async () => {
    SECRETS['env:BROKEN'] = 'c4n4ry\nx';
    const failure = bench.fetch({}, { auth: { kind: 'bearer', token: 'env:BROKEN' } });
    await expect(failure).rejects.toMatchObject({ type: 'ProjectInvalid', retryable: false });
    await failure.catch((error: Error) => expect(error.message).not.toContain('c4n4ry'));
  });

  test('user and password', async () => {
    await bench.fetch({}, { auth: { kind: 'basic', user: 'env:USER', password: 'env:KEY' } });
    expect(header('authorization')).toBe(`Basic ${Buffer.from(`ann:${CANARY}`).toString('base64')}`);
  });

  describe('OAuth 2', () => {
    const oauth = (credentialsIn?: 'body'): SourceInput => ({
      auth: {
        kind: 'oauth2',
        tokenUrl: `${bench.api.url}/token`,
        clientId: 'env:ID',
        clientSecret: 'env:KEY',
        scope: 'orders.read',
        credentialsIn,
      },
    });
    const tokens = () => bench.api.asked.filter(({ path }) => path === '/token');
    const bearers = () =>
      bench.api.asked.filter(({ path }) => path === '/v1/orders').map(({ headers }) => headers.authorization);
    const issue = (seconds: number) =>
      bench.api.on('/token', ({ before }) => ({ access_token: `token-${before}`, expires_in: seconds }));

    test('one token serves all pages', async () => {
      issue(3600);
      await bench.fetch({ pagination: { kind: 'page' } }, oauth()).catch(() => undefined);
      expect(bearers().length).toBeGreaterThan(1);
      expect(tokens()).toHaveLength(1);
      const basic = Buffer.from(tokens()[0]?.headers.authorization?.slice(6) ?? '', 'base64').toString();
      expect(basic).toBe('client%3A1:c4n4ry%2Fs3cr%2Bt%22x');
      expect(new URLSearchParams(tokens()[0]?.body).get('scope')).toBe('orders.read');
    });

    test('the credentials may go into the form', async () => {
      issue(3600);
      await bench.fetch({}, oauth('body'));
      expect(new URLSearchParams(tokens()[0]?.body).get('client_secret')).toBe(CANARY);
      expect(tokens()[0]?.headers.authorization).toBeUndefined();
    });

    test('a token is renewed before it ends', async () => {
      issue(0.2);
      bench.api.on('/v1/orders', async ({ query }) => {
        await new Promise((done) => setTimeout(done, 120));
        return { rows: [{ id: query.get('cursor') }], next: query.get('cursor') ? null : 'b' };
      });
      const pagination = { kind: 'cursor', next: 'next' } as const;
      await bench.fetch({ pagination, records: 'rows' }, oauth());
      expect(bearers()).toEqual(['Bearer token-0', 'Bearer token-1']);
    });

    test('a token that is refused is renewed once', async () => {
      issue(3600);
      bench.api.on('/v1/orders', ({ before }, response) =>
        before === 0 ? status(response, 401, { error: 'expired' }) : records(1, 2),
      );
      expect((await bench.fetch({}, oauth())).rows).toEqual(records(1, 2));
      expect(bearers()).toEqual(['Bearer token-0', 'Bearer token-1']);
      bench.api.on('/v1/orders', (_asked, response) => status(response, 401, { error: 'no' }));
      await expect(bench.fetch({}, oauth())).rejects.toMatchObject({
        type: 'AccessDenied',
        retryable: false,
      });
      expect(tokens()).toHaveLength(4);
    });

    test('a wrong secret is said, and not shown', async () => {
      bench.api.on('/token', ({ body }, response) =>
        status(response, 401, { error: 'invalid_client', echo: body, secret: CANARY }),
      );
      const failure = bench.fetch({}, oauth('body'));
      await expect(failure).rejects.toMatchObject({
        type: 'AccessDenied',
        message: expect.stringContaining('invalid_client'),
      });
      await failure.catch((error: Error) => expect(error.message).not.toContain('c4n4ry'));
    });

    test('no token is shown when the answer is another one', async () => {
      bench.api.on('/token', () => ({ accessToken: 'very-secret' }));
      const failure = bench.fetch({}, oauth());
      await expect(failure).rejects.toMatchObject({ type: 'FormatMismatch' });
      await failure.catch((error: Error) => expect(error.message).not.toContain('very-secret'));
    });
  });
});

describe('a server that asks to wait', () => {
  test.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 1000).toUTCString()],
  ])('%s: short waits are waited, and reported', async (_what, when) => {
    bench.api.on('/v1/orders', ({ before }, response) =>
      before === 0 ? status(response, 429, {}, { 'retry-after': when() }) : records(1, 2),
    );
    const started = performance.now();
    expect((await bench.fetch()).rows).toEqual(records(1, 2));
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(bench.progress.some(({ waitingMs }) => Number(waitingMs) > 0)).toBe(true);
  });

  test.each([429, 503])('status %i: long ones are left to the retry', async (code) => {
    bench.api.on('/v1/orders', (_asked, response) => status(response, code, {}, { 'retry-after': '3600' }));
    await expect(bench.fetch()).rejects.toMatchObject({
      ...{ type: 'RateLimited', retryable: true, retryAfterMs: 3_600_000 },
    });
  });

  test('one that says at once, for ever, is not asked in a busy loop', async () => {
    bench.api.on('/v1/orders', ({ before }, response) =>
      before < 2 ? status(response, 429, {}, { 'retry-after': '0' }) : records(1, 2),
    );
    const started = performance.now();
    expect((await bench.fetch()).rows).toEqual(records(1, 2));
    expect(performance.now() - started).toBeGreaterThan(900);
  });

  test('a wait ends when the load is cancelled', async () => {
    bench.api.on('/v1/orders', (_asked, response) => status(response, 429, {}, { 'retry-after': '30' }));
    setTimeout(() => bench.abort.abort(new Error('cancelled')), 100);
    await expect(bench.fetch()).rejects.toThrow('cancelled');
  });

  test('workers share a quota, evenly', async () => {
    const times: number[] = [];
    bench.api.on('/v1/orders', () => (times.push(Date.now()), records(1, 1)));
    await Promise.all(Array.from({ length: 4 }, () => bench.fetch({}, { requestsPerMinute: 120 })));
    // two in each second, so the third waits for the next one but one
    expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(900);
    expect(await bench.lake.list('quota/shop/120/')).toHaveLength(4);
  });
});

describe('a server that fails', () => {
  test('an answer cut off in the middle is asked for again, and nothing is doubled', async () => {
    bench.api.on('/v1/orders', ({ query, before }, response) => {
      if (before === 1) return cut(response, '{"rows":[{"id":3},{"id":4}');
      return query.get('cursor') ? { rows: records(3, 2) } : { rows: records(1, 2), next: 'b' };
    });
    const pagination = { kind: 'cursor', next: 'next' } as const;
    expect((await bench.fetch({ pagination, records: 'rows' })).rows).toEqual(records(1, 4));
  });

  test('one that stays down is unavailable, in the end', async () => {
    bench.api.on('/v1/orders', (_asked, response) => status(response, 502, 'Bad gateway'));
    await expect(bench.fetch()).rejects.toMatchObject({ type: 'Unavailable', retryable: true });
    expect(bench.api.asked).toHaveLength(4);
  }, 20_000);

  test.each([
    [400, 'ApiError', '{"message":"since is no date"}'],
    [404, 'ApiError', 'no such thing'],
    [401, 'AccessDenied', 'who are you'],
    [403, 'AccessDenied', 'not for you'],
    [304, 'ApiError', ''],
  ])('status %i is %s, with what the server says', async (code, type, said) => {
    bench.api.on('/v1/orders', (_asked, response) => status(response, code, said));
    await expect(bench.fetch()).rejects.toMatchObject({
      ...{ type, retryable: false, where: { file: `${bench.api.url}/v1/orders` } },
      message: expect.stringContaining(said),
    });
    expect(bench.api.asked).toHaveLength(1);
  });

  test.each([
    ['where it was declared', { errorPath: 'fault.code' }, { fault: { code: 17 } }, '17'],
    ['in place of records', { records: 'data' }, { error: { message: 'no such tenant' } }, 'no such tenant'],
    ['in place of the array', {}, { errors: ['bad'] }, 'bad'],
  ])('an error in an answer of status 200, %s', async (_where, stream, answer, said) => {
    bench.api.on('/v1/orders', () => answer);
    await expect(bench.fetch(stream)).rejects.toMatchObject({
      ...{ type: 'ApiError', retryable: false },
      message: expect.stringContaining(said),
    });
  });

  test('an error that is empty is none', async () => {
    bench.api.on('/v1/orders', () => ({ errors: [], error: null, data: records(1, 1) }));
    expect((await bench.fetch({ records: 'data', errorPath: 'errors' })).rows).toEqual(records(1, 1));
    expect((await bench.fetch({ records: 'data' })).rows).toEqual(records(1, 1));
  });

  test('HTML instead of JSON', async () => {
    bench.api.on('/v1/orders', (_asked, response) =>
      status(response, 200, '<!DOCTYPE html>\n<title>Log in</title>'),
    );
    await expect(bench.fetch()).rejects.toMatchObject({
      ...{ type: 'FormatMismatch', retryable: false },
      message: expect.stringMatching(/answers HTML \(text\/html\): <!DOCTYPE html> <title>Log in/),
    });
  });

  test.each([['{"a":1'], ['[1,]'], ['{"a":1.2.3}'], ['ok']])('no JSON: %s', async (text) => {
    bench.api.on('/v1/orders', () => text);
    await expect(bench.fetch()).rejects.toMatchObject({
      type: 'FormatMismatch',
      message: expect.stringContaining('what is no JSON'),
    });
  });

  test('bytes that are no UTF-8, and those of a declared encoding', async () => {
    const bytes = Buffer.from('[{"name":"M\u00fcller"}]', 'latin1');
    const send = (type: string) =>
      bench.api.on('/v1/orders', (_asked, response) => {
        response.writeHead(200, { 'content-type': type }).end(bytes);
      });
    send('application/json');
    await expect(bench.fetch()).rejects.toMatchObject({ type: 'FormatMismatch' });
    send('application/json; charset=ISO-8859-1');
    expect((await bench.fetch()).rows).toEqual([{ name: 'Müller' }]);
  });

  test('records that are not where they should be', async () => {
    bench.api.on('/v1/orders', () => ({ data: { items: [] } }));
    await expect(bench.fetch({ records: 'data.rows' })).rejects.toMatchObject({
      type: 'FormatMismatch',
      message: expect.stringContaining("no 'data.rows'"),
    });
  });

  test('a redirect to the metadata service is refused at the socket', async () => {
    bench.api.on('/v1/orders', (_asked, response) =>
      status(response, 302, '', { location: 'http://169.254.169.254/latest/meta-data/iam/' }),
    );
    await expect(bench.fetch({}, { auth: { kind: 'bearer', token: 'env:KEY' } })).rejects.toMatchObject({
      type: 'AddressForbidden',
      retryable: false,
    });
  });

  test('a private host that is not named is refused', async () => {
    await expect(bench.fetch({}, { allowPrivate: [] })).rejects.toMatchObject({ type: 'AddressForbidden' });
    expect(bench.api.asked).toEqual([]);
  });
});

test('no secret is in any error, progress or line, however an API repeats it', async () => {
  const echo = [
    CANARY,
    encodeURIComponent(CANARY),
    JSON.stringify(CANARY),
    Buffer.from(`ann:${CANARY}`).toString('base64'),
  ];
  const auths = [
    { kind: 'apiKey', key: 'env:KEY', in: 'query', name: 'key' },
    { kind: 'apiKey', key: 'env:KEY' },
    { kind: 'bearer', token: 'env:KEY' },
    { kind: 'basic', user: 'env:USER', password: 'env:KEY' },
  ] as const;
  const answers = [
    [400, echo.join(' ')],
    [403, { said: echo }],
    [200, `<html>${echo.join(' ')}`],
    [200, { error: echo }],
    [429, echo.join(' ')],
  ] as const;
  for (const auth of auths) {
    for (const [code, body] of answers) {
      bench.api.on('/v1/orders', (_asked, response) =>
        status(response, code, body, { 'retry-after': '999' }),
      );
      const error = await bench.fetch({}, { auth }).catch((failure: unknown) => failure as Error);
      const seen = JSON.stringify([error, String((error as Error).stack), bench.progress]);
      const sent = auth.kind === 'basic' ? [echo[3] ?? ''] : [];
      for (const form of ['c4n4ry', encodeURIComponent('/s3cr'), ...sent]) expect(seen).not.toContain(form);
    }
  }
});
