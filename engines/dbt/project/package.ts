import { existsSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../../schemas/errors.js';
import { listFiles, readText, toSlashes } from './files.js';
import { readYaml } from './yaml.js';

const Paths = z.union([z.array(z.string()), z.string().transform((path) => [path])]);
const Tree = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((tree) => tree ?? {});

/** `dbt_project.yml`, as far as it is read; dbt's other keys are let pass. */
const ProjectYaml = z.looseObject({
  name: z.string().regex(/^[^\d\W]\w*$/, 'must be letters, digits and _, not starting with a digit'),
  'model-paths': Paths.default(['models']),
  'seed-paths': Paths.default(['seeds']),
  'test-paths': Paths.default(['tests']),
  'macro-paths': Paths.default(['macros']),
  'snapshot-paths': Paths.default(['snapshots']),
  'analysis-paths': Paths.default(['analyses']),
  vars: Tree,
  models: Tree,
  seeds: Tree,
  snapshots: Tree,
  tests: Tree,
  data_tests: Tree,
  sources: Tree,
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
}

/**
 * Reads `dbt_project.yml` of the project and of the packages below it.
 *
 * @returns the root project first
 * @throws MillraceError DbtProjectInvalid
 */
export function readPackages(dir: string): Package[] {
  const packages = new Map<string, Package>();
  const add = (folder: string, isRoot: boolean): void => {
    const found = readPackage(folder, dir, isRoot);
    const former = packages.get(found.name);
    if (former?.dir === found.dir) return;
    if (former)
      throw new MillraceError('DbtProjectInvalid', {
        what: `Two packages are called '${found.name}': ${former.prefix || '.'} and ${found.prefix}`,
        fix: 'Rename one of them in its dbt_project.yml',
      });
    packages.set(found.name, found);
    for (const local of localPackages(folder)) add(local, false);
    if (isRoot) for (const installed of installedPackages(dir)) add(installed, false);
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
      fix: 'Point the project to the folder that holds dbt_project.yml',
    });
  const yaml = readYaml(readText(file), `${prefix}dbt_project.yml`);
  const parsed = ProjectYaml.safeParse(yaml.data ?? {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = (issue?.path ?? []) as (string | number)[];
    throw new MillraceError('DbtProjectInvalid', {
      what: `dbt_project.yml: ${path.join('.') || 'the file'}: ${issue?.message}`,
      where: { ...yaml.at(path), path: path.join('.') },
      fix: 'See https://docs.getdbt.com/reference/dbt_project.yml for what belongs there',
    });
  }
  return { name: parsed.data.name, dir: folder, prefix, yaml: parsed.data, isRoot };
}

const Listed = z.looseObject({
  packages: z.array(z.looseObject({ local: z.string().optional() })).nullish(),
});

/** Packages that `packages.yml` or `dependencies.yml` names by folder are read in place. */
function localPackages(folder: string): string[] {
  return ['packages.yml', 'dependencies.yml'].flatMap((name) => {
    const file = join(folder, name);
    if (!existsSync(file)) return [];
    const parsed = Listed.safeParse(readYaml(readText(file), name).data ?? {});
    const entries = parsed.success ? (parsed.data.packages ?? []) : [];
    return entries.flatMap(({ local }) =>
      local === undefined ? [] : [isAbsolute(local) ? local : join(folder, local)],
    );
  });
}

const installedPackages = (root: string): string[] => {
  const folder = join(root, 'dbt_packages');
  const names = new Set(listFiles(folder).map(({ path }) => path.split('/')[0] ?? ''));
  return [...names]
    .map((name) => join(folder, name))
    .filter((dir) => existsSync(join(dir, 'dbt_project.yml')));
};
