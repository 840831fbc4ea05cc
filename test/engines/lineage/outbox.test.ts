import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import { facets, runEvent, type RunEvent } from '../../../engines/lineage/open-lineage.js';
import { Outbox } from '../../../engines/lineage/outbox.js';
import { httpSink, openSink } from '../../../engines/lineage/sink.js';
import { uuidOf } from '../../../engines/lineage/uuid.js';
import { Lineage } from '../../../schemas/lineage.js';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'millrace-outbox-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const event = (run: string, eventType: RunEvent['eventType'], minute: number): RunEvent =>
  runEvent(
    eventType,
    `2024-03-01T00:${String(minute).padStart(2, '0')}:00.000Z`,
    { namespace: 'shop', name: 'shop.transform', facets: {} },
    { runId: uuidOf(run), facets: facets({}) },
  );

interface Catalog {
  url: URL;
  taken: RunEvent[];
  tokens: (string | undefined)[];
  /** what the next requests are answered with; 0 lets them wait */
  answers: number[];
}

/** A server that takes events, or does not. */
async function catalog(): Promise<Catalog> {
  const made: Catalog = { url: new URL('http://127.0.0.1'), taken: [], tokens: [], answers: [] };
  const server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const status = made.answers.shift() ?? 201;
      if (status === 0) return;
      if (status < 300) made.taken.push(JSON.parse(text) as RunEvent);
      made.tokens.push(request.headers.authorization);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  made.url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/lineage`);
  return made;
}

const types = (events: RunEvent[]): string[] => events.map(({ eventType }) => eventType);

test('events of a sink that was down, slow and broken arrive later, in order, each once', async () => {
  const server = await catalog();
  const store = await openLocalStore(folder());
  const outbox = new Outbox(store);
  const sink = httpSink(server.url, 200, 'a-token');
  await outbox.put([event('a', 'COMPLETE', 2), event('a', 'START', 1)]);

  const nobody = httpSink(new URL('http://127.0.0.1:9'), 200);
  expect(await outbox.deliver(nobody)).toMatchObject({
    sent: 0,
    left: 2,
    error: expect.any(String) as string,
  });
  server.answers = [0];
  expect(await outbox.deliver(sink)).toMatchObject({ sent: 0, left: 2 });
  server.answers = [500];
  expect(await outbox.deliver(sink)).toMatchObject({ sent: 0, left: 2 });
  server.answers = [201, 503];
  expect(await outbox.deliver(sink)).toMatchObject({ sent: 1, left: 1 });

  // a retry tells the same again; what still waits is not kept twice
  await new Outbox(store).put([event('a', 'COMPLETE', 9), event('b', 'START', 3)]);
  expect(await new Outbox(store).deliver(sink)).toEqual({ sent: 2, rejected: 0, left: 0, error: null });
  expect(types(server.taken)).toEqual(['START', 'COMPLETE', 'START']);
  expect(new Set(server.tokens)).toEqual(new Set(['Bearer a-token']));
});

test('an event that the sink refuses for good is put aside, and the others go on', async () => {
  const server = await catalog();
  const store = await openLocalStore(folder());
  const outbox = new Outbox(store);
  await outbox.put([event('a', 'START', 1), event('a', 'FAIL', 2)]);
  server.answers = [422];
  expect(await outbox.deliver(httpSink(server.url, 1000))).toMatchObject({ sent: 1, rejected: 1, left: 0 });
  expect(types(server.taken)).toEqual(['FAIL']);
  expect(await store.list('lineage/rejected/')).toHaveLength(1);
});

test('a sink that stays down costs the oldest events and not the lake', async () => {
  const store = await openLocalStore(folder());
  const outbox = new Outbox(store, 3);
  expect(await outbox.put([1, 2, 3].map((minute) => event(`run-${minute}`, 'START', minute)))).toBe(0);
  expect(await outbox.put([event('run-4', 'START', 4)])).toBe(1);
  const file = join(folder(), 'deep', 'events.jsonl');
  await outbox.deliver(openSink(Lineage.parse({ file }), '/'));
  const told = readFileSync(file, 'utf8').trim().split('\n');
  expect(told.map((line) => (JSON.parse(line) as RunEvent).run.runId)).toEqual(
    [2, 3, 4].map((minute) => uuidOf(`run-${minute}`)),
  );
});

test('a sink is a URL or a file, and a key belongs to the URL', () => {
  expect(Lineage.safeParse({}).success).toBe(false);
  expect(Lineage.safeParse({ file: 'x', url: 'http://a' }).success).toBe(false);
  expect(Lineage.safeParse({ file: 'x', apiKey: 'env:KEY' }).success).toBe(false);
  expect(Lineage.parse({ url: 'https://a/b', apiKey: 'env:KEY' })).toMatchObject({ namespace: 'millrace' });
});
