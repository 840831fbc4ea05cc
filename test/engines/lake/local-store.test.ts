import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { ObjectStore } from '../../../engines/lake/store.js';
import { openLocal } from './local.js';
import { testStore } from './store-suite.js';

let root: string;
let store: ObjectStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-store-'));
  store = await openLocalStore(join(root, 'lake'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('a local store', () => {
  testStore(openLocal);

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
