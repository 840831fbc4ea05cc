import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { runInThread as runInThreadType } from '../../../engines/thread.js';

/** The compiled module, as it runs in production: the functions of the test are plain JavaScript. */
const { runInThread } = (await import(new URL('../../../dist/engines/thread.js', import.meta.url).href)) as {
  runInThread: typeof runInThreadType;
};

let folder: string;
let entry: URL;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-thread-'));
  entry = pathToFileURL(join(folder, 'functions.mjs'));
  const errors = new URL('../../../dist/schemas/errors.js', import.meta.url).href;
  await writeFile(
    entry,
    `import { setImmediate } from 'node:timers/promises';
     import { MillraceError } from ${JSON.stringify(errors)};
     export const sum = ({ values }, { post }) => { post({ length: values.length }); return values.reduce((a, b) => a + b, 0); };
     export const spin = async (_, { signal, post }) => { for (let n = 0; ; n++) { await setImmediate(); signal.throwIfAborted(); if (n === 10) post('spinning'); } };
     export const block = (_, { post }) => { post('blocking'); for (;;); };
     export const fail = () => { throw new MillraceError('TooFewRows', { what: 'too few', where: { file: 'a.csv', row: 3 }, fix: 'more' }); };
     export const break_ = () => { null.x; };
     export const exit = () => process.exit(3);
     let calls = 0;
     export const count = () => ++calls;`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a function runs in a thread, sends messages and returns', async () => {
  const messages: unknown[] = [];
  const values = new Float64Array([1, 2, 3.5]);
  const result = await runInThread(
    entry,
    'sum',
    { values },
    { onMessage: (message) => messages.push(message), transfer: [values.buffer] },
  );
  expect([result, messages, values.length]).toEqual([6.5, [{ length: 3 }], 0]);
});

test('an error keeps its type, place and advice', async () => {
  await expect(runInThread(entry, 'fail', null)).rejects.toMatchObject({
    ...{ name: 'TooFewRows', type: 'TooFewRows', what: 'too few', fix: 'more', retryable: false },
    where: { file: 'a.csv', row: 3 },
  });
  await expect(runInThread(entry, 'break_', null)).rejects.toMatchObject({ name: 'TypeError' });
  await expect(runInThread(entry, 'nothing', null)).rejects.toThrow("exports no 'nothing'");
});

test('a cancellation ends a thread that listens, and after the grace time one that does not', async () => {
  for (const name of ['spin', 'block']) {
    const cancellation = new AbortController();
    const running = runInThread(entry, name, null, {
      signal: cancellation.signal,
      onMessage: () => cancellation.abort(new Error('stop')),
      graceMs: 200,
    });
    await expect(running).rejects.toThrow('stop');
  }
  await expect(
    runInThread(entry, 'sum', null, { signal: AbortSignal.abort(new Error('no')) }),
  ).rejects.toThrow('no');
});

test('a thread that dies without an answer says so', async () => {
  await expect(runInThread(entry, 'exit', null)).rejects.toMatchObject({
    type: 'Unavailable',
    what: "the thread of 'exit' ended with code 3 before it answered",
  });
});

test('a thread that is kept serves the next call, unless it was cancelled or has thrown', async () => {
  const keep = { keep: true };
  expect(await runInThread(entry, 'count', null, keep)).toBe(1);
  expect(await runInThread(entry, 'count', null, keep)).toBe(2);
  // two at once need two threads
  const both = await Promise.all([1, 2].map(() => runInThread(entry, 'count', null, keep)));
  expect(both.sort()).toEqual([1, 3]);
  expect(await runInThread(entry, 'count', null)).toBe(1);

  const stop = new AbortController();
  const spinning = runInThread(entry, 'spin', null, {
    ...keep,
    signal: stop.signal,
    onMessage: () => stop.abort(new Error('enough')),
  });
  await expect(spinning).rejects.toThrow('enough');
  await expect(runInThread(entry, 'fail', null, keep)).rejects.toMatchObject({ type: 'TooFewRows' });
  await expect(runInThread(entry, 'exit', null, keep)).rejects.toMatchObject({ type: 'Unavailable' });
  expect(await runInThread(entry, 'count', null, keep)).toBe(1);
});
