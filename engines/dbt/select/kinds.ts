import type { DbtCommand, DbtFlags } from '../../../schemas/dbt.js';
import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import type { Resource, ResourceKind, SourceTable } from '../manifest.js';

/** Commands that select nodes. */
export type SelectingCommand = DbtCommand | 'ls';

const EXECUTABLE: ResourceKind[] = ['model', 'test', 'snapshot', 'analysis', 'operation', 'seed'];
const REFABLE: ResourceKind[] = ['model', 'seed', 'snapshot'];
const TESTS: ResourceKind[] = ['test', 'unit_test'];
const BUILT: ResourceKind[] = [...REFABLE, ...TESTS, 'saved_query', 'exposure'];
const LISTED: ResourceKind[] = [
  ...REFABLE,
  ...TESTS,
  'source',
  'exposure',
  'metric',
  'saved_query',
  'semantic_model',
];

interface Kinds {
  /** without `--resource-type` */
  usual: ResourceKind[];
  /** what `--resource-type` can choose from; the command has no such flag where it is left out */
  possible?: ResourceKind[];
}

const KINDS: Partial<Record<SelectingCommand, Kinds>> = {
  build: { usual: BUILT, possible: BUILT },
  run: { usual: ['model'] },
  test: { usual: TESTS, possible: TESTS },
  seed: { usual: ['seed'] },
  snapshot: { usual: ['snapshot'] },
  compile: { usual: EXECUTABLE },
  show: { usual: EXECUTABLE },
  'docs generate': { usual: EXECUTABLE },
  clone: { usual: REFABLE, possible: REFABLE },
  'source freshness': { usual: ['source'] },
  ls: { usual: LISTED, possible: [...LISTED, 'analysis'] },
};

/**
 * Which of the selected resources a command takes, after its `--resource-type` flags.
 *
 * @throws MillraceError SelectionInvalid for a resource type that does not exist
 */
export function takenBy(
  command: SelectingCommand,
  flags: Pick<DbtFlags, 'resourceTypes' | 'excludeResourceTypes'>,
): (resource: Resource) => boolean {
  const kinds = kindsOf(command, flags);
  // a file without text is no node to run, but it can be listed and documented
  const takesEmpty = command === 'ls' || command === 'docs generate';
  return (resource) =>
    kinds.has(resource.kind) &&
    (takesEmpty || !isEmpty(resource)) &&
    (command !== 'source freshness' || (resource as SourceTable).freshness !== null);
}

function kindsOf(
  command: SelectingCommand,
  { resourceTypes = [], excludeResourceTypes = [] }: Pick<DbtFlags, 'resourceTypes' | 'excludeResourceTypes'>,
): Set<ResourceKind> {
  const { usual, possible } = KINDS[command] ?? { usual: [] };
  if (!possible) return new Set(usual);
  const named = resourceTypes.flatMap((name) =>
    name === 'all' ? possible : name === 'default' ? usual : [kindCalled(name)],
  );
  const kinds = new Set(resourceTypes.length === 0 ? usual : named.filter((kind) => possible.includes(kind)));
  for (const name of excludeResourceTypes) kinds.delete(kindCalled(name));
  return kinds;
}

function kindCalled(name: string): ResourceKind {
  const all: ResourceKind[] = [...LISTED, 'analysis', 'operation'];
  const kind = all.find((each) => each === name);
  if (kind) return kind;
  throw new MillraceError('SelectionInvalid', {
    what: `There is no resource type '${name}'`,
    fix: didYouMean(name, all) || `Resource types are: ${all.join(', ')}`,
  });
}

const isEmpty = (resource: Resource): boolean =>
  'raw' in resource &&
  'language' in resource &&
  resource.language === 'sql' &&
  'template' in resource &&
  resource.template !== null &&
  String(resource.raw).trim() === '';
