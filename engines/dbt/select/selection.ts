import { isAbsolute, join } from 'node:path';
import { MillraceError } from '../../../schemas/errors.js';
import { manifestArtifact } from '../artifacts/manifest.js';
import type { Environment } from '../context/environment.js';
import { enterEnvironment } from '../environments.js';
import { renderNative } from '../parse/native.js';
import { yamlContext } from '../parse/read-node.js';
import { readSelectors, type Selectors } from '../project/selectors.js';
import { ManifestArtifact } from '../state/artifact.js';
import { deferredRelations, type DeferredRelations } from '../state/defer.js';
import { PreviousState } from '../state/previous.js';
import { toPlain } from '../jinja/values.js';
import type { SelectingCommand } from './kinds.js';
import { selectNodes, type SelectedNodes } from './select-nodes.js';

export interface Selection extends SelectedNodes {
  /** where nodes are read that this run does not build: `--defer` */
  deferred: DeferredRelations;
}

interface Terms {
  /** by default that of the invocation */
  command?: SelectingCommand;
  /** of a pipeline, where a term that selects nothing is an error */
  select?: string | undefined;
  exclude?: string | undefined;
}

/**
 * What an invocation of dbt, or a stage of a pipeline, works on.
 *
 * @throws MillraceError as {@link selectNodes}, and DbtProjectInvalid for selectors.yml
 */
export function select(environment: Environment, terms: Terms = {}): Selection {
  const { manifest, packages, invocation } = environment;
  const { command = invocation.command, ...words } = terms;
  const { flags } = invocation;
  const byFlags = flags.select !== undefined || flags.exclude !== undefined || flags.selector !== undefined;
  const strict = !byFlags && (words.select !== undefined || words.exclude !== undefined);
  const dir = packages[0]?.dir ?? '.';
  const stateOf = (folder: string): PreviousState => new PreviousState(resolved(dir, folder));
  const state = flags.state === undefined ? undefined : stateOf(flags.state);
  const chosen = selectNodes({
    ...{ manifest, packages, command, state, strict },
    flags: strict ? { ...flags, select: list(words.select), exclude: list(words.exclude) } : flags,
    selectors: selectorsOf(environment),
    freshness: stateOf(packages[0]?.yaml['target-path'] ?? 'target'),
    current: () => ManifestArtifact.parse(manifestArtifact(environment)),
  });
  const other = flags.deferState === undefined ? state : stateOf(flags.deferState);
  const defers = flags.defer === true || command === 'clone';
  if (flags.environment !== undefined && command !== 'ls')
    return {
      ids: enterEnvironment(environment, flags.environment, required(state), chosen.ids),
      warnings: chosen.warnings,
      deferred: new Map(),
    };
  return { ...chosen, deferred: defers ? deferredRelations(environment, chosen.ids, other) : new Map() };
}

/** The selectors of the root project, rendered with its variables and environment. */
export function selectorsOf(environment: Environment): Selectors {
  const root = environment.packages[0];
  if (!root) return new Map();
  const scope = yamlContext(environment, root.name).root();
  return readSelectors(root.dir, (text) => toPlain(renderNative(text, scope, 'selectors.yml')));
}

function required(state: PreviousState | undefined): PreviousState {
  if (state) return state;
  throw new MillraceError('SelectionInvalid', {
    what: 'An environment is built beside production, and nothing says what production is',
    fix: "Name the folder with production's manifest.json by --state",
  });
}

/** blanks of a pipeline's term unite, however many there are */
const list = (words: string | undefined): string[] =>
  (words ?? '').split(/\s+/).filter((word) => word !== '');

const resolved = (dir: string, folder: string): string => (isAbsolute(folder) ? folder : join(dir, folder));
