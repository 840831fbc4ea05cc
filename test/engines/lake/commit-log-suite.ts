import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { CommitLog } from '../../../engines/lake/commit-log.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import type { OpenStore } from './store-suite.js';

const Entry = z.strictObject({ n: z.int() });
type Entry = z.infer<typeof Entry>;

/** Counts the gets of a cold reader. */
function counting(inner: ObjectStore): { store: ObjectStore; gets: string[] } {
  const gets: string[] = [];
  const counted = Object.create(inner) as ObjectStore;
  counted.get = (key) => {
    gets.push(key);
    return inner.get(key);
  };
  return { store: counted, gets };
}

/** What a log promises over any store. */
export function testCommitLog(openStore: OpenStore): void {
  let store: ObjectStore;
  let dispose: () => Promise<void>;
  const open = (from = store): CommitLog<Entry> => new CommitLog(from, 'log', Entry);

  beforeEach(async () => {
    ({ store, dispose } = await openStore());
  });
  afterEach(() => dispose());

  test('an empty log has version 0', async () => {
    expect(await open().read()).toEqual({ version: 0, entries: [] });
  });

  test('writers that race each get their own number and none is lost', async () => {
    const logs = [open(), open(), open(), open()];
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        (logs[n % 4] as CommitLog<Entry>).commit(() => ({ entry: { n }, result: undefined })),
      ),
    );
    const { version, entries } = await open().read();
    expect(version).toBe(40);
    expect(entries.map((entry) => entry.n).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, n) => n),
    );
  });

  test('the loser decides again and sees the winner', async () => {
    const append = (log: CommitLog<Entry>): Promise<string> =>
      log.commit<string>(({ entries }) =>
        entries.some((entry) => entry.n === 7) ? { result: 'found' } : { entry: { n: 7 }, result: 'won' },
      );
    const results = await Promise.all([append(open()), append(open()), append(open())]);
    expect(results.sort()).toEqual(['found', 'found', 'won']);
    expect((await open().read()).version).toBe(1);
  });

  test('a decision without entry writes nothing', async () => {
    expect(await open().commit(() => ({ result: 'seen' }))).toBe('seen');
    expect(await store.list('log')).toEqual([]);
  });

  test('a cold read goes by checkpoints, with or without them it reads the same', async () => {
    const log = open();
    for (let n = 1; n <= 200; n++) await log.commit(() => ({ entry: { n }, result: undefined }));
    const cold = counting(store);
    const { version, entries } = await open(cold.store).read();
    expect(version).toBe(200);
    expect(entries[199]).toEqual({ n: 200 });
    expect(cold.gets.length).toBeLessThan(25);

    for (const key of await store.list('log/checkpoint-')) await store.delete(key);
    expect((await open().read()).entries).toEqual(entries);
  });

  test('a reader sees what was committed by another one since', async () => {
    const [reader, writer] = [open(), open()];
    await reader.read();
    await writer.commit(() => ({ entry: { n: 1 }, result: undefined }));
    expect((await reader.read()).version).toBe(1);
  });

  test.each(['{"n": 1', '{"n": "one"}', ''])(
    'an entry that reads %j is reported with its key',
    async (text) => {
      await store.put('log/000000000001.json', Buffer.from(text));
      await expect(open().read()).rejects.toMatchObject({ type: 'ObjectCorrupt' });
      await expect(open().read()).rejects.toThrow('log/000000000001.json');
    },
  );
}
