import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { ObjectStore } from '../../../engines/lake/store.js';

/** An empty store for one test; `again` opens it once more, as another process would. */
export type OpenStore = () => Promise<{
  store: ObjectStore;
  again: () => Promise<ObjectStore>;
  dispose: () => Promise<void>;
}>;

/** What every object store promises. */
export function testStore(open: OpenStore): void {
  let store: ObjectStore;
  let again: () => Promise<ObjectStore>;
  let dispose: () => Promise<void>;
  beforeEach(async () => {
    ({ store, again, dispose } = await open());
  });
  afterEach(() => dispose());

  test('returns what was put', async () => {
    await store.put('a/b.json', Buffer.from('one'));
    await store.put('a/b.json', Buffer.from('two'));
    expect((await store.get('a/b.json')).toString()).toBe('two');
    await store.put('a/b.json', Buffer.alloc(0));
    expect(await store.get('a/b.json')).toHaveLength(0);
  });

  test('lets exactly one of many writers create a key', async () => {
    const stores = [store, await again()];
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, writer) =>
        stores[writer % 2]!.putIfAbsent('log/1', Buffer.from(String(writer))),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await store.get('log/1')).toString()).toBe(String(won.indexOf(true)));
  });

  test('takes in a finished file and removes it from where it was', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-finished-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'finished.parquet');
    await writeFile(file, 'rows');
    await store.putFile('bronze/p.parquet', file);
    expect((await store.get('bronze/p.parquet')).toString()).toBe('rows');
    expect(await readFile(await store.localFile('bronze/p.parquet'), 'utf8')).toBe('rows');
    expect(await readdir(folder)).toEqual([]);
  });

  test('lists keys by prefix in byte order, without what is written aside', async () => {
    for (const key of ['b/x', 'a/2', 'a/10', 'a/1/z', 'ab/1']) await store.put(key, Buffer.from(key));
    expect(await store.list('a')).toEqual(['a/1/z', 'a/10', 'a/2', 'ab/1']);
    expect(await store.list('a/1')).toEqual(['a/1/z', 'a/10']);
    expect(await store.list('')).toHaveLength(5);
    expect(await store.list('none/')).toEqual([]);
  });

  test('names the key it does not have', async () => {
    await expect(store.get('a/none')).rejects.toMatchObject({ type: 'ObjectMissing' });
    await expect(store.localFile('a/none')).rejects.toThrow("no object 'a/none'");
    await store.delete('a/none');
  });

  test.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', '', '.', '.tmp/x', 'a\\..\\b', 'a/\0'])(
    'refuses the key %j',
    async (key) => {
      await expect(store.put(key, Buffer.from('x'))).rejects.toMatchObject({ type: 'ObjectMissing' });
      await expect(store.get(key)).rejects.toThrow('is not a key');
    },
  );
}
