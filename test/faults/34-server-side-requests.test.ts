import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProjectInput } from '../../schemas/project.js';
import { extractDay, failDay, makeProject, type ExtractProject } from '../support/extract-project.js';
import { startExtracting, type Extracting } from '../support/extract-run.js';
import { allHistories } from '../support/history.js';
import { OddApi, status } from '../support/odd-api.js';

const ENTRY = fileURLToPath(new URL('../support/rebinding-worker.mjs', import.meta.url));
const DAY = '2026-01-05';
/** Goes with each request as a parameter of its address. */
const CANARY = 'canary-3b8d71';

let api: OddApi;
/** What must never be reached. */
let inner: OddApi;
let project: ExtractProject;
let run: Extracting;
let stop: () => Promise<void>;

const redirects: Record<string, () => string> = {
  metadata: () => 'http://169.254.169.254/latest/meta-data/iam/',
  mapped_metadata: () => 'http://[::ffff:169.254.169.254]/latest/',
  mapped_private: () => 'http://[::ffff:10.1.2.3]/',
  loopback: () => `http://localhost:${inner.port}/secrets`,
  mapped_loopback: () => `http://[::ffff:127.0.0.1]:${inner.port}/secrets`,
  decimal: () => `http://2130706433:${inner.port}/secrets`,
  unspecified: () => `http://0.0.0.0:${inner.port}/secrets`,
};

beforeAll(async () => {
  api = await OddApi.open();
  inner = await OddApi.open();
  inner.on('/secrets', () => [{ id: 1 }]);
  const source = (baseUrl: string, allowPrivate: string[]) => ({
    ...{ kind: 'rest' as const, baseUrl, allowPrivate },
    auth: { kind: 'apiKey' as const, key: 'env:CANARY', name: 'key', in: 'query' as const },
  });
  const orders = { path: 'orders', pagination: { kind: 'page', stable: true } } as const;
  const sources: NonNullable<ProjectInput['sources']> = {
    shop: {
      ...source(api.url, [`127.0.0.1:${api.port}`]),
      streams: Object.fromEntries(Object.keys(redirects).map((name) => [name, { path: name }])),
    },
    unnamed: { ...source(`http://localhost:${inner.port}/`, []), streams: { orders: { path: 'secrets' } } },
    half: { ...source(`http://half.test:${inner.port}/`, []), streams: { orders: { path: 'secrets' } } },
    rebound: { ...source(`http://rebind.test:${api.port}/`, ['rebind.test']), streams: { orders } },
    tokens: {
      ...{ kind: 'rest', baseUrl: api.url, allowPrivate: ['127.0.0.1'] },
      auth: {
        ...{ kind: 'oauth2', tokenUrl: 'http://100.100.100.200/token' },
        ...{ clientId: 'env:CANARY', clientSecret: 'env:CANARY' },
      },
      streams: { orders: { path: 'orders' } },
    },
  };
  for (const [name, location] of Object.entries(redirects)) {
    api.on(`/${name}`, (_asked, response) => status(response, 302, '', { location: location() }));
  }
  api.on('/orders', ({ query }, response) => {
    response.setHeader('connection', 'close');
    return query.get('page') === '3' ? [] : [{ id: Number(query.get('page')) }];
  });
  project = makeProject(sources, 'guarded');
  const names = {
    'rebind.test': ['127.0.0.1', '169.254.169.254'],
    'half.test': ['127.0.0.1'],
  };
  const env = { CANARY, MILLRACE_TEST_NAMES: JSON.stringify(names) };
  [run, stop] = await startExtracting(project, { env, entry: ENTRY });
});
afterAll(async () => {
  await stop();
  await api.close();
  await inner.close();
  project.remove();
});

test.each([
  ['shop.metadata', '169.254.169.254', 'metadata'],
  ['shop.mapped_metadata', '::ffff:', 'metadata'],
  ['shop.mapped_private', '::ffff:', 'private'],
  ['shop.loopback', 'localhost', 'loopback'],
  ['shop.mapped_loopback', '::ffff:', 'loopback'],
  ['shop.decimal', '127.0.0.1', 'loopback'],
  ['shop.unspecified', '0.0.0.0', 'unspecified'],
  ['unnamed.orders', 'localhost', 'loopback'],
  ['half.orders', 'half.test', 'loopback'],
  ['rebound.orders', 'rebind.test', 'metadata'],
  ['tokens.orders', '100.100.100.200', 'metadata'],
])('%s is refused at the socket: %s is %s', async (stream, host, range) => {
  const failed = await failDay(run.client, project, stream, DAY);
  expect(failed).toMatchObject({ type: 'AddressForbidden', attempts: 1 });
  expect(failed.message).toMatch(host);
  expect(failed.message).toMatch(`no public address (${range})`);
  expect(failed.message).not.toContain(CANARY);
  expect(await project.objects(stream)).toEqual([]);
});

test('nothing was asked of the inner server, and no secret is in a history', async () => {
  expect(inner.asked).toEqual([]);
  expect(await allHistories(run.client)).not.toContain(CANARY);
});

test('an address that is allowed by name is reached', async () => {
  project.declare({
    inside: {
      ...{ kind: 'rest', baseUrl: `http://localhost:${inner.port}/`, allowPrivate: ['localhost'] },
      streams: { orders: { path: 'secrets' } },
    },
  });
  expect(await extractDay(run.client, project, 'inside.orders', DAY)).toMatchObject({ loaded: 1 });
});
