import { MillraceError } from '../../../schemas/errors.js';
import type { Node } from '../manifest.js';
import type { Package } from '../project/package.js';
import type { Properties } from './properties.js';
import type { NodeProperties } from './property-schemas.js';
import type { Parsing } from './parsing.js';
import { versionFiles, type Described } from './versions.js';

type Kind = 'model' | 'seed' | 'snapshot' | 'analysis' | 'test';
const SECTIONS = {
  model: 'models',
  seed: 'seeds',
  snapshot: 'snapshots',
  analysis: 'analyses',
  test: 'data_tests',
} as const satisfies Record<Kind, string>;

/** What property files say about nodes, by kind, package and name; a project may describe a package's nodes. */
export class DescribedNodes {
  private readonly found = new Map<string, Described>();
  private readonly used = new Set<Described>();
  /** names of the files of a package that make models and seeds */
  private readonly stems = new Map<Package, Set<string>>();

  constructor(private readonly parsing: Parsing) {
    for (const kind of Object.keys(SECTIONS) as Kind[])
      for (const entry of parsing.properties[SECTIONS[kind]]) this.add(kind, entry);
  }

  private add(kind: Kind, entry: Properties<NodeProperties>): void {
    const owner = entry.package;
    if (kind !== 'model' || entry.value.versions.length === 0) {
      this.set(kind, owner.name, entry.value.name, { entry });
      return;
    }
    const { files } = this.parsing;
    const stems = new Set(files.in(owner, owner.yaml['model-paths'], '.sql', '.py').map(({ stem }) => stem));
    for (const { stem, described } of versionFiles(entry, (name) => stems.has(name)))
      this.set(kind, owner.name, stem, described);
  }

  private set(kind: Kind, owner: string, name: string, described: Described): void {
    const key = `${kind}.${owner}.${name}`;
    const former = this.found.get(key);
    const { yaml, path } = described.entry;
    if (former)
      throw new MillraceError('DuplicateNode', {
        what: `${kind} '${name}' is described twice, also in ${former.entry.yaml.file}`,
        where: yaml.at(path),
        fix: 'Put both descriptions into one entry',
      });
    this.found.set(key, described);
  }

  /** @returns what is said about the node that a file of this name makes; of its own package first */
  take(kind: Kind, owner: string, name: string): Described | undefined {
    const { packages } = this.parsing.environment;
    const others = packages.filter((each) => each.name !== owner && !this.hasFile(each, name));
    const key = [owner, ...others.map((each) => each.name)]
      .map((each) => `${kind}.${each}.${name}`)
      .find((each) => this.found.has(each));
    const described = key === undefined ? undefined : this.found.get(key);
    if (described) this.used.add(described);
    return described;
  }

  private hasFile(owner: Package, name: string): boolean {
    let stems = this.stems.get(owner);
    if (!stems) {
      const { files } = this.parsing;
      const { yaml } = owner;
      const found = [
        ...files.in(owner, yaml['model-paths'], '.sql', '.py'),
        ...files.in(owner, yaml['seed-paths'], '.csv'),
      ];
      this.stems.set(owner, (stems = new Set(found.map(({ stem }) => stem))));
    }
    return stems.has(name);
  }

  /** Tells of descriptions that fit nothing. */
  warnUnused(): void {
    const { manifest } = this.parsing;
    for (const [key, described] of this.found) {
      if (this.used.has(described)) continue;
      const { entry, version } = described;
      const kind = key.split('.')[0] as Kind;
      const name = version ? key.split('.').slice(2).join('.') : entry.value.name;
      const other = [...manifest.nodes.values()].find(
        (node: Node) => node.name === name && ['model', 'seed', 'snapshot'].includes(node.kind),
      );
      manifest.warnings.push(
        other && kind !== 'test' && kind !== 'analysis'
          ? `'${name}' is a ${other.kind}, but ${entry.yaml.file} describes it under '${SECTIONS[kind]}'`
          : `Did not find matching node for patch with name '${name}' in the '${SECTIONS[kind]}' section of file '${entry.yaml.file}'`,
      );
    }
  }
}
