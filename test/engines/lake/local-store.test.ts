import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../engines/lake/store.js';

let root: string;
let store: ObjectStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-store-'));
  store = await openLocalStore(join(root, 'lake'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('a local store', () => {
  test('returns what was put', async () => {
    await store.put('a/b.json', Buffer.from('one'));
    await store.put('a/b.json', Buffer.from('two'));
    expect((await store.get('a/b.json')).toString()).toBe('two');
  });

  test('lets exactly one of many writers create a key', async () => {
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, writer) => store.putIfAbsent('log/1', Buffer.from(String(writer)))),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await store.get('log/1')).toString()).toBe(String(won.indexOf(true)));
  });

  test('takes in a finished file and removes it from where it was', async () => {
    const file = join(root, 'finished.parquet');
    await writeFile(file, 'rows');
    await store.putFile('bronze/p.parquet', file);
    expect((await store.get('bronze/p.parquet')).toString()).toBe('rows');
    expect(await readdir(root)).toEqual(['lake']);
  });

  test('takes in a file from another file system', async () => {
    const elsewhere = await mkdtemp('/dev/shm/millrace-').catch(() => mkdtemp(join(root, 'x-')));
    try {
      const file = join(elsewhere, 'finished.parquet');
      await writeFile(file, 'rows');
      await store.putFile('bronze/p.parquet', file);
      expect((await store.get('bronze/p.parquet')).toString()).toBe('rows');
      expect(await readdir(elsewhere)).toEqual([]);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
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

  test('sweeps what a dead writer left aside, and leaves a live one alone', async () => {
    const aside = join(root, 'lake', '.tmp');
    await writeFile(join(aside, 'dead'), 'half');
    await writeFile(join(aside, 'live'), 'half');
    const longAgo = new Date(Date.now() - 7_200_000);
    await utimes(join(aside, 'dead'), longAgo, longAgo);
    await openLocalStore(join(root, 'lake'));
    expect(await readdir(aside)).toEqual(['live']);
  });

  test('leaves nothing aside after a refused write', async () => {
    await mkdir(join(root, 'lake', 'taken'));
    await expect(store.put('taken', Buffer.from('x'))).rejects.toThrow();
    expect(await readdir(join(root, 'lake', '.tmp'))).toEqual([]);
  });
});

test('a lake whose folder cannot be made says which', async () => {
  await writeFile(join(root, 'file'), '');
  await expect(openLocalStore(join(root, 'file', 'lake'))).rejects.toMatchObject({
    type: 'Unavailable',
    where: { file: join(root, 'file', 'lake') },
  });
});
