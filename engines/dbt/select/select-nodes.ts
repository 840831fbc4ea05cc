import type { DbtFlags } from '../../../schemas/dbt.js';
import { didYouMean } from '../../nearest.js';
import type { Manifest } from '../manifest.js';
import type { Package } from '../project/package.js';
import type { Selectors } from '../project/selectors.js';
import type { CurrentArtifact, PreviousState } from '../state/previous.js';
import { isPattern } from './fnmatch.js';
import { takenBy, type SelectingCommand } from './kinds.js';
import { matcherOf } from './methods.js';
import type { Searched } from './searched.js';
import { SelectionGraph } from './selection-graph.js';
import {
  invalid,
  specOfWords,
  type Combination,
  type Criterion,
  type IndirectSelection,
  type Spec,
} from './spec.js';

type SelectionFlags = Pick<
  DbtFlags,
  'select' | 'exclude' | 'selector' | 'resourceTypes' | 'excludeResourceTypes' | 'indirectSelection'
>;

export interface SelectionRequest {
  manifest: Manifest;
  packages: readonly Package[];
  /** decides which kinds of nodes are taken */
  command: SelectingCommand;
  flags: SelectionFlags;
  /** of selectors.yml */
  selectors?: Selectors | undefined;
  /** of `--state`: for `state:`, `result:` and `source_status:` */
  state?: PreviousState | undefined;
  /** the target folder, for `source_status:` */
  freshness?: PreviousState | undefined;
  /** the project as artifact, for `state:` */
  current?: (() => CurrentArtifact) | undefined;
  /** a term that selects nothing is an error, as in a pipeline; dbt warns */
  strict?: boolean | undefined;
}

export interface SelectionWarning {
  /** dbt's name for it, which `--warn-error-options` goes by */
  event: string;
  message: string;
}

export interface SelectedNodes {
  /** in the order of their text */
  ids: Set<string>;
  warnings: SelectionWarning[];
}

/**
 * dbt's node selection: `--select`, `--exclude`, `--selector` and what goes with them.
 *
 * @throws MillraceError SelectionInvalid for what cannot be understood; ObjectMissing, ObjectCorrupt for `--state`;
 *   SchemaMismatch where `state:modified` meets a broken contract
 */
export function selectNodes(request: SelectionRequest): SelectedNodes {
  const warnings: SelectionWarning[] = [];
  const warn = (event: string, message: string): void => {
    if (!warnings.some((known) => known.message === message)) warnings.push({ event, message });
  };
  const { manifest, packages, state, freshness, strict = false } = request;
  const current = request.current ?? noArtifact;
  const search = new Search({ manifest, packages, state, freshness, current, warn }, strict);
  const { direct } = search.nodes(specOf(request));
  const taken = takenBy(request.command, request.flags);
  const ids = [...direct].filter((id) => {
    const resource = search.graph.all.get(id);
    return resource !== undefined && taken(resource);
  });
  if (ids.length === 0 && !strict)
    warn('NoNodesSelected', 'Nothing to do. Try checking your model configs and model specification args');
  return { ids: new Set(ids.sort((a, b) => (a < b ? -1 : 1))), warnings };
}

const noArtifact = (): never => {
  throw invalid(
    'state:',
    'there is nothing to compare with',
    'Name the target folder of an earlier run by --state',
  );
};

function specOf({ flags, selectors }: SelectionRequest): Spec {
  const indirect: IndirectSelection = flags.indirectSelection ?? 'eager';
  const definition = (name: string): Spec | undefined => selectors?.get(name)?.spec(indirect);
  if (flags.selector !== undefined) {
    const spec = definition(flags.selector);
    if (spec) return spec;
    const names = [...(selectors?.keys() ?? [])];
    const known = names.length > 0 ? `Selectors are: ${names.join(', ')}` : 'Define it in selectors.yml';
    throw invalid(
      flags.selector,
      'there is no selector of that name',
      didYouMean(flags.selector, names) || known,
    );
  }
  const words = (flags.select?.length ?? 0) + (flags.exclude?.length ?? 0);
  const usual = [...(selectors?.values() ?? [])].find((each) => each.isDefault);
  if (words === 0 && usual) return usual.spec(indirect);
  return specOfWords({ select: flags.select, exclude: flags.exclude, indirect, named: definition });
}

/** What is selected, and tests that would be if the rest of their parents were. */
interface Found {
  direct: Set<string>;
  indirect: Set<string>;
}

class Search {
  readonly graph: SelectionGraph;

  constructor(
    private readonly searched: Searched,
    private readonly strict: boolean,
  ) {
    this.graph = new SelectionGraph(searched.manifest);
  }

  nodes(spec: Spec): Found {
    return spec.kind === 'criterion' ? this.criterion(spec) : this.combination(spec);
  }

  private combination(spec: Combination): Found {
    const parts = spec.parts.map((part) => this.nodes(part));
    const direct = combine(
      spec.kind,
      parts.map((part) => part.direct),
    );
    const indirect = combine(
      spec.kind,
      parts.map((part) => new Set([...part.direct, ...part.indirect])),
    );
    this.takeIndirect(direct, indirect, spec.indirect);
    if (spec.expected && direct.size === 0 && !this.strict)
      this.searched.warn(
        'NoNodesForSelectionCriteria',
        `The selection criterion '${spec.raw}' does not match any enabled nodes`,
      );
    return { direct, indirect };
  }

  private criterion(spec: Criterion): Found {
    const matches = matcherOf(spec, this.searched);
    const roots = new Set<string>();
    for (const resource of this.graph.all.values()) if (matches(resource)) roots.add(resource.id);
    if (roots.size === 0 && this.strict) this.refuseEmpty(spec);
    const selected = new Set(roots);
    const add = (ids: Iterable<string>): void => {
      for (const id of ids) selected.add(id);
    };
    if (spec.childrensParents) {
      const below = new Set([...roots, ...this.graph.descendants(roots)]);
      add(below);
      add(this.graph.ancestors(below));
    }
    add(this.graph.ancestors(roots, spec.parents));
    add(this.graph.descendants(roots, spec.children));
    return this.withTests(selected, spec.indirect);
  }

  private withTests(selected: Set<string>, mode: IndirectSelection): Found {
    const found: Found = { direct: new Set(selected), indirect: new Set() };
    if (mode === 'empty') return found;
    const built = mode === 'buildable' ? this.withAncestors(selected, true) : selected;
    for (const id of selected)
      for (const child of this.graph.childrenOf(id)) {
        const kind = this.graph.all.get(child)?.kind;
        if (kind !== 'test' && kind !== 'unit_test') continue;
        const complete = mode === 'eager' || this.graph.parentsOf(child).every((parent) => built.has(parent));
        (complete ? found.direct : found.indirect).add(child);
      }
    return found;
  }

  /** Adds the tests whose parents are all here now that parts of a selection have come together. */
  private takeIndirect(direct: Set<string>, indirect: ReadonlySet<string>, mode: IndirectSelection): void {
    if (mode !== 'cautious' && mode !== 'buildable') return;
    const built = mode === 'buildable' ? this.withAncestors(direct, false) : new Set(direct);
    for (const id of indirect)
      if (
        this.graph.all.get(id)?.kind === 'test' &&
        this.graph.parentsOf(id).every((parent) => built.has(parent))
      )
        direct.add(id);
  }

  private withAncestors(selected: ReadonlySet<string>, sources: boolean): Set<string> {
    const all = new Set([...selected, ...this.graph.ancestors(selected)]);
    if (sources) for (const id of this.searched.manifest.sources.keys()) all.add(id);
    return all;
  }

  private refuseEmpty({ raw, method, value }: Criterion): void {
    const text = String(value);
    if (text === '')
      throw invalid(
        raw,
        'it names nothing',
        "Write a name, or method:value, e.g. '+orders' or 'tag:nightly'",
      );
    if (isPattern(text) || ['state', 'result', 'source_status'].includes(method)) return;
    const names = [...this.graph.all.values()].filter(({ kind }) => kind !== 'test').map(({ name }) => name);
    const fix = (method === 'fqn' && didYouMean(text, names)) || 'Check the name';
    throw invalid(raw, 'nothing is selected by it', fix);
  }
}

function combine(kind: Combination['kind'], sets: readonly Set<string>[]): Set<string> {
  const [first = new Set<string>(), ...rest] = sets;
  switch (kind) {
    case 'union':
      return new Set(sets.flatMap((set) => [...set]));
    case 'intersection':
      return new Set([...first].filter((id) => rest.every((set) => set.has(id))));
    case 'difference':
      return new Set([...first].filter((id) => !rest.some((set) => set.has(id))));
  }
}
