import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { isRecord } from '../../parse/config.js';
import { readText } from '../files.js';
import type { SettingsRenderer } from '../render-settings.js';
import { readYaml } from '../yaml.js';
import { readPackageSpec, type PackageSpec } from './package-spec.js';
import type { PinnedPackage } from './resolve.js';

export const LOCK = 'package-lock.yml';

/** What package-lock.yml says. */
export interface Lock {
  hash: string | null;
  packages: { spec: PackageSpec; name: string | null }[];
}

/** @returns null where there is none. @throws MillraceError DbtProjectInvalid */
export function readLock(dir: string, renderer: SettingsRenderer): Lock | null {
  const file = join(dir, LOCK);
  if (!existsSync(file)) return null;
  const yaml = readYaml(readText(file), LOCK);
  const data = isRecord(yaml.data) ? yaml.data : {};
  const entries = Array.isArray(data['packages']) ? (data['packages'] as unknown[]) : [];
  return {
    hash: typeof data['sha1_hash'] === 'string' ? data['sha1_hash'] : null,
    packages: entries.map((entry, index) => ({
      spec: readPackageSpec(renderer.render(entry, yaml, ['packages', index]), entry, yaml, index),
      name: isRecord(entry) && typeof entry['name'] === 'string' ? entry['name'] : null,
    })),
  };
}

/** Writes package-lock.yml as dbt does; addresses as they were written, so that no secret gets into it. */
export function writeLock(dir: string, packages: readonly PinnedPackage[], hash: string): void {
  const text = stringify({ packages: packages.map(entryOf), sha1_hash: hash });
  const aside = join(dir, `${LOCK}.tmp`);
  writeFileSync(aside, text);
  renameSync(aside, join(dir, LOCK));
}

/** keys in the order of their names */
function entryOf(pinned: PinnedPackage): Record<string, unknown> {
  const { name } = pinned;
  switch (pinned.kind) {
    case 'local':
      return { local: pinned.path, name };
    case 'git': {
      const { written, revision, folder } = pinned;
      return { git: written, name, revision, ...(folder !== null && { subdirectory: folder }) };
    }
    case 'hub':
      return { name, package: pinned.package, version: pinned.version };
    case 'tarball':
      return { name, tarball: pinned.written };
  }
}
