import { formatPosition, MillraceError } from '../../../schemas/errors.js';
import { BUILT_IN_MACROS } from '../builtin/all.js';
import type { Template } from '../jinja/ast.js';
import { MacroSet } from '../macros.js';
import { readText } from '../project/files.js';
import type { Package } from '../project/package.js';
import type { Parsing } from './parsing.js';
import { SourceFiles } from './source-file.js';
import { templateOf } from './templates.js';
import { isVolatile } from './volatile.js';

/**
 * Every macro and generic test of a project, its packages and dbt itself.
 *
 * @returns them, and whether one of them may come to something else in the next run
 * @throws MillraceError JinjaError
 */
export function readMacros(
  packages: readonly Package[],
  adapter: string,
): { macros: MacroSet; volatile: boolean } {
  const [root] = packages as [Package];
  const orders = new Map(root.yaml.dispatch.map((entry) => [entry.macro_namespace, entry.search_order]));
  const macros = new MacroSet(root.name, orders, adapter);
  for (const [file, text] of Object.entries(BUILT_IN_MACROS))
    macros.addBuiltIn(macroNames(text), () => templateOf(text, file));
  const files = new SourceFiles();
  let volatile = false;
  for (const owner of packages) {
    const { yaml } = owner;
    const folders = [...yaml['macro-paths'], ...yaml['test-paths'].map((path) => `${path}/generic`)];
    for (const { absolute, file } of files.in(owner, folders, '.sql')) {
      const text = readText(absolute);
      volatile ||= isVolatile(text);
      const template = templateOf(text, file);
      refuseTwice(macros, owner, template);
      macros.addTemplate(owner.name, template);
    }
  }
  return { macros, volatile };
}

function refuseTwice(macros: MacroSet, owner: Package, { body }: Template): void {
  for (const statement of body) {
    if (statement.kind !== 'macro') continue;
    const { name, site } = statement.macro;
    const former = macros.in(owner.name, name);
    if (former)
      throw new MillraceError('DuplicateNode', {
        what: `The macro '${name}' is there twice in '${owner.name}', also in ${formatPosition(former.site)}`,
        where: site,
        fix: 'Rename or remove one of the two',
      });
  }
}

/** Names of the macros and tests that a text defines, without parsing it. */
export const macroNames = (text: string): string[] =>
  [...text.matchAll(/\{%[-+]?\s*(macro|test|data_test)\s+(\w+)/g)].map(([, tag, name = '']) =>
    tag === 'macro' ? name : `test_${name}`,
  );

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
