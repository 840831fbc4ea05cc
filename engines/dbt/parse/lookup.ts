import { MillraceError } from '../../../schemas/errors.js';
import type { Manifest, Node, Resource, SourceTable } from '../manifest.js';

const REFERABLE = new Set(['model', 'seed', 'snapshot']);

/** name -> package -> what has that name there; a versioned model stands under `orders.v2`, and its latest under both */
type ByName<T> = Map<string, Map<string, T>>;

interface Index {
  nodes: ByName<Node>;
  sources: ByName<SourceTable>;
  disabled: ByName<Resource>;
  /** what was indexed, to notice that more has come */
  size: string;
}

const INDEXES = new WeakMap<Manifest, Index>();

function indexOf(manifest: Manifest): Index {
  const size = `${manifest.nodes.size}/${manifest.sources.size}/${manifest.disabled.size}`;
  const known = INDEXES.get(manifest);
  if (known?.size === size) return known;
  const index: Index = { nodes: new Map(), sources: new Map(), disabled: new Map(), size };
  for (const node of manifest.nodes.values()) {
    if (!REFERABLE.has(node.kind)) continue;
    for (const name of searchNames(node)) put(index.nodes, name, node);
  }
  for (const source of manifest.sources.values()) put(index.sources, sourceName(source), source);
  for (const each of manifest.disabled.values()) {
    if (each.kind === 'source') put(index.disabled, sourceName(each as SourceTable), each);
    else if (REFERABLE.has(each.kind))
      for (const name of searchNames(each as Node)) put(index.disabled, name, each);
  }
  INDEXES.set(manifest, index);
  return index;
}

const sourceName = ({ source, name }: SourceTable): string => `${source}.${name}`;

function searchNames({ name, version }: Node): string[] {
  if (!version) return [name];
  const own = `${name}.v${version.version}`;
  return String(version.version) === String(version.latest) ? [own, name] : [own];
}

function put<T extends Resource>(index: ByName<T>, name: string, resource: T): void {
  const packages = index.get(name);
  if (packages) packages.set(resource.package, resource);
  else index.set(name, new Map([[resource.package, resource]]));
}

/** The caller's own package, then the project, then anywhere; null stands for anywhere. */
const candidates = (from: string, root: string): (string | null)[] => [...new Set([from, root]), null];

function search<T extends Resource>(
  index: ByName<T>,
  name: string,
  packages: readonly (string | null)[],
): T | undefined {
  const found = index.get(name);
  if (!found) return undefined;
  for (const owner of packages) {
    if (owner !== null) {
      const own = found.get(owner);
      if (own) return own;
    } else if (found.size > 1) throw ambiguous(name, [...found.values()]);
    else return [...found.values()][0];
  }
  return undefined;
}

/** `ref('orders', v=2)` comes as `['orders', 'v=2']`. */
export function splitVersion(path: readonly string[]): { path: string[]; version?: string } {
  const last = path.at(-1);
  if (path.length < 2 || !last?.startsWith('v=')) return { path: [...path] };
  return { path: path.slice(0, -1), version: last.slice(2) };
}

const refName = (path: readonly string[], version: string | undefined): string =>
  version === undefined ? (path.at(-1) ?? '') : `${path.at(-1)}.v${version}`;

/**
 * @param path name, or package and name; a version may follow as `v=2`
 * @returns the node a `ref` means: of the named package, else of the caller's own, else of the project, else of any
 * @throws MillraceError DuplicateNode when several packages have one of that name
 */
export function findRef(
  manifest: Manifest,
  path: readonly string[],
  from: string,
  given?: string,
): Node | undefined {
  const { path: parts, version = given } = splitVersion(path);
  const packages = parts.length > 1 ? [parts[0] as string] : candidates(from, manifest.project);
  return search(indexOf(manifest).nodes, refName(parts, version), packages);
}

/** @returns the source a `source` means, found as {@link findRef} finds nodes */
export const findSource = (
  manifest: Manifest,
  [source = '', table = '']: readonly string[],
  from: string,
): SourceTable | undefined =>
  search(indexOf(manifest).sources, `${source}.${table}`, candidates(from, manifest.project));

/** Whether what a call names exists, but is switched off. */
export function isDisabled(
  manifest: Manifest,
  kind: 'ref' | 'source',
  path: readonly string[],
  given?: string,
): boolean {
  const { path: parts, version = given } = splitVersion(path);
  const packages = indexOf(manifest).disabled.get(kind === 'ref' ? refName(parts, version) : parts.join('.'));
  return packages !== undefined && (kind === 'source' || parts.length === 1 || packages.has(parts[0] ?? ''));
}

function ambiguous(name: string, found: readonly Resource[]): MillraceError {
  return new MillraceError('DuplicateNode', {
    what: `Several packages have '${name}': ${found.map(({ id }) => id).join(', ')}`,
    where: { file: found[0]?.file ?? '', line: 1 },
    fix: `Name the package where it is used, e.g. ref('${found[0]?.package}', '${name}')`,
  });
}
