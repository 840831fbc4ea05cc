import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '../engines/lake/store.js';
import { openLake, type LakeRef } from '../engines/lake/open-lake.js';
import { openSnapshot } from '../engines/project/snapshot.js';
import { within } from '../engines/project/within.js';
import { Secrets } from '../engines/secrets/secrets.js';
import { openWarehouse, warehouseIdentity } from '../engines/warehouse/open-warehouse.js';
import type { Warehouse } from '../engines/warehouse/port.js';
import type { Project, ProjectRef } from '../schemas/project.js';
import { warehouseQueue } from '../schemas/queues.js';

/** One opened snapshot: what every activity of a run works from. */
export interface OpenProject {
  ref: ProjectRef;
  spec: Project;
  /** local copy of the dbt project, null when there is no transform */
  dbtDir: string | null;
  lake: ObjectStore;
}

/** What a worker process keeps open between activities: lakes, snapshots and the warehouses it owns. */
export class Resources {
  readonly secrets = new Secrets();
  /** the worker has been asked to end: what only waits, or begins again where it was, ends at once */
  readonly leaving = new AbortController();
  private scratch: string | undefined;
  private readonly lakes = new Map<string, Promise<ObjectStore>>();
  private readonly snapshots = new Map<string, Promise<OpenProject>>();
  private readonly warehouses = new Map<string, Promise<Warehouse>>();

  lake(lake: LakeRef): Promise<ObjectStore> {
    return remember(this.lakes, JSON.stringify(lake), () =>
      openLake(lake, (reference) => this.secrets.resolve(reference)),
    );
  }

  project(ref: ProjectRef): Promise<OpenProject> {
    return remember(this.snapshots, `${JSON.stringify(ref.lake)}\0${ref.name}\0${ref.hash}`, async () => {
      const lake = await this.lake(ref.lake);
      const scratch = (): string => (this.scratch ??= mkdtempSync(join(tmpdir(), 'millrace-projects-')));
      return { ref, lake, ...(await openSnapshot(lake, ref, scratch)) };
    });
  }

  /** @throws MillraceError WarehouseBusy when another process holds the file; AccessDenied, WarehouseUnavailable */
  warehouse(spec: Project, root: string): Promise<Warehouse> {
    const locate = (path: string): string => within(root, path);
    return remember(this.warehouses, warehouseIdentity(spec.warehouse, locate), () =>
      openWarehouse(spec.warehouse, {
        locate,
        secret: (reference) => this.secrets.resolve(reference),
        tag: { project: spec.name },
      }),
    );
  }

  async close(): Promise<void> {
    if (this.scratch !== undefined) rmSync(this.scratch, { recursive: true, force: true });
    const open = await Promise.allSettled([...this.warehouses.values()]);
    this.warehouses.clear();
    await Promise.all(
      open.flatMap((result) => (result.status === 'fulfilled' ? [result.value.close()] : [])),
    );
  }
}

/** The queue of a project's warehouse: two projects over the same one share it. */
export function queueOf(spec: Project, root: string): string {
  const identity = warehouseIdentity(spec.warehouse, (path) => within(root, path));
  return warehouseQueue(spec.name, createHash('sha256').update(identity).digest('hex').slice(0, 8));
}

/** Opens once; a failed opening is forgotten, so that the next attempt tries again. */
function remember<T>(cache: Map<string, Promise<T>>, key: string, open: () => Promise<T> | T): Promise<T> {
  let found = cache.get(key);
  if (!found) {
    found = Promise.resolve().then(open);
    cache.set(key, found);
    found.catch(() => cache.delete(key));
  }
  return found;
}
