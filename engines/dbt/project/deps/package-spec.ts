import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../../../schemas/errors.js';
import { isRecord } from '../../parse/config.js';
import { readText } from '../files.js';
import type { SettingsRenderer } from '../render-settings.js';
import { readYaml, type YamlFile } from '../yaml.js';

const Version = z.union([z.string(), z.number()]).transform(String);
const Text = z.string().min(1, 'is empty');

const Local = z.looseObject({ local: Text });
const Git = z.looseObject({
  git: Text,
  revision: Version.nullish(),
  subdirectory: z.string().nullish(),
  'warn-unpinned': z.boolean().nullish(),
});
const Hub = z.looseObject({
  package: Text.regex(/^[\w.-]+\/[\w.-]+$/, "must be like 'dbt-labs/dbt_utils'"),
  version: z.union([Version.transform((version) => version.split(',')), z.array(Version)]),
  install_prerelease: z.boolean().nullish(),
});
const Tarball = z.looseObject({ tarball: Text, name: Text });

/** A package as packages.yml or package-lock.yml names it. */
export type PackageSpec =
  | { kind: 'local'; path: string }
  | {
      kind: 'git';
      url: string;
      written: string;
      revision: string | null;
      folder: string | null;
      warn: boolean;
    }
  | { kind: 'hub'; name: string; versions: string[]; prereleases: boolean }
  | { kind: 'tarball'; url: string; written: string; name: string };

export interface PackageList {
  specs: PackageSpec[];
  /** file that lists them, within its project; null where there is none */
  file: string | null;
  /** what the lock is held against: changes with the list */
  hash: string;
}

/**
 * The packages that a project asks for, in packages.yml or dependencies.yml.
 *
 * @throws MillraceError DbtProjectInvalid, JinjaError
 */
export function readPackageList(dir: string, renderer: SettingsRenderer): PackageList {
  const lists = ['packages.yml', 'dependencies.yml'].flatMap((name) => {
    const file = join(dir, name);
    if (!existsSync(file)) return [];
    const yaml = readYaml(readText(file), name);
    return isRecord(yaml.data) && Array.isArray(yaml.data['packages']) ? [yaml] : [];
  });
  const [yaml, second] = lists;
  if (!yaml) return { specs: [], file: null, hash: hashOf([]) };
  if (second)
    throw new MillraceError('DbtProjectInvalid', {
      what: 'Both packages.yml and dependencies.yml list packages',
      where: second.at(['packages']),
      fix: 'Keep one of the lists',
    });
  const entries = (yaml.data as Record<string, unknown>)['packages'] as unknown[];
  // dbt renders the one file and not the other
  const rendered =
    yaml.file === 'packages.yml'
      ? entries.map((each, at) => renderer.render(each, yaml, ['packages', at]))
      : entries;
  return {
    specs: rendered.map((each, index) => readPackageSpec(each, entries[index], yaml, index)),
    file: yaml.file,
    hash: hashOf(rendered.map((each, index) => hashed(each, entries[index]))),
  };
}

/** @param written the entry before it was rendered: it goes into the lock, so that no secret does */
export function readPackageSpec(
  entry: unknown,
  written: unknown,
  yaml: YamlFile,
  index: number,
): PackageSpec {
  const where = yaml.at(['packages', index]);
  const fail = (what: string, fix: string): never => {
    throw new MillraceError('DbtProjectInvalid', { what: `${yaml.file}: ${what}`, where, fix });
  };
  const fields = isRecord(entry) ? entry : {};
  const raw = isRecord(written) ? written : {};
  const read = <T>(schema: z.ZodType<T>): T => {
    const parsed = schema.safeParse(fields);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    return fail(`${issue?.path.join('.') || 'the entry'} ${issue?.message}`, 'Correct the entry');
  };
  if ('local' in fields) return { kind: 'local', path: read(Local).local };
  if ('tarball' in fields) {
    const { tarball: url, name } = read(Tarball);
    return { kind: 'tarball', url, written: textOr(raw['tarball'], url), name };
  }
  if ('git' in fields) {
    const { git: url, revision = null, subdirectory: folder = null, 'warn-unpinned': warn } = read(Git);
    return { kind: 'git', url, written: textOr(raw['git'], url), revision, folder, warn: warn !== false };
  }
  if ('package' in fields) {
    const { package: name, version: versions, install_prerelease: prereleases } = read(Hub);
    return { kind: 'hub', name, versions, prereleases: prereleases ?? false };
  }
  if ('private' in fields)
    return fail(
      `the private package '${String(fields['private'])}' needs a provider, and there is none`,
      "Name it by 'git:' and its address",
    );
  return fail(
    'a package is named by local, git, package or tarball',
    "Write e.g. '- package: dbt-labs/dbt_utils' and its version",
  );
}

const textOr = (value: unknown, other: string): string => (typeof value === 'string' ? value : other);

/** the entry as dbt hashes it: every field that its kind has, and what was written */
function hashed(entry: unknown, written: unknown): Record<string, unknown> {
  const fields = isRecord(entry) ? entry : {};
  const unrendered = isRecord(written) ? written : {};
  if ('git' in fields)
    return { revision: null, 'warn-unpinned': null, subdirectory: null, ...fields, unrendered };
  if ('package' in fields) return { install_prerelease: false, ...fields, unrendered };
  return { ...fields, unrendered };
}

/** dbt's sha1_hash: a lock written by one is valid for the other */
function hashOf(entries: Record<string, unknown>[]): string {
  const lines = entries.map(sortedJson).sort((a, b) => (a < b ? -1 : 1));
  return createHash('sha1').update(lines.join('\n')).digest('hex');
}

/** Python's `json.dumps(…, sort_keys=True)` */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(', ')}]`;
  if (!isRecord(value)) return JSON.stringify(value ?? null);
  const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
  return `{${keys.map((key) => `${JSON.stringify(key)}: ${sortedJson(value[key])}`).join(', ')}}`;
}
