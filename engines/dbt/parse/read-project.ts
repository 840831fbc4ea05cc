import { MillraceError } from '../../../schemas/errors.js';
import type { Environment, RunInfo, Target } from '../context/environment.js';
import type { Manifest } from '../manifest.js';
import { readText } from '../project/files.js';
import type { Package } from '../project/package.js';
import { checkManifest } from './check.js';
import { DescribedNodes } from './described.js';
import { warnDeprecations } from './deprecations.js';
import { readDocs, renderDescriptions } from './docs.js';
import { readExposures, resolveExposureMetrics } from './exposures.js';
import { GenericTests } from './generic-tests.js';
import { readRunHooks } from './hooks.js';
import { describeMacros, readMacros } from './macros.js';
import { makeNode } from './nodes.js';
import { Parsing } from './parsing.js';
import { readProperties } from './properties.js';
import { readPython } from './python.js';
import { linkChildren, resolveReferences } from './references.js';
import { readSemantics, resolveSemantics } from './semantics.js';
import { readSnapshotBlocks, readYamlSnapshots } from './snapshots.js';
import { codeOf, type SourceFile } from './source-file.js';
import { readSources } from './sources.js';
import { templateOf } from './templates.js';
import { finishTest } from './test-config.js';
import { readUnitTests } from './unit-tests.js';
import { warnUnusedConfig } from './unused-config.js';
import { isVolatile } from './volatile.js';

export interface LoadOptions {
  dir: string;
  target: Target;
  run: RunInfo;
  vars: Record<string, unknown>;
  env: Environment['env'];
  sources: Environment['sources'];
  invocation: Environment['invocation'];
}

/** A project as it was read, and whether the next run would read it alike. */
export interface Loaded {
  environment: Environment;
  volatile: boolean;
}

/**
 * Reads a dbt project into nodes, with their configuration, dependencies and relation names.
 *
 * @throws MillraceError DbtProjectInvalid, JinjaError, DuplicateNode, RefNotFound, RefForbidden, Unsupported
 */
export function readProject(packages: Package[], options: Omit<LoadOptions, 'dir'>): Loaded {
  const root = packages[0] as Package;
  const manifest = emptyManifest(root.name);
  const { macros, volatile } = readMacros(packages, options.target.type);
  const environment: Environment = { packages, macros, manifest, ...options };
  const properties = readProperties(environment);
  const parsing = new Parsing(environment, properties);
  readAll(parsing);
  resolveAll(parsing, options.run.startedAt);
  warnUnusedConfig(manifest, root);
  const texts = [...manifest.nodes.values()].map(({ raw }) => raw);
  const settings = packages.map(({ yaml }) => JSON.stringify(yaml));
  return {
    environment,
    volatile: volatile || properties.volatile || [...texts, ...settings].some(isVolatile),
  };
}

const emptyManifest = (project: string): Manifest => ({
  project,
  nodes: new Map(),
  sources: new Map(),
  exposures: new Map(),
  semantics: new Map(),
  groups: new Map(),
  docs: new Map(),
  macros: new Map(),
  disabled: new Map(),
  children: new Map(),
  warnings: [],
});

/** Everything that files declare, in dbt's order. */
function readAll(parsing: Parsing): void {
  const described = new DescribedNodes(parsing);
  const tests = new GenericTests(parsing);
  const { packages } = parsing.environment;
  readGroups(parsing);
  readDocs(parsing);
  for (const owner of packages) {
    readModels(parsing, described, owner);
    readSnapshotBlocks(parsing, described, owner);
    readAnalyses(parsing, described, owner);
    readSingularTests(parsing, described, owner);
    readSeeds(parsing, described, owner);
    readRunHooks(parsing, owner);
    readYamlSnapshots(parsing, described, owner);
  }
  for (const owner of packages) tests.read(owner);
  tests.readSources(readSources(parsing));
  readExposures(parsing);
  readSemantics(parsing);
  describeMacros(parsing);
  described.warnUnused();
}

/** Everything that needs the rest to be there. */
function resolveAll(parsing: Parsing, today: string): void {
  const { environment, manifest } = parsing;
  resolveReferences(environment);
  readUnitTests(parsing);
  renderDescriptions(parsing);
  resolveSemantics(parsing);
  resolveExposureMetrics(parsing);
  linkChildren(manifest);
  checkManifest(parsing);
  warnDeprecations(parsing, today);
}

function readModels(parsing: Parsing, described: DescribedNodes, owner: Package): void {
  for (const file of parsing.files.in(owner, owner.yaml['model-paths'], '.sql', '.py')) {
    const about = described.take('model', owner.name, file.stem);
    const python = file.absolute.endsWith('.py');
    const text = readText(file.absolute);
    const name = about?.version ? about.entry.value.name : file.stem;
    const suffix = about?.version ? [`v${about.version.v}`] : [];
    const node = makeNode(
      parsing,
      {
        ...base(file, text),
        ...{ id: ['model', owner.name, name, ...suffix].join('.'), kind: 'model', name },
        fqn: [owner.name, ...file.folders, name, ...suffix],
        language: python ? 'python' : 'sql',
        template: python ? null : templateOf(text, file.file),
        ...(python && { render: (made) => readPython(parsing.environment, made) }),
      },
      about,
    );
    parsing.put(node);
  }
}

function readAnalyses(parsing: Parsing, described: DescribedNodes, owner: Package): void {
  for (const file of parsing.files.in(owner, owner.yaml['analysis-paths'], '.sql')) {
    const text = readText(file.absolute);
    const node = makeNode(
      parsing,
      {
        ...base(file, text),
        ...{ kind: 'analysis', path: `analysis/${file.path}`, language: 'sql' },
        fqn: [owner.name, 'analysis', ...file.folders, file.stem],
        template: templateOf(text, file.file),
      },
      described.take('analysis', owner.name, file.stem),
    );
    parsing.put(node);
  }
}

function readSingularTests(parsing: Parsing, described: DescribedNodes, owner: Package): void {
  for (const file of parsing.files.in(owner, owner.yaml['test-paths'], '.sql')) {
    if (['generic', 'fixtures'].includes(file.folders[0] ?? '')) continue;
    const text = readText(file.absolute);
    const where = { file: file.file, line: 1 };
    const node = makeNode(
      parsing,
      {
        ...base(file, text),
        ...{ kind: 'test', language: 'sql', template: templateOf(text, file.file) },
        test: { generic: null, kwargs: {}, column: null, attached: null, where },
      },
      described.take('test', owner.name, file.stem),
    );
    finishTest(parsing, node);
    parsing.put(node);
  }
}

function readSeeds(parsing: Parsing, described: DescribedNodes, owner: Package): void {
  for (const file of parsing.files.in(owner, owner.yaml['seed-paths'], '.csv')) {
    const node = makeNode(
      parsing,
      {
        ...base(file, ''),
        ...{ kind: 'seed', language: 'csv', template: null, absolute: file.absolute },
      },
      described.take('seed', owner.name, file.stem),
    );
    parsing.put(node);
  }
}

const base = ({ owner, file, path, stem, folders }: SourceFile, text: string) => ({
  ...{ name: stem, package: owner.name, file, path, raw: codeOf(text) },
  fqn: [owner.name, ...folders, stem],
});

function readGroups({ properties, manifest }: Parsing): void {
  for (const { value, yaml, path, package: owner, below } of properties.groups) {
    const { name, description, owner: people, config } = value;
    const id = `group.${owner.name}.${name}`;
    const former = manifest.groups.get(id);
    if (former)
      throw new MillraceError('DuplicateNode', {
        what: `The group '${name}' is declared twice, also in ${former.file}`,
        where: yaml.at(path),
        fix: 'Remove one of the two',
      });
    manifest.groups.set(id, {
      ...{ id, name, package: owner.name, file: yaml.file, path: below },
      ...{ owner: people, description: description ?? '', config },
    });
  }
}
