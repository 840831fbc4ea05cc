import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../context/environment.js';
import { folderSignature } from '../project/files.js';
import { readPackages, requireInstalled, type Package } from '../project/package.js';
import { readProject, type Loaded, type LoadOptions } from './read-project.js';

/** Projects by what they were read with; the next run of one reads it again only when something has changed. */
const KNOWN = new Map<string, Loaded & { signature: string; run: string }>();
const KEPT = 4;

/**
 * Reads a dbt project, or takes it from memory: while no file has changed, and nothing in it depends on the run that
 * reads it.
 *
 * @throws MillraceError DbtProjectInvalid, JinjaError, DuplicateNode, RefNotFound, RefForbidden, Unsupported
 */
export function loadProject({ dir, ...options }: LoadOptions): Environment {
  const { run, ...rest } = options;
  const packages = readPackages(dir);
  requireInstalled(packages[0] as Package);
  const signature = packages.map(packageSignature).join();
  // deprecations are told by the day
  const key = JSON.stringify([dir, rest, run.startedAt.slice(0, 10)]);
  const thisRun = JSON.stringify(run);
  const known = KNOWN.get(key);
  if (known?.signature === signature && (!known.volatile || known.run === thisRun)) {
    const { manifest } = known.environment;
    return { ...known.environment, run, manifest: { ...manifest, warnings: [...manifest.warnings] } };
  }
  const loaded = readProject(packages, options);
  KNOWN.delete(key);
  KNOWN.set(key, { ...loaded, signature, run: thisRun });
  if (KNOWN.size > KEPT) KNOWN.delete(KNOWN.keys().next().value ?? '');
  return loaded.environment;
}

function packageSignature({ dir, isRoot, prefix }: Package): string {
  const ignore = join(dir, '.dbtignore');
  const ignored = existsSync(ignore) ? String(statSync(ignore).mtimeMs) : '';
  // what lies inside the project is part of its signature
  const inside = !isRoot && !prefix.startsWith('../');
  return `${ignored}${inside ? '' : folderSignature(dir)}`;
}
