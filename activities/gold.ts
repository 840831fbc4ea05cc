import { publishedKey } from '../engines/dbt/ledger.js';
import type { RelationName, Session, Warehouse } from '../engines/warehouse/port.js';
import { MillraceError } from '../schemas/errors.js';
import type { GoldRef } from '../schemas/run.js';
import type { OpenProject } from './resources.js';

/** A relation to read; with a key when this run's transform has published it. */
export interface GoldRelation extends RelationName {
  key?: string;
}

/** A predictor's relation: a model of the transform, or `schema.name` anywhere in the warehouse. */
export function goldRelation(
  { spec }: OpenProject,
  gold: Record<string, GoldRef>,
  relation: string,
): GoldRelation {
  const published = gold[relation];
  if (published) return published;
  const [first = '', second] = relation.split('.');
  return second === undefined
    ? { schema: spec.warehouse.schema, name: first }
    : { schema: first, name: second };
}

/**
 * Reads a gold relation in one transaction, after making sure that it still holds what this run has published. A
 * relation holds one interval at a time, so another run could have rebuilt it in between: better no predictor than one
 * trained on another week.
 *
 * @throws MillraceError CommitConflict
 */
export function readAsOf<T>(
  warehouse: Warehouse,
  relation: GoldRelation,
  run: string,
  read: (session: Session) => Promise<T>,
): Promise<T> {
  return warehouse.transaction(async (session) => {
    if (relation.key !== undefined && (await publishedKey(session, relation)) !== relation.key) {
      throw new MillraceError('RelationReplaced', {
        what: `${relation.schema}.${relation.name} was rebuilt by another run while ${run} was going on`,
        fix: 'Run the intervals one after the other (backfill window 1), then repeat this one with --from-failure',
      });
    }
    return read(session);
  });
}

/** Column names of a gold relation. @throws MillraceError RefNotFound */
export async function describeGold(warehouse: Warehouse, relation: RelationName): Promise<string[]> {
  const found = await warehouse.describe(relation);
  if (!found) {
    throw new MillraceError('RefNotFound', {
      what: `there is no relation ${relation.schema}.${relation.name} in the warehouse`,
      fix: 'Name a model of the transform that this pipeline builds, or schema.name',
    });
  }
  return found.columns.map(({ name }) => name);
}
