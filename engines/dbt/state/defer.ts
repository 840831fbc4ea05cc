import { MillraceError } from '../../../schemas/errors.js';
import type { RelationName } from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';
import type { PreviousState } from './previous.js';

/** Relations of another run's target, by node id. */
export type DeferredRelations = ReadonlyMap<string, RelationName>;

/**
 * Where refs may read nodes that this target does not have: the relations of another run's manifest.
 *
 * @param selected what the run builds itself; with `--favor-state` those are never read elsewhere
 * @throws MillraceError SelectionInvalid without `--state`; ObjectMissing, ObjectCorrupt
 */
export function deferredRelations(
  { manifest, target, invocation }: Environment,
  selected: ReadonlySet<string>,
  state: PreviousState | undefined,
): DeferredRelations {
  if (!state)
    throw new MillraceError('SelectionInvalid', {
      what: 'There is nothing to defer to',
      fix: 'Name the target folder of the other run by --state or --defer-state',
    });
  const own = invocation.flags.favorState ? selected : new Set<string>();
  const found = new Map<string, RelationName>();
  for (const [id, entry] of Object.entries(state.manifest.nodes)) {
    const { resource_type: kind, database, schema, alias, name, config } = entry;
    if (!['model', 'seed', 'snapshot'].includes(kind) || config?.['materialized'] === 'ephemeral') continue;
    if (!manifest.nodes.has(id) || own.has(id) || !schema) continue;
    found.set(id, {
      ...(database && database !== target.database && { database }),
      ...{ schema, name: alias ?? name },
    });
  }
  return found;
}
