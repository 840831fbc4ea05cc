import type { NodeStatus } from '../../schemas/transform.js';

/** dbt's exit codes: everything went well, a node failed, nothing could be run. */
export const DBT_EXIT = { ok: 0, failed: 1, invalid: 2, interrupted: 130 } as const;

const FAILED: ReadonlySet<NodeStatus> = new Set(['error', 'fail', 'skipped', 'partial success']);

export const exitOf = (statuses: Iterable<NodeStatus>): number =>
  [...statuses].some((status) => FAILED.has(status)) ? DBT_EXIT.failed : DBT_EXIT.ok;
