import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import type { Environment } from '../context/environment.js';
import type { Exposure, Manifest, Node, Reference, Resource, Semantic } from '../manifest.js';
import { findRef, findSource, isDisabled, splitVersion } from './lookup.js';

export { findRef, findSource } from './lookup.js';

type Referring = Node | Exposure | Semantic;

/**
 * Turns what nodes refer to into ids. A test of something that is switched off, or not there, is switched off, too.
 *
 * @throws MillraceError RefNotFound with the place of the call and near names, RefForbidden
 */
export function resolveReferences(environment: Environment): void {
  const { manifest } = environment;
  const missing: Node[] = [];
  for (const node of manifest.nodes.values()) {
    if (node.kind === 'unit_test') continue;
    const ids = resolve(environment, node);
    if (ids === null) missing.push(node);
    else node.dependsOn = ids;
  }
  for (const each of [...manifest.exposures.values(), ...manifest.semantics.values()])
    each.dependsOn = [...new Set([...each.dependsOn, ...(resolve(environment, each) ?? [])])];
  for (const node of missing) {
    manifest.nodes.delete(node.id);
    manifest.disabled.set(node.id, node);
  }
}

/** id -> ids of what reads it */
export function linkChildren(manifest: Manifest): void {
  const link = (each: Resource): void => {
    for (const parent of each.dependsOn) {
      const list = manifest.children.get(parent);
      if (list) list.push(each.id);
      else manifest.children.set(parent, [each.id]);
    }
  };
  for (const map of [manifest.nodes, manifest.exposures, manifest.semantics])
    for (const each of map.values()) link(each);
}

/** @returns null for a test of what is not there */
function resolve(environment: Environment, node: Referring): string[] | null {
  const { manifest } = environment;
  const [sources, nodes] = [new Set<string>(), new Set<string>()];
  for (const reference of node.references) {
    const { kind, path, version } = reference;
    if (kind === 'ref') {
      const found = findRef(manifest, path, node.package, version);
      if (found) {
        checkAccess(environment, node, found, reference);
        nodes.add(found.id);
        continue;
      }
    } else {
      const found = findSource(manifest, path, node.package);
      if (found) {
        sources.add(found.id);
        continue;
      }
    }
    if (node.kind !== 'test') throw notFound(manifest, node, reference);
    if (!isDisabled(manifest, kind, path, version)) manifest.warnings.push(missingWarning(node, reference));
    return null;
  }
  return [...sources, ...nodes];
}

const missingWarning = (node: Resource, { kind, path }: Reference): string =>
  `Test '${node.id}' (${node.file}) depends on a ${kind === 'ref' ? 'node' : 'source'} named ` +
  `'${kind === 'ref' ? path.at(-1) : path.join('.')}' which was not found`;

/** A private model is for its group, and a package may keep its protected ones to itself. */
function checkAccess({ packages }: Environment, node: Referring, found: Node, reference: Reference): void {
  if (found.kind !== 'model') return;
  const restricted =
    found.package !== node.package &&
    packages.find(({ name }) => name === found.package)?.yaml['restrict-access'] === true;
  const group = 'group' in node ? (node.group ?? null) : null;
  const refuse = (access: string, scope: string): MillraceError =>
    new MillraceError('RefForbidden', {
      what: `${node.id} refers to ${found.id}, which is ${access} to ${scope}`,
      where: reference.where,
      fix:
        access === 'private'
          ? 'Put both into one group, or give the model another access'
          : 'Give the model public access, or take restrict-access off its package',
    });
  if (found.access === 'private' && (group !== (found.group ?? null) || group === null || restricted))
    throw refuse('private', found.group ? `the group '${found.group}'` : 'its group');
  if (found.access === 'protected' && restricted) throw refuse('protected', `package '${found.package}'`);
}

export function notFound(manifest: Manifest, node: Resource, reference: Reference): MillraceError {
  const { kind, where } = reference;
  const { path, version = reference.version } = splitVersion(reference.path);
  const given = [...path.map((part) => `'${part}'`), ...(version === undefined ? [] : [`v=${version}`])];
  const call = `${kind}(${given.join(', ')})`;
  if (isDisabled(manifest, kind, path, version))
    return new MillraceError('RefNotFound', {
      what: `${node.id} refers to ${call}, which is disabled`,
      where,
      fix: 'Enable it (config enabled), or disable what reads it',
    });
  return new MillraceError('RefNotFound', {
    what: `${node.id} refers to ${call}, which does not exist`,
    where,
    fix: suggestion(manifest, kind, path, version),
  });
}

function suggestion(
  manifest: Manifest,
  kind: Reference['kind'],
  path: readonly string[],
  version: string | undefined,
): string {
  if (kind === 'source')
    return (
      didYouMean(
        path.join('.'),
        [...manifest.sources.values()].map(({ source, name }) => `${source}.${name}`),
      ) || 'Declare it under sources: in a .yml file'
    );
  const name = path.at(-1) ?? '';
  const referable = [...manifest.nodes.values()].filter(({ kind: each }) =>
    ['model', 'seed', 'snapshot'].includes(each),
  );
  const versions = referable.flatMap((each) =>
    each.name === name && each.version ? [String(each.version.version)] : [],
  );
  if (version !== undefined && versions.length > 0) return `Its versions are: ${versions.sort().join(', ')}`;
  return (
    didYouMean(
      name,
      referable.map((each) => each.name),
    ) || 'Create that model, or correct the name'
  );
}
