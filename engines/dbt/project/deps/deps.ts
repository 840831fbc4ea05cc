import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { SettingsRenderer, type SettingsContext } from '../render-settings.js';
import { GitCheckouts } from './git.js';
import { Hub, HUB } from './hub.js';
import { readLock, writeLock } from './lock.js';
import { readPackageList, type PackageSpec } from './package-spec.js';
import { localFolder, projectName, resolvePackages, type Sources } from './resolve.js';
import { Tarballs } from './tarballs.js';

export interface DepsRequest extends SettingsContext {
  /** folder of the project */
  dir: string;
  /** of dbt_project.yml */
  name: string;
  /** `packages-install-path` of dbt_project.yml */
  installPath: string;
  /** resolves anew what is locked */
  upgrade?: boolean | undefined;
  /** writes package-lock.yml and installs nothing */
  lockOnly?: boolean | undefined;
  /** leaves versions of packages out that ask for another dbt; true by default */
  checkVersion?: boolean | undefined;
  /** address of the hub; by default DBT_PACKAGE_HUB_URL, or dbt's own */
  hub?: string | undefined;
}

export interface InstalledPackage {
  name: string;
  kind: PackageSpec['kind'];
  /** `version 1.1.1`, `revision 0a1b…`, `<local @ packages/x>` */
  shown: string;
  /** of the hub: the newest version there is, where it is another one */
  newer?: string;
}

export interface DepsReport {
  installed: InstalledPackage[];
  /** package-lock.yml was written */
  locked: boolean;
  warnings: string[];
}

/**
 * Installs the packages of a project, in the versions of package-lock.yml, which is written when packages.yml has
 * changed. What was installed before stays as it is until everything new is there.
 *
 * @throws MillraceError DbtProjectInvalid, Unavailable, AccessDenied, SourceUnreadable
 */
export async function installPackages(request: DepsRequest): Promise<DepsReport> {
  const { dir, env, name, upgrade = false, lockOnly = false, checkVersion = true } = request;
  const renderer = new SettingsRenderer(request);
  const list = readPackageList(dir, renderer);
  if (list.specs.length === 0) return { installed: [], locked: false, warnings: [] };
  const downloads = mkdtempSync(join(tmpdir(), 'millrace-deps-'));
  const warnings: string[] = [];
  const sources: Sources = {
    dir,
    hub: new Hub(request.hub ?? env['DBT_PACKAGE_HUB_URL'] ?? HUB, checkVersion),
    git: new GitCheckouts(downloads, (text) => withoutSecrets(text, renderer.secrets)),
    tarballs: new Tarballs(downloads),
    renderer,
    warn: (message) => warnings.push(message),
  };
  try {
    const stale = upgrade || readLock(dir, renderer)?.hash !== list.hash;
    if (stale) writeLock(dir, await resolvePackages(list.specs, name, sources), list.hash);
    const installed = lockOnly ? [] : await installLocked(request, sources);
    return { installed, locked: stale, warnings };
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

async function installLocked(
  { dir, installPath }: DepsRequest,
  sources: Sources,
): Promise<InstalledPackage[]> {
  const lock = readLock(dir, sources.renderer);
  const target = isAbsolute(installPath) ? installPath : join(dir, installPath);
  // beside the target, so that it can take its place by a rename
  const aside = `${target}.new`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    const installed: InstalledPackage[] = [];
    for (const { spec, name } of lock?.packages ?? []) {
      const ready = await fetchPackage(spec, name, sources);
      const into = join(aside, ready.name);
      if (spec.kind === 'local') link(ready.dir, into);
      else cpSync(ready.dir, into, { recursive: true, filter: (path) => !/[\\/]\.git$/.test(path) });
      installed.push({
        name: ready.name,
        kind: spec.kind,
        shown: ready.shown,
        ...(ready.newer !== undefined && { newer: ready.newer }),
      });
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(aside, target);
    return installed;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

interface Ready extends Omit<InstalledPackage, 'kind'> {
  dir: string;
}

async function fetchPackage(spec: PackageSpec, name: string | null, sources: Sources): Promise<Ready> {
  switch (spec.kind) {
    case 'local': {
      const dir = localFolder(sources.dir, spec.path);
      return { dir, name: projectName(dir, spec.path), shown: `<local @ ${spec.path}>` };
    }
    case 'git': {
      const { dir, commit } = await sources.git.checkout(spec.url, spec.revision, spec.folder);
      return { dir, name: projectName(dir, spec.written), shown: `revision ${commit}` };
    }
    case 'tarball': {
      const dir = await sources.tarballs.unpacked(spec.url, spec.name);
      return { dir, name: spec.name, shown: `tarball (url: ${spec.written})` };
    }
    case 'hub': {
      const [version = ''] = spec.versions;
      const found = await sources.hub.version(spec.name, version);
      const { latest } = await sources.hub.resolve(spec.name, [], false).catch(() => ({ latest: version }));
      const dir = await sources.tarballs.unpacked(found.downloads.tarball, spec.name);
      const newer = latest === version ? {} : { newer: latest };
      return { dir, name: name ?? found.name, shown: `version ${version}`, ...newer };
    }
  }
}

/** a local package is read in place; where links are not allowed, it is copied */
function link(from: string, to: string): void {
  try {
    symlinkSync(from, to, 'dir');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EPERM') throw cause;
    cpSync(from, to, { recursive: true });
  }
}

function withoutSecrets(text: string, secrets: ReadonlySet<string>): string {
  let clean = text.replace(/(\w+:\/\/)[^/@\s]*@/g, '$1');
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '*****');
  return clean;
}
