import { join } from 'node:path';
import { openLocalStore } from '../../engines/lake/local-store.js';
import { openRegistry } from '../../engines/ml/registry.js';
import type { RegistryState } from '../../schemas/registry.js';

/** What the shop's registry says now, read beside the worker. */
export const readRegistry = async (root: string): Promise<RegistryState> =>
  openRegistry(await openLocalStore(join(root, '.millrace', 'lake')), 'renewal').read();
