import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import type { Manifest, Node, Reference, SourceTable } from '../manifest.js';

const REFERABLE = ['model', 'seed', 'snapshot'] as const;

/** @returns the node a `ref` means: of the named package, else of the caller's own, else of the project, else of any */
export function findRef(
  manifest: Manifest,
  path: readonly string[],
  from: string,
  root = manifest.project,
): Node | undefined {
  const [first = '', second] = path;
  const name = second ?? first;
  const packages = second === undefined ? [from, root] : [first];
  for (const owner of new Set(packages))
    for (const kind of REFERABLE) {
      const node = manifest.nodes.get(`${kind}.${owner}.${name}`);
      if (node) return node;
    }
  if (second !== undefined) return undefined;
  for (const node of manifest.nodes.values()) if (node.kind !== 'test' && node.name === name) return node;
  return undefined;
}

export function findSource(
  manifest: Manifest,
  [source = '', table = '']: readonly string[],
  from: string,
): SourceTable | undefined {
  const own = manifest.sources.get(`source.${from}.${source}.${table}`);
  if (own) return own;
  for (const each of manifest.sources.values())
    if (each.source === source && each.name === table) return each;
  return undefined;
}

/** Turns what nodes refer to into ids. @throws MillraceError RefNotFound with the place of the call and near names */
export function resolveReferences(manifest: Manifest, root: string): void {
  for (const node of [...manifest.nodes.values()]) {
    const ids = new Set<string>();
    let off = false;
    for (const reference of node.references) {
      const found =
        reference.kind === 'ref'
          ? findRef(manifest, reference.path, node.package, root)
          : findSource(manifest, reference.path, node.package);
      if (found) ids.add(found.id);
      // a test of something that was switched off is off, too
      else if (node.kind === 'test' && isDisabled(manifest, reference)) off = true;
      else throw notFound(manifest, node, reference);
    }
    if (off) {
      manifest.nodes.delete(node.id);
      manifest.disabled.set(node.id, node);
      continue;
    }
    node.dependsOn = [...ids];
  }
  for (const node of manifest.nodes.values())
    for (const parent of node.dependsOn) {
      const list = manifest.children.get(parent);
      if (list) list.push(node.id);
      else manifest.children.set(parent, [node.id]);
    }
}

const isDisabled = (manifest: Manifest, { kind, path }: Reference): boolean => {
  const ending = kind === 'ref' ? `.${path.at(-1)}` : `.${path.join('.')}`;
  return [...manifest.disabled.keys()].some(
    (id) => (kind === 'source') === id.startsWith('source.') && id.endsWith(ending),
  );
};

export function notFound(manifest: Manifest, node: Node, reference: Reference): MillraceError {
  const { kind, path, where } = reference;
  const call = `${kind}(${path.map((part) => `'${part}'`).join(', ')})`;
  if (path.some((part) => part.startsWith('v=')))
    return new MillraceError('Unsupported', {
      what: `${node.id}: ${kind}() with a version is not supported yet`,
      where,
      fix: 'Refer to the model without a version',
    });
  if (isDisabled(manifest, reference))
    return new MillraceError('RefNotFound', {
      what: `${node.id} refers to ${call}, which is disabled`,
      where,
      fix: 'Enable it (config enabled), or disable what reads it',
    });
  const names =
    kind === 'ref'
      ? [...manifest.nodes.values()].filter((each) => each.kind !== 'test').map(({ name }) => name)
      : [...manifest.sources.values()].map(({ source, name }) => `${source}.${name}`);
  const near = didYouMean(kind === 'ref' ? (path.at(-1) ?? '') : path.join('.'), names);
  return new MillraceError('RefNotFound', {
    what: `${node.id} refers to ${call}, which does not exist`,
    where,
    fix:
      near ||
      (kind === 'ref'
        ? 'Create that model, or correct the name'
        : 'Declare it under sources: in a .yml file'),
  });
}
