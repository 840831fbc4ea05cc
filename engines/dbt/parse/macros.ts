import { BUILT_IN_MACROS } from '../builtin/all.js';
import { BUILT_IN, MacroSet } from '../macros.js';
import { readText } from '../project/files.js';
import type { Package } from '../project/package.js';
import type { Parsing } from './parsing.js';
import { SourceFiles } from './source-file.js';
import { templateOf } from './templates.js';

/** Every macro and generic test of a project, its packages and dbt itself. @throws MillraceError JinjaError */
export function readMacros(packages: readonly Package[], adapter: string): MacroSet {
  const [root] = packages as [Package];
  const orders = new Map(root.yaml.dispatch.map((entry) => [entry.macro_namespace, entry.search_order]));
  const macros = new MacroSet(root.name, orders, adapter);
  for (const [file, text] of Object.entries(BUILT_IN_MACROS))
    macros.addTemplate(BUILT_IN, templateOf(text, file));
  const files = new SourceFiles();
  for (const owner of packages) {
    const { yaml } = owner;
    const folders = [...yaml['macro-paths'], ...yaml['test-paths'].map((path) => `${path}/generic`)];
    for (const { absolute, file } of files.in(owner, folders, '.sql'))
      macros.addTemplate(owner.name, templateOf(readText(absolute), file));
  }
  return macros;
}

/** What property files say about macros. */
export function describeMacros({ manifest, environment, properties }: Parsing): void {
  for (const { value, yaml, package: owner } of properties.macros) {
    const { name } = value;
    const known = ['', 'test_'].find((prefix) => environment.macros.in(owner.name, prefix + name));
    if (known === undefined) {
      manifest.warnings.push(`Found patch for macro '${name}' which was not found (${yaml.file})`);
      continue;
    }
    const id = `macro.${owner.name}.${known}${name}`;
    manifest.macros.set(id, {
      id,
      name,
      package: owner.name,
      description: value.description ?? '',
      meta: (value.meta ?? value.config['meta'] ?? {}) as Record<string, unknown>,
      docs: value.docs ?? {},
      arguments: value.arguments ?? [],
      patch: `${owner.name}://${yaml.file.slice(owner.prefix.length)}`,
    });
  }
}
