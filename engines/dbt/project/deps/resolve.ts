import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { MillraceError } from '../../../../schemas/errors.js';
import { readText } from '../files.js';
import type { SettingsRenderer } from '../render-settings.js';
import { readYaml } from '../yaml.js';
import { isRecord } from '../../parse/config.js';
import type { GitCheckouts } from './git.js';
import type { Hub } from './hub.js';
import { readPackageList, readPackageSpec, type PackageSpec } from './package-spec.js';
import type { Tarballs } from './tarballs.js';

/** A package with its version, as package-lock.yml keeps it. */
export type PinnedPackage = { name: string } & (
  | { kind: 'local'; path: string }
  | { kind: 'git'; url: string; written: string; revision: string; folder: string | null }
  | { kind: 'hub'; package: string; version: string }
  | { kind: 'tarball'; url: string; written: string }
);

export interface Sources {
  /** folder of the project; local packages are named from there */
  dir: string;
  hub: Hub;
  git: GitCheckouts;
  tarballs: Tarballs;
  renderer: SettingsRenderer;
  warn: (message: string) => void;
}

/**
 * Packages, those that they ask for themselves, and so on; each once, in a version that suits everybody.
 *
 * @throws MillraceError DbtProjectInvalid for versions that exclude each other, or two packages of one name
 */
export async function resolvePackages(
  specs: readonly PackageSpec[],
  project: string,
  sources: Sources,
): Promise<PinnedPackage[]> {
  const wanted = new Map<string, PackageSpec>();
  let pinned = new Map<string, PinnedPackage>();
  for (let pending = [...specs]; pending.length > 0;) {
    const touched = new Set<string>();
    for (const spec of pending) touched.add(incorporate(wanted, spec));
    pending = [];
    for (const key of touched) {
      const { package: found, asks } = await pin(wanted.get(key) as PackageSpec, sources);
      pinned.set(key, found);
      pending.push(...asks);
    }
  }
  // in the order in which they were asked for first
  pinned = new Map([...wanted.keys()].flatMap((key) => [[key, pinned.get(key) as PinnedPackage]]));
  refuseDuplicates([...pinned.values()], project);
  return [...pinned.values()];
}

/** what makes two entries one package */
function keyOf(spec: PackageSpec): string {
  switch (spec.kind) {
    case 'local':
      return `local ${spec.path}`;
    case 'git':
      return `git ${spec.url.replace(/\.git$/, '')} ${spec.folder ?? ''}`;
    case 'hub':
      return `hub ${spec.name}`;
    case 'tarball':
      return `tarball ${spec.name}`;
  }
}

function incorporate(wanted: Map<string, PackageSpec>, spec: PackageSpec): string {
  const key = keyOf(spec);
  const former = wanted.get(key);
  if (former?.kind === 'hub' && spec.kind === 'hub')
    wanted.set(key, {
      ...former,
      versions: [...former.versions, ...spec.versions],
      prereleases: former.prereleases || spec.prereleases,
    });
  else if (former?.kind === 'git' && spec.kind === 'git') {
    if (former.revision !== null && spec.revision !== null && former.revision !== spec.revision)
      throw new MillraceError('DbtProjectInvalid', {
        what: `The package ${spec.written} is asked for in two revisions: ${former.revision} and ${spec.revision}`,
        fix: 'Agree on one: a package of your own packages.yml may have to be another version',
      });
    wanted.set(key, {
      ...former,
      revision: former.revision ?? spec.revision,
      warn: former.warn && spec.warn,
    });
  } else wanted.set(key, spec);
  return key;
}

/** @returns the package, and what it asks for */
async function pin(
  spec: PackageSpec,
  sources: Sources,
): Promise<{ package: PinnedPackage; asks: PackageSpec[] }> {
  switch (spec.kind) {
    case 'hub': {
      const { version } = await sources.hub.resolve(spec.name, spec.versions, spec.prereleases);
      const found = await sources.hub.version(spec.name, version);
      const listed = readYaml(JSON.stringify({ packages: found.packages }), `package ${spec.name}`);
      return {
        package: { name: found.name, kind: 'hub', package: spec.name, version },
        asks: found.packages.map((each, index) => readPackageSpec(each, each, listed, index)),
      };
    }
    case 'git': {
      if (spec.warn && (spec.revision === null || ['HEAD', 'main', 'master'].includes(spec.revision)))
        sources.warn(
          `The git package ${spec.written} is not pinned (revision ${spec.revision ?? 'HEAD'}): it can change at any time. Name a tag or a commit as its revision`,
        );
      const { dir, commit } = await sources.git.checkout(spec.url, spec.revision, spec.folder);
      const { url, written, folder } = spec;
      const found = {
        name: projectName(dir, spec.written),
        kind: 'git',
        url,
        written,
        revision: commit,
        folder,
      } as const;
      return { package: found, asks: readPackageList(dir, sources.renderer).specs };
    }
    case 'tarball': {
      const dir = await sources.tarballs.unpacked(spec.url, spec.name);
      const { name, url, written } = spec;
      return {
        package: { name, kind: 'tarball', url, written },
        asks: readPackageList(dir, sources.renderer).specs,
      };
    }
    case 'local': {
      const dir = localFolder(sources.dir, spec.path);
      return {
        package: { name: projectName(dir, spec.path), kind: 'local', path: spec.path },
        asks: readPackageList(dir, sources.renderer).specs,
      };
    }
  }
}

export const localFolder = (dir: string, path: string): string => (isAbsolute(path) ? path : join(dir, path));

/** @throws MillraceError DbtProjectInvalid */
export function projectName(dir: string, shown: string): string {
  const file = join(dir, 'dbt_project.yml');
  const data = existsSync(file) ? readYaml(readText(file), `${shown}/dbt_project.yml`).data : undefined;
  const name = isRecord(data) ? data['name'] : undefined;
  if (typeof name === 'string') return name;
  throw new MillraceError('DbtProjectInvalid', {
    what:
      data === undefined
        ? `There is no dbt_project.yml in the package ${shown}`
        : `The package ${shown} has no name`,
    where: { file },
    fix: 'Correct the entry in packages.yml: it must lead to the folder of a dbt project',
  });
}

function refuseDuplicates(packages: readonly PinnedPackage[], project: string): void {
  const seen = new Set<string>();
  for (const { name } of packages) {
    if (name === project || seen.has(name))
      throw new MillraceError('DbtProjectInvalid', {
        what:
          name === project
            ? `A package has the name of the project itself: '${name}'`
            : `Two packages are called '${name}'`,
        fix: 'Remove one of them from packages.yml, or name both from the same place',
      });
    seen.add(name);
  }
}
