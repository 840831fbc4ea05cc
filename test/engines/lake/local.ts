import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import type { OpenStore } from './store-suite.js';

/** A lake in a temporary folder. */
export const openLocal: OpenStore = async () => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-store-'));
  const lake = join(root, 'lake');
  return {
    store: await openLocalStore(lake),
    again: () => openLocalStore(lake),
    dispose: () => rm(root, { recursive: true, force: true }),
  };
};
