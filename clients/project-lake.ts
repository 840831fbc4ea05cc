import { openLake } from '../engines/lake/open-lake.js';
import type { ObjectStore } from '../engines/lake/store.js';
import type { LoadedProject } from '../engines/project/load.js';
import { lakeOf } from '../engines/project/snapshot.js';
import { Secrets } from '../engines/secrets/secrets.js';

/** The lake of a project, with credentials from this process's own environment. */
export const openProjectLake = (loaded: LoadedProject): Promise<ObjectStore> => {
  const secrets = new Secrets();
  return openLake(lakeOf(loaded), (reference) => secrets.resolve(reference));
};
