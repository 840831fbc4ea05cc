import type { Manifest, Resource, ResourceKind } from '../manifest.js';
import { resources } from '../manifest.js';
import type { Package } from '../project/package.js';
import { configPaths } from './config.js';
import { treeOf } from './layers.js';

const SECTIONS = {
  model: 'models',
  seed: 'seeds',
  snapshot: 'snapshots',
  test: 'data_tests',
  unit_test: 'unit_tests',
  source: 'sources',
  exposure: 'exposures',
  metric: 'metrics',
  semantic_model: 'semantic_models',
  saved_query: 'saved_queries',
} as const satisfies Partial<Record<ResourceKind, string>>;
type Section = keyof typeof SECTIONS;

/** Tells of paths in dbt_project.yml that configure nothing. */
export function warnUnusedConfig(manifest: Manifest, root: Package): void {
  const used = new Map<ResourceKind, Set<string>>();
  const follow = ({ kind, fqn }: Resource): void => {
    let paths = used.get(kind);
    if (!paths) used.set(kind, (paths = new Set()));
    for (let length = 1; length <= fqn.length; length++) paths.add(fqn.slice(0, length).join('\0'));
  };
  for (const each of resources(manifest)) follow(each);
  for (const each of manifest.disabled.values()) follow(each);
  const unused = (Object.keys(SECTIONS) as Section[]).flatMap((kind) =>
    configPaths(treeOf(root, kind))
      .filter((path) => !used.get(kind)?.has(path.join('\0')))
      .map((path) => [SECTIONS[kind], ...path].join('.')),
  );
  if (unused.length > 0)
    manifest.warnings.push(
      'Configuration paths exist in your dbt_project.yml file which do not apply to any resources.\n' +
        `There are ${unused.length} unused configuration paths:\n${unused.map((path) => `- ${path}`).join('\n')}`,
    );
}
