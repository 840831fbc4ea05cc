import { MillraceError } from '../../../schemas/errors.js';
import type { Environment } from '../context/environment.js';
import { isTrue } from '../context/node-context.js';
import type { Manifest, Node, Resource } from '../manifest.js';
import { ConfigLayers } from './layers.js';
import { Namer } from './naming.js';
import type { PropertyFiles } from './properties.js';
import { SourceFiles } from './source-file.js';

/** One reading of a project: what its parts share while they fill the manifest. */
export class Parsing {
  readonly manifest: Manifest;
  readonly layers: ConfigLayers;
  readonly namer: Namer;
  readonly files = new SourceFiles();

  constructor(
    readonly environment: Environment,
    readonly properties: PropertyFiles,
  ) {
    this.manifest = environment.manifest;
    this.layers = new ConfigLayers(environment);
    this.namer = new Namer(environment);
  }

  /** @throws MillraceError DuplicateNode */
  put(node: Node): void {
    this.take(this.manifest.nodes, node);
  }

  /** Keeps a resource, or puts it aside when it is switched off. @throws MillraceError DuplicateNode */
  take<T extends Resource>(into: Map<string, T>, resource: T): void {
    if (!isTrue(resource.config, 'enabled', true)) {
      this.manifest.disabled.set(resource.id, resource);
      return;
    }
    const former = into.get(resource.id);
    if (former)
      throw new MillraceError('DuplicateNode', {
        what: `There are two ${kindName(resource)} called '${resource.name}': ${former.file} and ${resource.file}`,
        where: { file: resource.file, line: 1 },
        fix: resource.kind === 'test' ? 'Give one of them another name:' : 'Rename one of them',
      });
    into.set(resource.id, resource);
  }
}

const kindName = ({ kind }: Resource): string =>
  kind === 'analysis' ? 'analyses' : kind === 'saved_query' ? 'saved queries' : `${kind.replace('_', ' ')}s`;
