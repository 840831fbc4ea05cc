import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRun } from '../../clients/runs.js';
import type { ProjectInput } from '../../schemas/project.js';
import { extractDay, failDay, makeProject, type ExtractProject } from '../support/extract-project.js';
import { startExtracting, type Extracting } from '../support/extract-run.js';
import { OddApi, status } from '../support/odd-api.js';
import { until } from '../support/shop-run.js';

const DAY = '2026-01-05';
const PAGE = 10;

let api: OddApi;
let project: ExtractProject;
let run: Extracting;
let stop: () => Promise<void>;

const records = (from: number, count: number) => Array.from({ length: count }, (_, n) => ({ id: from + n }));
const offset = { pagination: { kind: 'offset', limit: PAGE } } as const;
const cursor = { pagination: { kind: 'cursor', next: 'next' }, records: 'items' } as const;
const streams: NonNullable<ProjectInput['sources']>[string]['streams'] = {
  inserted: { path: 'inserted', ...offset },
  deleted: { path: 'deleted', ...offset },
  restless: { path: 'restless', ...offset },
  repeated: { path: 'repeated', ...cursor },
  circle: { path: 'circle', ...cursor },
  short: { path: 'short', ...cursor, total: 'total' },
  limited: { path: 'limited', ...cursor },
  throttled: { path: 'throttled' },
};

beforeAll(async () => {
  api = await OddApi.open();
  project = makeProject(
    { shop: { kind: 'rest', baseUrl: api.url, allowPrivate: ['127.0.0.1'], streams } } as never,
    'pages',
  );
  [run, stop] = await startExtracting(project);
});
afterAll(async () => {
  await stop();
  await api.close();
  project.remove();
});

const ids = async (stream: string): Promise<number[]> =>
  (await project.rows(stream, 'id')).map(([id]) => Number(id)).sort((a, b) => a - b);

test.each([
  ['inserted', (rows: { id: number }[]) => [{ id: 0 }, ...rows], records(0, 26)],
  ['deleted', (rows: { id: number }[]) => rows.slice(1), records(2, 24)],
])(
  'pages that move while they are read, because a row is %s, are complete',
  async (name, change, expected) => {
    let rows = records(1, 25);
    api.on(`/${name}`, ({ query, before }) => {
      if (before === 2) rows = change(rows);
      const from = Number(query.get('offset'));
      return rows.slice(from, from + PAGE);
    });
    const result = await extractDay(run.client, project, `shop.${name}`, DAY);
    expect(result).toMatchObject({ read: expected.length, loaded: expected.length });
    expect(await ids(`shop.${name}`)).toEqual(expected.map(({ id }) => id));
  },
);

test.each([
  [
    'restless',
    'moved while they were read',
    ({ query, before }: Asking) => records(1_000 - before + Number(query.get('offset')), PAGE),
  ],
  [
    'repeated',
    'in a circle',
    ({ before }: Asking) => ({ items: records(before * PAGE, PAGE), next: 'same' }),
  ],
  [
    'circle',
    'in a circle',
    ({ before }: Asking) => ({ items: records(before * PAGE, PAGE), next: `t${before % 3}` }),
  ],
  ['short', 'counts 30 records and gave 10', () => ({ items: records(0, PAGE), next: null, total: 30 })],
])(
  '%s: pages that do not add up are a loud failure, and nothing of them is in bronze',
  async (name, says, answer) => {
    api.on(`/${name}`, answer);
    const failed = await failDay(run.client, project, `shop.${name}`, DAY);
    expect(failed).toMatchObject({ type: 'PagesIncomplete', attempts: 1 });
    expect(failed.message).toMatch(says);
    expect(await project.objects(`shop.${name}`)).toEqual([]);
  },
);
type Asking = Parameters<Parameters<OddApi['on']>[1]>[0];

test('a server that asks to wait in the middle of the pages is waited for, and no page is read twice', async () => {
  let refused = 0;
  api.on('/limited', ({ query }, response) => {
    const page = Number(query.get('cursor') ?? 0);
    if (page === 2 && refused++ === 0) return status(response, 429, {}, { 'retry-after': '2' });
    return { items: records(page * PAGE, PAGE), next: page < 4 ? String(page + 1) : null };
  });
  const started = performance.now();
  const result = await extractDay(run.client, project, 'shop.limited', DAY);
  expect(performance.now() - started).toBeGreaterThan(2_000);
  expect(result).toMatchObject({ read: 5 * PAGE, loaded: 5 * PAGE });
  expect(await ids('shop.limited')).toEqual(records(0, 5 * PAGE).map(({ id }) => id));
  expect(api.asked.filter(({ path }) => path === '/limited')).toHaveLength(6);
});

test('a server that asks for an hour gets it: the retry is put off, and nothing is asked meanwhile', async () => {
  api.on('/throttled', (_asked, response) => status(response, 429, {}, { 'retry-after': '3600' }));
  const { workflowId } = await startRun(run.client, project.root, {
    pipeline: 'shop_throttled',
    interval: DAY,
  });
  const child = run.client.workflow.getHandle(`${workflowId}/extract.shop.throttled`);
  const waiting = async () => {
    const { raw } = await child.describe();
    return raw.pendingActivities?.find(
      ({ lastFailure }) => lastFailure?.applicationFailureInfo?.type === 'RateLimited',
    );
  };
  await until(async () => Boolean(await waiting().catch(() => undefined)), { what: 'the refusal' });
  const next = (await waiting())?.scheduledTime;
  expect(Number(next?.seconds) * 1000 - Date.now()).toBeGreaterThan(3_500_000);
  expect(api.asked.filter(({ path }) => path === '/throttled')).toHaveLength(1);
  await run.client.workflow.getHandle(workflowId).terminate();
});
