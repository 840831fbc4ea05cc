import type { Resource } from '../manifest.js';
import type { Searched } from '../select/searched.js';
import { invalid, type Criterion } from '../select/spec.js';
import type { ArtifactEntry, SourcesArtifact } from './artifact.js';
import {
  sameBody,
  sameConfig,
  sameContents,
  sameDescriptions,
  sameRelation,
  type Comparison,
} from './compare.js';
import { reportBroken, reportRemoved, sameContract } from './contract.js';
import { changedMacros, usesAny } from './macros.js';
import { entry, type PreviousState } from './previous.js';

type Matcher = (resource: Resource) => boolean;

const PARTS: Record<string, Comparison> = {
  'modified.body': sameBody,
  'modified.configs': sameConfig,
  'modified.persisted_descriptions': sameDescriptions,
  'modified.relation': sameRelation,
};
const SELECTORS = [
  'new',
  'old',
  'modified',
  'unmodified',
  ...Object.keys(PARTS),
  'modified.macros',
  'modified.contract',
];

/** `state:modified` and its kin: what differs from the manifest of `--state`. */
export function stateMatcher(value: string, searched: Searched, { raw }: Criterion): Matcher {
  if (!SELECTORS.includes(value))
    throw invalid(raw, `there is no state '${value}'`, `States are: ${SELECTORS.join(', ')}`);
  const then = required(searched.state, raw).manifest;
  if (value === 'new' || value === 'old')
    return ({ id }) => (entry(then, id) === undefined) === (value === 'new');
  const now = searched.current();
  const pair = (id: string): [ArtifactEntry | undefined, ArtifactEntry | undefined] => [
    entry(now, id),
    entry(then, id),
  ];
  const part = PARTS[value];
  if (part)
    return ({ id }) => {
      const [mine, theirs] = pair(id);
      if (!mine) return false;
      // what such a thing does not have cannot be new either
      if (!theirs) return part(mine, mine) !== undefined;
      return part(mine, theirs) === false;
    };

  const changed = changedMacros(now, then);
  const macros: Matcher = ({ id }) => {
    const mine = entry(now, id);
    return mine !== undefined && usesAny(now, mine, changed);
  };
  if (value === 'modified.macros') return macros;

  const contract: Matcher = ({ id, kind }) => {
    if (!['model', 'seed', 'snapshot', 'test', 'analysis', 'operation'].includes(kind)) return false;
    const [mine, theirs] = pair(id);
    if (!mine) return false;
    if (!theirs) return true;
    if (kind !== 'model') return false;
    const broken = (changes: string[]): void => reportBroken(mine, changes, searched.warn);
    return !sameContract(mine, theirs, now.metadata.adapter_type ?? 'duckdb', broken);
  };
  for (const [id, gone] of Object.entries(then.nodes))
    if (!Object.hasOwn(now.nodes, id)) reportRemoved(gone, Object.hasOwn(now.disabled, id), searched.warn);
  if (value === 'modified.contract') return contract;

  const modified: Matcher = (resource) => {
    const [mine, theirs] = pair(resource.id);
    if (!mine) return false;
    const contents = !sameContents(mine, theirs);
    // the contract is always looked at: breaking it is an error, whatever else has changed
    const promise = theirs !== undefined && contract(resource);
    return contents || promise || macros(resource);
  };
  return value === 'modified' ? modified : (resource) => !modified(resource);
}

/** `result:error`: what ended so in the run_results.json of `--state`. */
export function resultMatcher(value: string, { state }: Searched, { raw }: Criterion): Matcher {
  const { results } = required(state, raw).results;
  const ids = new Set(results.filter(({ status }) => status === value).map(({ unique_id: id }) => id));
  return ({ id }) => ids.has(id);
}

/** `source_status:fresher`: sources with newer rows than when the sources.json of `--state` was written. */
export function sourceStatusMatcher(
  value: string,
  { state, freshness }: Searched,
  { raw }: Criterion,
): Matcher {
  if (value !== 'fresher')
    throw invalid(raw, `there is no status of sources '${value}'`, 'The only one is: fresher');
  const loaded = ({ results }: SourcesArtifact): Map<string, string> =>
    new Map(
      results.flatMap(({ unique_id: id, max_loaded_at: at }): [string, string][] =>
        typeof at === 'string' ? [[id, at]] : [],
      ),
    );
  const then = loaded(required(state, raw).sources);
  const now = loaded(required(freshness, raw).sources);
  return ({ id }) => {
    const [at, before] = [now.get(id), then.get(id)];
    return at !== undefined && (before === undefined || new Date(at) > new Date(before));
  };
}

function required(state: PreviousState | undefined, raw: string): PreviousState {
  if (state) return state;
  throw invalid(
    raw,
    'there is nothing to compare with',
    'Name the target folder of an earlier run by --state',
  );
}
