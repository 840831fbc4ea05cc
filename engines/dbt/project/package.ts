import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../../schemas/errors.js';
import { requireVersion } from './dbt-version.js';
import { readText, toSlashes } from './files.js';
import { readYaml, type YamlFile } from './yaml.js';

const PathList = z.union([z.array(z.string()), z.string().transform((path) => [path])]);
/** a list of folders; a slash at the end means nothing */
const Paths = (...folders: string[]) =>
  PathList.nullish().transform((paths) => [
    ...new Set((paths ?? folders).map((path) => path.replace(/^\.\/|\/+$/g, ''))),
  ]);
const Tree = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((tree) => tree ?? {});
const Hook = z.union([z.string(), z.record(z.string(), z.unknown())]);
const Hooks = z
  .union([z.array(Hook.nullish()), Hook.transform((hook) => [hook])])
  .nullish()
  .transform((hooks) => (hooks ?? []).filter((hook) => hook !== null && hook !== undefined));

/** `dbt_project.yml`, as far as it is read; dbt's other keys are let pass. */
const ProjectYaml = z.looseObject({
  name: z.string().regex(/^[^\d\W]\w*$/, 'must be letters, digits and _, not starting with a digit'),
  'model-paths': Paths('models'),
  'seed-paths': Paths('seeds'),
  'test-paths': Paths('tests'),
  'macro-paths': Paths('macros'),
  'snapshot-paths': Paths('snapshots'),
  'analysis-paths': Paths('analyses'),
  'docs-paths': PathList.nullish(),
  'packages-install-path': z.string().default('dbt_packages'),
  'target-path': z.string().default('target'),
  'clean-targets': PathList.nullish().transform((paths) => paths ?? ['target']),
  profile: z.string().nullish(),
  'require-dbt-version': z.unknown().optional(),
  'on-run-start': Hooks,
  'on-run-end': Hooks,
  'restrict-access': z.boolean().nullish(),
  flags: Tree,
  vars: Tree,
  models: Tree,
  seeds: Tree,
  snapshots: Tree,
  tests: Tree,
  data_tests: Tree,
  sources: Tree,
  unit_tests: Tree,
  exposures: Tree,
  metrics: Tree,
  'semantic-models': Tree,
  'saved-queries': Tree,
  dispatch: z
    .array(z.looseObject({ macro_namespace: z.string(), search_order: z.array(z.string()) }))
    .nullish()
    .transform((list) => list ?? []),
  quoting: Tree,
});
export type ProjectYaml = z.infer<typeof ProjectYaml>;

/** A dbt project on disk: the root one, or a package it uses. */
export interface Package {
  name: string;
  dir: string;
  /** as paths in errors begin: relative to the root project */
  prefix: string;
  yaml: ProjectYaml;
  isRoot: boolean;
  /** dbt_project.yml, for places in errors */
  source: YamlFile;
}

/**
 * Reads `dbt_project.yml` of the project and of the packages below it.
 *
 * @returns the root project first
 * @throws MillraceError DbtProjectInvalid
 */
export function readPackages(dir: string, { checkVersion = true } = {}): Package[] {
  const packages = new Map<string, Package>();
  const installed = new Set<string>();
  const add = (folder: string, isRoot: boolean): void => {
    const found = readPackage(folder, dir, isRoot);
    const former = packages.get(found.name);
    if (former && realpathSync(former.dir) === realpathSync(found.dir)) return;
    // a local package that was installed is read as installed: as a link, or as a copy of it where links were followed
    if (former && installed.has(former.dir) && !installed.has(folder)) return;
    if (former)
      throw new MillraceError('DbtProjectInvalid', {
        what: `Two packages are called '${found.name}': ${former.prefix || '.'} and ${found.prefix}`,
        where: found.source.at(['name']),
        fix: 'Rename one of them in its dbt_project.yml, or remove one',
      });
    if (checkVersion)
      requireVersion(found.yaml['require-dbt-version'], found.source.at(['require-dbt-version']));
    packages.set(found.name, found);
    if (isRoot) {
      const folders = installedPackages(found);
      for (const each of folders) installed.add(each);
      for (const each of folders) add(each, false);
    }
    for (const local of localPackages(folder, dir)) add(local, false);
  };
  add(dir, true);
  return [...packages.values()];
}

function readPackage(folder: string, root: string, isRoot: boolean): Package {
  const file = join(folder, 'dbt_project.yml');
  const prefix = isRoot ? '' : `${toSlashes(relative(root, folder))}/`;
  if (!existsSync(file))
    throw new MillraceError('DbtProjectInvalid', {
      what: 'There is no dbt_project.yml',
      where: { file },
      fix: isRoot
        ? 'Point the project to the folder that holds dbt_project.yml'
        : 'Correct the folder in packages.yml',
    });
  const source = readYaml(readText(file), `${prefix}dbt_project.yml`);
  const parsed = ProjectYaml.safeParse(source.data ?? {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = (issue?.path ?? []) as (string | number)[];
    throw new MillraceError('DbtProjectInvalid', {
      what: `dbt_project.yml: ${path.join('.') || 'the file'}: ${issue?.message}`,
      where: { ...source.at(path), path: path.join('.') },
      fix: 'See https://docs.getdbt.com/reference/dbt_project.yml for what belongs there',
    });
  }
  return { name: parsed.data.name, dir: folder, prefix, yaml: parsed.data, isRoot, source };
}

const Listed = z.looseObject({
  packages: z.array(z.looseObject({ local: z.string().optional() })).nullish(),
});

/**
 * Checks that packages from elsewhere have been installed: there must be as many as the project lists.
 *
 * @throws MillraceError DbtProjectInvalid
 */
export function requireInstalled(root: Package): void {
  const wanted = listedPackages(root.dir).filter(({ local }) => local === undefined).length;
  const installed = installedPackages(root).length;
  if (installed < wanted)
    throw new MillraceError('DbtProjectInvalid', {
      what: `The project lists ${wanted} packages, and ${installed} are installed in ${root.yaml['packages-install-path']}`,
      where: { file: 'packages.yml' },
      fix: 'Run `millrace dbt deps`',
    });
}

function listedPackages(folder: string): { local?: string | undefined }[] {
  return ['packages.yml', 'dependencies.yml'].flatMap((name) => {
    const file = join(folder, name);
    if (!existsSync(file)) return [];
    const parsed = Listed.safeParse(readYaml(readText(file), name).data ?? {});
    return parsed.success ? (parsed.data.packages ?? []) : [];
  });
}

/** Packages that `packages.yml` or `dependencies.yml` names by folder are read in place. */
const localPackages = (folder: string, root: string): string[] =>
  listedPackages(folder).flatMap(({ local }) => {
    if (local === undefined) return [];
    if (isAbsolute(local)) return [local];
    // dbt reads a package's own local packages from the root project
    const near = join(folder, local);
    return [existsSync(join(near, 'dbt_project.yml')) ? near : join(root, local)];
  });

function installedPackages({ dir, yaml }: Package): string[] {
  const folder = join(dir, yaml['packages-install-path']);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((each) => existsSync(join(each, 'dbt_project.yml')));
}

type PathKey =
  'model-paths' | 'seed-paths' | 'test-paths' | 'macro-paths' | 'snapshot-paths' | 'analysis-paths';
const SOURCE_PATHS: readonly PathKey[] = [
  'model-paths',
  'seed-paths',
  'snapshot-paths',
  'analysis-paths',
  'macro-paths',
  'test-paths',
];

/** Every folder that may hold property files. */
export const propertyFolders = ({ yaml }: Package): string[] => [
  ...new Set(SOURCE_PATHS.flatMap((key) => yaml[key])),
];
export const docsFolders = (owner: Package): string[] => owner.yaml['docs-paths'] ?? propertyFolders(owner);
