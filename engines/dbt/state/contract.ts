import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '../../../schemas/errors.js';
import type { ArtifactEntry } from './artifact.js';

interface ColumnEntry {
  name: string;
  data_type?: string | null;
  constraints?: ConstraintEntry[] | null;
}
interface ConstraintEntry {
  type: string;
  name?: string | null;
  columns?: string[] | null;
}

/** constraints that a warehouse holds its rows to; the others are documentation */
const ENFORCED: Record<string, readonly string[]> = {
  duckdb: ['check', 'not_null', 'unique', 'primary_key', 'foreign_key'],
  postgres: ['check', 'not_null', 'unique', 'primary_key', 'foreign_key'],
  snowflake: ['not_null'],
};

const columnsOf = (entry: ArtifactEntry): Record<string, ColumnEntry> =>
  (entry['columns'] ?? {}) as Record<string, ColumnEntry>;
const constraintsOf = (entry: ArtifactEntry): ConstraintEntry[] =>
  (entry['constraints'] ?? []) as ConstraintEntry[];
const contractOf = (entry: ArtifactEntry): { enforced?: boolean; checksum?: string | null } =>
  entry['contract'] ?? {};
const isEnforced = (entry: ArtifactEntry): boolean => contractOf(entry).enforced === true;
const materialized = ({ config }: ArtifactEntry): string => {
  const name = config?.['materialized'];
  return typeof name === 'string' ? name : 'view';
};
const holdsConstraints = (entry: ArtifactEntry): boolean =>
  ['table', 'incremental'].includes(materialized(entry));
const includes = (list: readonly ConstraintEntry[], wanted: ConstraintEntry): boolean =>
  list.some((each) => isDeepStrictEqual(each, wanted));

/** Whether a model promises what it promised before. What it takes back is told to `broken`. */
export function sameContract(
  now: ArtifactEntry,
  then: ArtifactEntry,
  adapter: string,
  broken: (changes: string[]) => void,
): boolean {
  if (!isEnforced(then)) return !isEnforced(now);
  if (isEnforced(now) && contractOf(now).checksum === contractOf(then).checksum) return true;
  const changes = breakingChanges(now, then, adapter);
  if (changes.length > 0) broken(changes);
  return false;
}

function breakingChanges(now: ArtifactEntry, then: ArtifactEntry, adapter: string): string[] {
  const enforced = ENFORCED[adapter] ?? [];
  const [mine, theirs] = [columnsOf(now), columnsOf(then)];
  const changes: string[] = [];
  if (!isEnforced(now)) changes.push('its contract is no longer enforced');
  for (const [key, column] of Object.entries(theirs)) {
    const current = mine[key];
    const was = column.data_type ?? 'no type';
    if (!current) changes.push(`column ${column.name} is removed`);
    else if (was !== (current.data_type ?? 'no type'))
      changes.push(`column ${column.name} changes its type from ${was} to ${current.data_type ?? 'no type'}`);
    if (!current || !holdsConstraints(then)) continue;
    for (const constraint of column.constraints ?? [])
      if (!includes(current.constraints ?? [], constraint) && enforced.includes(constraint.type))
        changes.push(`column ${column.name} loses its constraint ${constraint.name ?? constraint.type}`);
  }
  if (holdsConstraints(then)) {
    for (const constraint of constraintsOf(then))
      if (!includes(constraintsOf(now), constraint) && enforced.includes(constraint.type))
        changes.push(
          `it loses the constraint ${constraint.name ?? constraint.type} of ${(constraint.columns ?? []).join(', ')}`,
        );
    const constrained =
      constraintsOf(then).length > 0 ||
      Object.values(theirs).some(({ constraints }) => (constraints ?? []).length > 0);
    if (!holdsConstraints(now) && constrained)
      changes.push(
        `it is a ${materialized(now)} and was a ${materialized(then)}, which holds its constraints`,
      );
  }
  return changes;
}

/**
 * A contract is broken: readers of a versioned model were promised that it never is, those of another one are warned.
 *
 * @throws MillraceError SchemaMismatch for a version of a model
 */
export function reportBroken(
  model: ArtifactEntry,
  changes: readonly string[],
  warn: (event: string, message: string) => void,
): void {
  const what = `The contract of ${model.unique_id} is broken: ${changes.join('; ')}`;
  if ((model['version'] ?? null) === null) {
    const file = model.original_file_path ? ` (${model.original_file_path})` : '';
    warn(
      'UnversionedBreakingChange',
      `${what}${file}. Readers that rely on it may fail: make a new version of it`,
    );
    return;
  }
  throw new MillraceError('SchemaMismatch', {
    what,
    ...(model.original_file_path && { where: { file: model.original_file_path } }),
    fix: 'Leave this version as it is and make a new one with the change',
  });
}

/** A model with a contract that is there no more: whoever reads it was promised otherwise. */
export function reportRemoved(
  model: ArtifactEntry,
  disabled: boolean,
  warn: (event: string, message: string) => void,
): void {
  if (model.resource_type !== 'model' || !isEnforced(model)) return;
  const until = model['deprecation_date'];
  if (typeof until === 'string' && new Date(until) < new Date()) return;
  reportBroken(model, [disabled ? 'it is disabled' : 'it is deleted or renamed'], warn);
}
