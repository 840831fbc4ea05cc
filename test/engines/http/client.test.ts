import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HttpClient, type HttpClientOptions } from '../../../engines/http/client.js';
import { retryAfterMs } from '../../../engines/http/retry-after.js';
import { cut, OddApi, status } from '../../support/odd-api.js';
import { CERTIFICATE, KEY } from './certificate.js';

let api: OddApi;
const clients: HttpClient[] = [];
beforeEach(async () => {
  api = await OddApi.open();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await api.close();
});

/** Everything is at loopback, whatever the name. */
const resolve = async () => [{ address: '127.0.0.1', family: 4 as const }];
function open(options: HttpClientOptions = {}): HttpClient {
  const client = new HttpClient({ allowPrivate: ['127.0.0.1'], ...options });
  clients.push(client);
  return client;
}
const get = (client: HttpClient, url: string, headers: Record<string, string> = {}) =>
  client.request({ method: 'GET', url: new URL(url), headers });

describe('the guard', () => {
  test.each([
    'http://127.0.0.1:PORT/',
    'http://localhost:PORT/',
    'http://localhost.:PORT/',
    'http://2130706433:PORT/',
    'http://0177.0.0.1:PORT/',
    'http://0x7f.1:PORT/',
    'http://127.1:PORT/',
    'http://0.0.0.0:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[::ffff:7f00:1]:PORT/',
    'http://[64:ff9b::7f00:1]:PORT/',
    'http://[2002:7f00:1::]:PORT/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/meta-data/',
  ])('refuses %s', async (url) => {
    await expect(
      get(open({ allowPrivate: [] }), url.replace('PORT', String(api.port))),
    ).rejects.toMatchObject({
      type: 'AddressForbidden',
      retryable: false,
    });
    expect(api.asked).toEqual([]);
  });

  test('a host that is allowed by name may be private, with its port only when that is named', async () => {
    api.on('/', () => ({ ok: true }));
    const url = `http://crm.internal:${api.port}/`;
    expect(await get(open({ resolve, allowPrivate: ['CRM.internal'] }), url)).toMatchObject({ status: 200 });
    expect(await get(open({ resolve, allowPrivate: [`crm.internal:${api.port}`] }), url)).toMatchObject({
      status: 200,
    });
    for (const allowPrivate of [['other.internal'], ['crm.internal:1']]) {
      await expect(get(open({ resolve, allowPrivate }), url)).rejects.toMatchObject({
        type: 'AddressForbidden',
        message: expect.stringContaining("allowPrivate: ['crm.internal']"),
      });
    }
  });

  test('no name may lead to the metadata service', async () => {
    const metadata = async () => [{ address: '169.254.169.254', family: 4 as const }];
    const client = open({ resolve: metadata, allowPrivate: ['crm.internal'] });
    await expect(get(client, 'http://crm.internal/')).rejects.toMatchObject({ type: 'AddressForbidden' });
  });

  test('one private address among public ones is enough to refuse', async () => {
    const mixed = async () => [
      { address: '93.184.216.34', family: 4 as const },
      { address: '::ffff:10.0.0.1', family: 6 as const },
    ];
    await expect(get(open({ resolve: mixed }), 'http://api.test/')).rejects.toMatchObject({
      type: 'AddressForbidden',
    });
  });

  test('a name that changes its address is judged at each connection, and the judged one is used', async () => {
    api.on('/', () => ({ ok: true }));
    let looks = 0;
    // allowed, then the metadata service; each look at the name has its one answer
    const rebinding = async () => [
      { address: looks++ === 0 ? '127.0.0.1' : '169.254.169.254', family: 4 as const },
    ];
    const client = open({ resolve: rebinding, allowPrivate: ['rebind.test'] });
    expect((await get(client, `http://rebind.test:${api.port}/`, { connection: 'close' })).status).toBe(200);
    expect(looks).toBe(1);
    await client.close();
    const again = open({ resolve: rebinding, allowPrivate: ['rebind.test'] });
    await expect(get(again, `http://rebind.test:${api.port}/`)).rejects.toMatchObject({
      type: 'AddressForbidden',
    });
    expect(looks).toBe(2);
  });

  test.each([
    'http://169.254.169.254/latest',
    'http://[::ffff:169.254.169.254]/',
    'http://localhost:1/',
    'http://0/',
  ])('a redirect to %s is refused at the socket', async (location) => {
    api.on('/', (_asked, response) => status(response, 302, '', { location }));
    await expect(get(open(), api.url)).rejects.toMatchObject({ type: 'AddressForbidden' });
  });

  test.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'gopher://127.0.0.1/', 'data:text/plain,x'])(
    'a redirect to %s is refused',
    async (location) => {
      api.on('/', (_asked, response) => status(response, 302, '', { location }));
      await expect(get(open(), api.url)).rejects.toMatchObject({ type: 'ApiError' });
      await expect(get(open(), location)).rejects.toMatchObject({ type: 'ApiError' });
    },
  );
});

describe('redirects', () => {
  test('credentials follow within the origin, and never to another one', async () => {
    const other = await OddApi.open();
    try {
      api.on('/near', (_asked, response) => status(response, 302, '', { location: '/end' }));
      api.on('/far', (_asked, response) => status(response, 307, '', { location: `${other.url}/end` }));
      api.on('/end', () => ({}));
      other.on('/end', () => ({}));
      const headers = { authorization: 'Bearer canary', 'x-api-key': 'canary', accept: 'application/json' };
      await get(open(), `${api.url}/near`, headers);
      expect(api.asked.at(-1)?.headers).toMatchObject(headers);
      await get(open(), `${api.url}/far`, headers);
      expect(other.asked[0]?.headers.accept).toBe('application/json');
      expect(JSON.stringify(other.asked)).not.toContain('canary');
      const post = { method: 'POST', url: new URL(`${api.url}/far`), body: 'canary' } as const;
      await expect(open().request(post)).rejects.toMatchObject({ type: 'ApiError' });
    } finally {
      await other.close();
    }
  });

  test('too many are refused', async () => {
    api.on('/', (_asked, response) => status(response, 302, '', { location: '/' }));
    await expect(get(open(), api.url)).rejects.toMatchObject({ type: 'ApiError' });
    expect(api.asked).toHaveLength(6);
  });
});

describe('answers', () => {
  test('packed ones are unpacked, and one that unpacks to too much is refused', async () => {
    const packed = gzipSync(Buffer.alloc(50 << 20, ' '));
    api.on('/small', (_asked, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"a":1}'));
    });
    api.on('/bomb', (_asked, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
    });
    const client = open({ maxBytes: 4 << 20 });
    expect((await get(client, `${api.url}/small`)).body.toString()).toBe('{"a":1}');
    await expect(get(client, `${api.url}/bomb`)).rejects.toMatchObject({
      type: 'ApiError',
      message: expect.stringContaining('more than 4 MB'),
    });
  });

  test('one that is cut off is no answer', async () => {
    api.on('/', (_asked, response) => cut(response, '[{"id":1},'));
    await expect(get(open(), api.url)).rejects.toMatchObject({ type: 'Unavailable', retryable: true });
  });

  test('a server that hangs is given up, before and within its answer', async () => {
    api.on('/silent', () => undefined);
    api.on('/stops', (_asked, response) => void response.writeHead(200).write('['));
    const client = open({ timeoutMs: 300 });
    await expect(get(client, `${api.url}/silent`)).rejects.toMatchObject({
      type: 'Unavailable',
      message: expect.stringContaining('did not answer in time'),
    });
    await expect(get(client, `${api.url}/stops`)).rejects.toMatchObject({
      type: 'Unavailable',
      message: expect.stringContaining('in the middle of its answer'),
    });
  });

  test('a port where nobody listens is unavailable', async () => {
    const { port } = api;
    await api.close();
    await expect(get(open(), `http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      type: 'Unavailable',
      message: expect.stringContaining('refuses connections'),
    });
    api = await OddApi.open();
  });

  test('a cancelled request rejects with the reason', async () => {
    api.on('/', () => undefined);
    const cancel = new AbortController();
    const asked = open().request({ method: 'GET', url: new URL(api.url), signal: cancel.signal });
    setTimeout(() => cancel.abort(new Error('enough')), 50);
    await expect(asked).rejects.toThrow('enough');
  });
});

describe('TLS', () => {
  test('a certificate of nobody trusted is refused, and so is one for another host', async () => {
    const server = createTlsServer({ key: KEY, cert: CERTIFICATE }, (_request, response) => {
      response.end('{}');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    try {
      const allowPrivate = ['api.test', 'other.test'];
      const untrusted = get(open({ resolve, allowPrivate }), `https://api.test:${port}/`);
      await expect(untrusted).rejects.toMatchObject({ type: 'CertificateInvalid', retryable: false });
      const trusting = open({ resolve, allowPrivate, ca: CERTIFICATE });
      expect((await get(trusting, `https://api.test:${port}/`)).status).toBe(200);
      await expect(get(trusting, `https://other.test:${port}/`)).rejects.toMatchObject({
        type: 'CertificateInvalid',
      });
      await expect(get(open(), `https://127.0.0.1:${api.port}/`)).rejects.toMatchObject({
        type: 'CertificateInvalid',
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

test.each([
  ['120', undefined, 120_000],
  ['0', undefined, 0],
  ['Wed, 21 Oct 2015 07:28:30 GMT', 'Wed, 21 Oct 2015 07:28:00 GMT', 30_000],
  ['Wed, 21 Oct 2015 07:28:00 GMT', 'Wed, 21 Oct 2015 07:29:00 GMT', 0],
  ['soon', undefined, undefined],
  [undefined, undefined, undefined],
])('Retry-After: %s', (header, date, expected) => expect(retryAfterMs(header, date)).toBe(expected));
