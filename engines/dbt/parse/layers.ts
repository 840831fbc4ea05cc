import type { Environment } from '../context/environment.js';
import { JinjaFault } from '../jinja/fault.js';
import type { Scope } from '../jinja/scope.js';
import type { Dict, Value } from '../jinja/values.js';
import type { ResourceKind } from '../manifest.js';
import type { Package } from '../project/package.js';
import { configName, folderConfig, isRecord, levelsBelow, mergeConfig, normalizeHooks } from './config.js';
import { defaultConfig } from './config-defaults.js';
import { renderDeep } from './native.js';
import { yamlContext } from './read-node.js';

export type Config = Iterable<[Value, Value]>;

/** Settings that go over those of dbt_project.yml. */
interface Given {
  /** of the property file */
  patch?: Config;
  /** of the template's `config()` */
  call?: Config;
}

/** What one project says about all nodes below one folder. */
interface Layer {
  rendered: [Value, Value][];
  raw: [Value, Value][];
  /** defaults with this layer over them */
  base: Dict;
}

/** Configuration of resources from dbt_project.yml, with everything laid over it in dbt's order. */
export class ConfigLayers {
  private readonly trees = new Map<Package, Partial<Record<ResourceKind, Tree>>>();

  constructor(private readonly environment: Environment) {}

  /** @throws MillraceError JinjaError */
  build(
    kind: ResourceKind,
    fqn: readonly string[],
    packageName: string,
    { patch = [], call = [] }: Given = {},
  ): Dict {
    const { own, root } = this.layers(kind, fqn, packageName);
    const config: Dict = new Map(own?.base ?? defaultConfig(kind));
    try {
      for (const layer of [patch, call, root?.rendered ?? []]) mergeConfig(config, layer);
    } catch (cause) {
      throw cause instanceof JinjaFault ? cause.toError() : cause;
    }
    normalizeHooks(config);
    return config;
  }

  /** The same without defaults and as written: what `state:modified` compares. */
  unrendered(
    kind: ResourceKind,
    fqn: readonly string[],
    packageName: string,
    { patch = [], call = [] }: Given = {},
  ): Dict {
    const config: Dict = new Map();
    const { own, root } = this.layers(kind, fqn, packageName);
    for (const layer of [own?.raw ?? [], patch, call, root?.raw ?? []])
      for (const [key, value] of layer) config.set(typeof key === 'string' ? configName(key) : key, value);
    return config;
  }

  /** What the package that a resource comes from says; and the root project, which has the last word about packages. */
  private layers(
    kind: ResourceKind,
    fqn: readonly string[],
    packageName: string,
  ): { own?: Layer; root?: Layer } {
    const found: { own?: Layer; root?: Layer } = {};
    for (const owner of this.environment.packages)
      if (owner.name === packageName) found.own = this.layer(owner, kind, fqn);
      else if (owner.isRoot) found.root = this.layer(owner, kind, fqn);
    return found;
  }

  private layer(owner: Package, kind: ResourceKind, fqn: readonly string[]): Layer {
    const tree = this.tree(owner, kind);
    const depth = levelsBelow(tree.raw, fqn).length;
    const key = fqn.slice(0, depth).join('\0');
    let layer = tree.layers.get(key);
    if (!layer) tree.layers.set(key, (layer = makeLayer(tree, kind, fqn)));
    return layer;
  }

  private tree(owner: Package, kind: ResourceKind): Tree {
    let trees = this.trees.get(owner);
    if (!trees) this.trees.set(owner, (trees = {}));
    const known = trees[kind];
    if (known) return known;
    const raw = treeOf(owner, kind);
    const scope = yamlContext(this.environment, owner.name).root();
    const rendered = renderTree(raw, scope, `${owner.prefix}dbt_project.yml`);
    return (trees[kind] = { raw, rendered, layers: new Map() });
  }
}

interface Tree {
  rendered: Record<string, unknown>;
  raw: Record<string, unknown>;
  /** by the folder they are about */
  layers: Map<string, Layer>;
}

function makeLayer({ rendered, raw }: Tree, kind: ResourceKind, fqn: readonly string[]): Layer {
  const defaults = defaultConfig(kind);
  const isSetting = (name: string): boolean => defaults.has(name);
  const layer = {
    rendered: folderConfig(rendered, fqn, isSetting),
    raw: folderConfig(raw, fqn, isSetting),
  };
  try {
    mergeConfig(defaults, layer.rendered);
  } catch (cause) {
    throw cause instanceof JinjaFault ? cause.toError() : cause;
  }
  normalizeHooks(defaults);
  return { ...layer, base: defaults };
}

export function treeOf({ yaml }: Package, kind: ResourceKind): Record<string, unknown> {
  switch (kind) {
    case 'seed':
      return yaml.seeds;
    case 'snapshot':
      return yaml.snapshots;
    case 'test':
      return { ...yaml.tests, ...yaml.data_tests };
    case 'unit_test':
      return yaml.unit_tests;
    case 'source':
      return yaml.sources;
    case 'exposure':
      return yaml.exposures;
    case 'metric':
      return yaml.metrics;
    case 'semantic_model':
      return yaml['semantic-models'];
    case 'saved_query':
      return yaml['saved-queries'];
    default:
      return yaml.models;
  }
}

const HOOK = /^\+?\s*(pre|post)[-_]hook$/;

/** Hooks are templates of their own, rendered where they run. */
function renderTree(tree: Record<string, unknown>, scope: Scope, file: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [
      key,
      HOOK.test(key)
        ? value
        : isRecord(value)
          ? renderTree(value, scope, file)
          : renderDeep(value, scope, file),
    ]),
  );
}
