import { MillraceError } from '../../../schemas/errors.js';
import type { Properties } from './properties.js';
import type { NodeProperties, Version } from './property-schemas.js';

type Model = Properties<NodeProperties>;

/** What a model's file is described by: an entry of its own, or one version of an entry. */
export interface Described {
  entry: Model;
  version?: Version;
  latest?: string | number;
}

/** Whether one version comes before another: as numbers where both are. */
function compareVersions(left: string | number, right: string | number): number {
  const [a, b] = [Number(left), Number(right)];
  if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  return String(left) < String(right) ? -1 : String(left) > String(right) ? 1 : 0;
}

/** @throws MillraceError DbtProjectInvalid for a version named twice, or a latest one that is not in the list */
export function latestVersion({ value, yaml, path }: Model): string | number {
  const names = value.versions.map(({ v }) => v);
  const twice = names.find((name, at) => names.findIndex((each) => String(each) === String(name)) !== at);
  if (twice !== undefined)
    throw new MillraceError('DbtProjectInvalid', {
      what: `Model '${value.name}' has the version '${twice}' twice`,
      where: yaml.at([...path, 'versions']),
      fix: 'Keep one of the two',
    });
  const latest = value.latest_version;
  if (latest === null || latest === undefined)
    return names.reduce((best, name) => (compareVersions(name, best) > 0 ? name : best));
  if (names.some((name) => String(name) === String(latest))) return latest;
  throw new MillraceError('DbtProjectInvalid', {
    what: `latest_version of '${value.name}' is ${latest}, which is not one of its versions: ${names.join(', ')}`,
    where: yaml.at([...path, 'latest_version']),
    fix: 'Name one of the versions',
  });
}

/**
 * The file stem of each version: `defined_in`, else `<model>_v<version>`; the latest may be `<model>` alone.
 *
 * @param exists whether the package has a model file of that stem
 */
export function versionFiles(
  entry: Model,
  exists: (stem: string) => boolean,
): { stem: string; described: Described }[] {
  const { value } = entry;
  const latest = latestVersion(entry);
  return value.versions.map((version) => {
    const named = version.defined_in ?? `${value.name}_v${version.v}`;
    const bare = !exists(named) && String(version.v) === String(latest) && exists(value.name);
    return { stem: bare ? value.name : named, described: { entry, version, latest } };
  });
}
