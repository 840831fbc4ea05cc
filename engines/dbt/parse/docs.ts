import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import type { Environment } from '../context/environment.js';
import { NodeContext } from '../context/node-context.js';
import { JinjaFault } from '../jinja/fault.js';
import { render } from '../jinja/render.js';
import { str, type JinjaFunction } from '../jinja/values.js';
import type { ColumnProperties, DocsBlock, Manifest, Resource } from '../manifest.js';
import { readText } from '../project/files.js';
import { docsFolders } from '../project/package.js';
import { hasJinja } from './native.js';
import type { Parsing } from './parsing.js';
import { yamlHost } from './read-node.js';
import { templateOf } from './templates.js';

const BLOCK = /\{%[-+]?\s*docs\s+([^\s%]+)\s*[-+]?%\}([^]*?)\{%[-+]?\s*enddocs\s*[-+]?%\}/g;

/** Reads the docs blocks of all `.md` files. @throws MillraceError DuplicateNode */
export function readDocs({ environment, files, manifest }: Parsing): void {
  for (const owner of environment.packages)
    for (const { absolute, file, path } of files.in(owner, docsFolders(owner), '.md'))
      for (const [, name = '', text = ''] of readText(absolute).matchAll(BLOCK)) {
        const id = `doc.${owner.name}.${name}`;
        const former = manifest.docs.get(id);
        if (former)
          throw new MillraceError('DuplicateNode', {
            what: `The docs block '${name}' is there twice: in ${former.file} and in ${file}`,
            where: { file },
            fix: 'Rename one of the two',
          });
        manifest.docs.set(id, { id, name, package: owner.name, file, path, text: text.trim() });
      }
}

/** A docs block by its name: of the named package, else the describing one's, the project's, anybody's. */
function findDoc(manifest: Manifest, path: readonly string[], from: string): DocsBlock | undefined {
  const name = path.at(-1) ?? '';
  const packages = path.length > 1 ? [path[0]] : [from, manifest.project];
  for (const owner of packages) {
    const found = manifest.docs.get(`doc.${owner}.${name}`);
    if (found) return found;
  }
  return path.length > 1 ? undefined : [...manifest.docs.values()].find((block) => block.name === name);
}

/** Puts the text of docs blocks where descriptions call them. @throws MillraceError JinjaError */
export function renderDescriptions(parsing: Parsing): void {
  const { environment, manifest } = parsing;
  const renderer = new DescriptionRenderer(environment);
  for (const map of [manifest.nodes, manifest.sources, manifest.exposures, manifest.semantics])
    for (const each of map.values() as Iterable<Resource & { columns?: ColumnProperties[] }>) {
      renderer.render(each, each);
      for (const column of each.columns ?? []) renderer.render(column, each);
    }
  for (const source of manifest.sources.values()) {
    const described = { description: source.sourceDescription };
    renderer.render(described, source);
    source.sourceDescription = described.description;
  }
  for (const macro of manifest.macros.values()) renderer.render(macro, { ...macro, file: macro.patch });
  for (const group of manifest.groups.values()) renderer.render(group, group);
}

class DescriptionRenderer {
  constructor(private readonly environment: Environment) {}

  render(
    described: { description: string; docBlocks?: string[] },
    of: { package: string; file: string },
  ): void {
    if (!hasJinja(described.description)) return;
    const used = new Set<string>();
    const { manifest } = this.environment;
    const doc: JinjaFunction = (args, _kwargs, site) => {
      const path = args.map(str);
      const found = findDoc(manifest, path, of.package);
      if (!found)
        throw new JinjaFault(
          `There is no docs block '${path.join('.')}'`,
          site,
          didYouMean(
            path.at(-1) ?? '',
            [...manifest.docs.values()].map(({ name }) => name),
          ) || `Write {% docs ${path.at(-1)} %} … {% enddocs %} in a .md file`,
        );
      used.add(found.id);
      return found.text;
    };
    try {
      const context = new NodeContext(this.environment, yamlHost(of.package), { doc });
      described.description = render(templateOf(described.description, of.file), context.root()).trim();
    } catch (cause) {
      throw cause instanceof JinjaFault ? cause.toError() : cause;
    }
    described.docBlocks = [...(described.docBlocks ?? []), ...used];
  }
}
