import { MillraceError } from '../../../schemas/errors.js';
import { BUILT_IN_MACROS } from '../builtin/all.js';
import type { Environment, RunInfo, Target } from '../context/environment.js';
import { isTrue } from '../context/node-context.js';
import { renderParts } from '../jinja/render.js';
import { fromPlain, type Dict } from '../jinja/values.js';
import { BUILT_IN, MacroSet } from '../macros.js';
import type { Manifest, Node } from '../manifest.js';
import { listFiles, readText } from '../project/files.js';
import { readPackages, type Package } from '../project/package.js';
import { folderConfig, mergeConfig } from './config.js';
import { configOwners, genericTest, type TestedThing, type TestEntry } from './generic-test.js';
import { nameRelation } from './naming.js';
import { renderDeep } from './native.js';
import { readProperties, type NodeProperties, type Properties, type PropertyFiles } from './properties.js';
import { readNode, yamlContext } from './read-node.js';
import { resolveReferences } from './references.js';
import { readSources } from './sources.js';
import { templateOf } from './templates.js';

export interface LoadOptions {
  dir: string;
  target: Target;
  run: RunInfo;
  vars: Record<string, unknown>;
  env: Environment['env'];
  sources: Environment['sources'];
  invocation: Environment['invocation'];
}

/**
 * Reads a dbt project into nodes, with their configuration, dependencies and relation names.
 *
 * @throws MillraceError DbtProjectInvalid, JinjaError, DuplicateNode, RefNotFound, Unsupported
 */
export function loadProject({ dir, ...options }: LoadOptions): Environment {
  const packages = readPackages(dir);
  const root = packages[0] as Package;
  const manifest: Manifest = {
    project: root.name,
    nodes: new Map(),
    sources: new Map(),
    exposures: new Map(),
    semantics: new Map(),
    groups: new Map(),
    docs: new Map(),
    disabled: new Map(),
    children: new Map(),
    warnings: [],
  };
  const environment: Environment = {
    packages,
    macros: readMacros(packages, root, options.target.type),
    manifest,
    ...options,
  };
  new Loader(environment, readProperties(packages)).load();
  return environment;
}

function readMacros(packages: Package[], root: Package, adapter: string): MacroSet {
  const orders = new Map(root.yaml.dispatch.map((entry) => [entry.macro_namespace, entry.search_order]));
  const macros = new MacroSet(root.name, orders, adapter);
  for (const [file, text] of Object.entries(BUILT_IN_MACROS))
    macros.addTemplate(BUILT_IN, templateOf(text, file));
  for (const owner of packages) {
    const folders = [
      ...owner.yaml['macro-paths'],
      ...owner.yaml['test-paths'].map((path) => `${path}/generic`),
    ];
    for (const folder of folders)
      for (const { path, absolute } of listFiles(`${owner.dir}/${folder}`))
        if (path.endsWith('.sql'))
          macros.addTemplate(owner.name, templateOf(readText(absolute), `${owner.prefix}${folder}/${path}`));
  }
  return macros;
}

class Loader {
  private readonly manifest: Manifest;
  /** `kind.package.name` -> its properties */
  private readonly described = new Map<string, Properties<NodeProperties>>();

  constructor(
    private readonly environment: Environment,
    private readonly properties: PropertyFiles,
  ) {
    this.manifest = environment.manifest;
  }

  load(): void {
    const { packages } = this.environment;
    const sections = { model: 'models', seed: 'seeds', snapshot: 'snapshots', test: 'tests' } as const;
    for (const kind of ['model', 'seed', 'snapshot', 'test'] as const)
      for (const entry of this.properties[sections[kind]]) this.describe(kind, entry);
    readSources(this.environment, this.properties.sources);
    for (const owner of packages) {
      this.files(owner, 'model-paths', /\.(sql|py)$/, (file) => this.add(owner, 'model', file));
      this.files(owner, 'seed-paths', /\.csv$/, (file) => this.add(owner, 'seed', file));
      this.files(owner, 'snapshot-paths', /\.sql$/, (file) => this.snapshots(owner, file));
      this.files(owner, 'test-paths', /\.sql$/, (file) => {
        if (!file.path.startsWith('generic/')) this.add(owner, 'test', file);
      });
    }
    this.nameRelations();
    this.genericTests();
    resolveReferences(this.manifest, packages[0]?.name ?? '');
    const { unitTests } = this.properties;
    if (unitTests > 0)
      this.manifest.warnings.push(`${unitTests} unit tests are not run: they are not supported yet`);
  }

  private describe(kind: Node['kind'], entry: Properties<NodeProperties>): void {
    const key = `${kind}.${entry.package.name}.${entry.value.name}`;
    const former = this.described.get(key);
    if (former)
      throw new MillraceError('DuplicateNode', {
        what: `${kind} '${entry.value.name}' is described twice, also in ${former.yaml.file}`,
        where: entry.yaml.at(entry.path),
        fix: 'Put both descriptions into one entry',
      });
    if (entry.value.versions)
      throw new MillraceError('Unsupported', {
        what: `Model '${entry.value.name}' has versions, which are not supported yet`,
        where: entry.yaml.at([...entry.path, 'versions']),
        fix: 'Keep one version of the model for now',
      });
    this.described.set(key, entry);
  }

  private files(
    owner: Package,
    key: 'model-paths' | 'seed-paths' | 'snapshot-paths' | 'test-paths',
    pattern: RegExp,
    take: (file: SourceFile) => void,
  ): void {
    for (const folder of new Set(owner.yaml[key]))
      for (const { path, absolute } of listFiles(`${owner.dir}/${folder}`))
        if (pattern.test(path)) take({ path, absolute, file: `${owner.prefix}${folder}/${path}` });
  }

  private snapshots(owner: Package, file: SourceFile): void {
    const template = templateOf(readText(file.absolute), file.file);
    for (const statement of template.body)
      if (statement.kind === 'snapshot')
        this.add(owner, 'snapshot', file, {
          name: statement.name,
          body: { file: file.file, body: statement.body },
        });
  }

  private add(
    owner: Package,
    kind: Node['kind'],
    file: SourceFile,
    part?: { name: string; body: NonNullable<Node['template']> },
  ): void {
    const [stem = '', ending = ''] = splitEnding(file.path.split('/').at(-1) ?? '');
    const name = part?.name ?? stem;
    const folders = file.path.split('/').slice(0, -1);
    const language = ending === 'py' ? 'python' : ending === 'csv' ? 'csv' : 'sql';
    const raw = language === 'csv' ? '' : readText(file.absolute);
    const id = `${kind}.${owner.name}.${name}`;
    const properties = this.described.get(id);
    const node: Node = {
      ...{ id, kind, name, package: owner.name, file: file.file, path: file.path, language, raw },
      fqn: [owner.name, ...folders, ...(part ? [stem] : []), name],
      template: part?.body ?? (language === 'sql' ? templateOf(raw, file.file) : null),
      config: new Map(),
      description: properties?.value.description ?? '',
      columns: (properties?.value.columns ?? []).map((column) => ({
        name: column.name,
        description: column.description ?? '',
        tags: column.tags,
        meta: column.meta ?? {},
      })),
      references: [],
      dependsOn: [],
      relation: null,
      ...(language === 'csv' && { absolute: file.absolute }),
      ...(kind === 'test' && {
        test: {
          generic: null,
          kwargs: {},
          column: null,
          attached: null,
          where: { file: file.file, line: 1 },
        },
      }),
    };
    this.configure(node, owner, properties);
    const { template } = node;
    if (template) readNode(this.environment, node, (context) => renderParts(template, context.root()));
    this.put(node);
  }

  private configure(node: Node, owner: Package, properties: Properties<NodeProperties> | undefined): void {
    const scope = yamlContext(this.environment, node.package).root();
    const render =
      (file: string) =>
      (value: unknown): unknown =>
        renderDeep(value, scope, file);
    const materialized = node.kind === 'model' ? 'view' : node.kind;
    node.config.set('materialized', materialized);
    for (const { yaml, prefix } of configOwners(this.environment, owner.name)) {
      const tree = {
        model: yaml.models,
        seed: yaml.seeds,
        snapshot: yaml.snapshots,
        test: { ...yaml.tests, ...yaml.data_tests },
        unit_test: {},
        analysis: {},
        operation: {},
      };
      mergeConfig(node.config, folderConfig(tree[node.kind], node.fqn, render(`${prefix}dbt_project.yml`)));
    }
    if (!properties) return;
    const { config, tags, meta } = properties.value;
    const own = fromPlain(render(properties.yaml.file)(config)) as Dict;
    if (tags.length > 0) mergeConfig(node.config, [['tags', tags]]);
    if (meta !== undefined && meta !== null) mergeConfig(node.config, [['meta', fromPlain(meta)]]);
    mergeConfig(node.config, own);
  }

  private put(node: Node): void {
    const former = this.manifest.nodes.get(node.id);
    if (former)
      throw new MillraceError('DuplicateNode', {
        what: `There are two ${node.kind}s called '${node.name}': ${former.file} and ${node.file}`,
        where: { file: node.file, line: 1 },
        fix: 'Rename one of the files',
      });
    if (isTrue(node.config, 'enabled', true)) this.manifest.nodes.set(node.id, node);
    else this.manifest.disabled.set(node.id, node);
  }

  private nameRelations(): void {
    const taken = new Map<string, Node>();
    for (const node of this.manifest.nodes.values()) {
      if (node.kind === 'test') continue;
      node.relation = nameRelation(this.environment, node);
      if (node.config.get('materialized') === 'ephemeral') continue;
      const key = `${node.relation.schema}.${node.relation.name}`.toLowerCase();
      const former = taken.get(key);
      if (former)
        throw new MillraceError('DuplicateNode', {
          what: `${former.id} and ${node.id} would both be built as ${key}`,
          where: { file: node.file, line: 1 },
          fix: 'Give one of them another alias or schema',
        });
      taken.set(key, node);
    }
  }

  private genericTests(): void {
    const kinds = { models: 'model', seeds: 'seed', snapshots: 'snapshot' } as const;
    for (const section of ['models', 'seeds', 'snapshots'] as const)
      for (const entry of this.properties[section]) {
        const id = `${kinds[section]}.${entry.package.name}.${entry.value.name}`;
        if (this.manifest.disabled.has(id)) continue;
        if (!this.manifest.nodes.has(id)) {
          this.manifest.warnings.push(`${entry.yaml.file} describes ${id}, which does not exist`);
          continue;
        }
        const { name } = entry.value;
        this.testsOf(
          entry,
          entry.value,
          { expression: `ref('${name}')`, name, isSource: false, id },
          entry.path,
        );
      }
    for (const entry of this.properties.sources)
      entry.value.tables.forEach((table, index) => {
        const source = entry.value.name;
        if (!this.manifest.sources.has(`source.${entry.package.name}.${source}.${table.name}`)) return;
        const thing = {
          ...{ expression: `source('${source}', '${table.name}')`, name: `${source}_${table.name}` },
          ...{ isSource: true, id: null },
        };
        this.testsOf(entry, table, thing, [...entry.path, 'tables', index]);
      });
  }

  private testsOf(
    entry: Properties<unknown>,
    properties: NodeProperties,
    thing: TestedThing,
    path: (string | number)[],
  ): void {
    const { yaml, folders, package: owner } = entry;
    const scope = yamlContext(this.environment, owner.name).root();
    const take = (
      tests: TestEntry['entry'][],
      key: string,
      below: (string | number)[],
      column: TestEntry['column'],
      tags: string[],
    ): void =>
      tests.forEach((test, index) => {
        const where = yaml.at([...below, key, index]);
        const given = { entry: test, column, thing, package: owner, folders, file: yaml.file, where };
        const node = genericTest(this.environment, given, scope);
        if (!node) return;
        if (tags.length > 0) mergeConfig(node.config, [['tags', tags]]);
        this.put(node);
      });
    const both = (
      from: { tests: TestEntry['entry'][]; data_tests: TestEntry['entry'][] },
      below: (string | number)[],
      column: TestEntry['column'],
      tags: string[],
    ): void => {
      take(from.tests, 'tests', below, column, tags);
      take(from.data_tests, 'data_tests', below, column, tags);
    };
    both(properties, path, null, []);
    properties.columns.forEach((column, index) =>
      both(column, [...path, 'columns', index], column, column.tags),
    );
  }
}

interface SourceFile {
  /** below its folder */
  path: string;
  absolute: string;
  /** relative to the root project */
  file: string;
}

const splitEnding = (name: string): [string, string] => {
  const at = name.lastIndexOf('.');
  return [name.slice(0, at), name.slice(at + 1)];
};
