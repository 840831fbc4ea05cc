import type { z } from 'zod';
import { MillraceError } from '../../../schemas/errors.js';
import type { Environment } from '../context/environment.js';
import type { Scope } from '../jinja/scope.js';
import { listFiles, readText } from '../project/files.js';
import { readIgnore } from '../project/ignore.js';
import { propertyFolders, type Package } from '../project/package.js';
import { readYaml, type YamlFile } from '../project/yaml.js';
import { isRecord } from './config.js';
import { hasJinja, renderDeep } from './native.js';
import {
  ExposureProperties,
  GroupProperties,
  NodeProperties,
  SemanticProperties,
  SourceProperties,
  UnitTestProperties,
} from './property-schemas.js';
import { yamlContext } from './read-node.js';
import { isVolatile } from './volatile.js';

/** One entry of a property file, with the way to its place in the file. */
export interface Properties<T> {
  value: T;
  yaml: YamlFile;
  path: (string | number)[];
  package: Package;
  /** of the file, below its models folder */
  below: string;
  /** folders of that */
  folders: string[];
}

const SECTIONS = {
  models: NodeProperties,
  seeds: NodeProperties,
  snapshots: NodeProperties,
  analyses: NodeProperties,
  macros: NodeProperties,
  data_tests: NodeProperties,
  sources: SourceProperties,
  exposures: ExposureProperties,
  groups: GroupProperties,
  metrics: SemanticProperties,
  semantic_models: SemanticProperties,
  saved_queries: SemanticProperties,
  unit_tests: UnitTestProperties,
} as const;
export type Section = keyof typeof SECTIONS;
const NAMES = [...Object.keys(SECTIONS), 'tests'] as (Section | 'tests')[];

/** Everything property files say, section by section, in the order of packages and files. */
export type PropertyFiles = { [K in Section]: Properties<z.infer<(typeof SECTIONS)[K]>>[] } & {
  /** something in them may be another thing in the next run */
  volatile: boolean;
};

/** Reads every `.yml` beside models, seeds, snapshots, macros and tests. @throws MillraceError DbtProjectInvalid */
export function readProperties(environment: Environment): PropertyFiles {
  const sections = Object.fromEntries(Object.keys(SECTIONS).map((name) => [name, []]));
  const found = { ...sections, volatile: false } as unknown as PropertyFiles;
  for (const owner of environment.packages) {
    const ignored = readIgnore(owner.dir);
    const scope = yamlContext(environment, owner.name).root();
    const seen = new Set<string>();
    for (const ending of ['.yml', '.yaml'])
      for (const folder of propertyFolders(owner))
        for (const { path, absolute } of listFiles(`${owner.dir}/${folder}`)) {
          if (!path.endsWith(ending) || ignored(`${folder}/${path}`) || seen.has(absolute)) continue;
          seen.add(absolute);
          readFile({ owner, path: `${folder}/${path}`, below: path, absolute, scope }, found);
        }
  }
  return found;
}

interface PropertyFile {
  owner: Package;
  path: string;
  below: string;
  absolute: string;
  scope: Scope;
}

function readFile({ owner, path, below, absolute, scope }: PropertyFile, found: PropertyFiles): void {
  const text = readText(absolute);
  const yaml = readYaml(text, `${owner.prefix}${path}`);
  if (yaml.data === null || yaml.data === undefined) return;
  if (!isRecord(yaml.data))
    throw new MillraceError('DbtProjectInvalid', {
      what: 'A property file holds models:, sources: and the like, not a list or a text',
      where: { file: yaml.file, line: 1 },
      fix: 'Begin it with `models:` or `sources:`',
    });
  const folders = below.split('/').slice(0, -1);
  const templated = hasJinja(text);
  found.volatile ||= templated && isVolatile(text);
  for (const name of NAMES) {
    const entries = yaml.data[name];
    if (entries === undefined || entries === null) continue;
    if (!Array.isArray(entries))
      throw invalid(yaml, [name], `${name} must be a list (each entry begins with '- name:')`);
    const section = name === 'tests' ? 'data_tests' : name;
    const list = found[section] as Properties<unknown>[];
    entries.forEach((entry: unknown, index) => {
      const rendered = templated ? renderEntry(entry, section, scope, yaml.file) : entry;
      const parsed = SECTIONS[section].safeParse(rendered);
      if (!parsed.success) throw wrongEntry(yaml, [name, index], parsed.error.issues[0]);
      list.push({ value: parsed.data, yaml, path: [name, index], package: owner, below, folders });
    });
  }
}

function wrongEntry(yaml: YamlFile, path: (string | number)[], issue: z.core.$ZodIssue | undefined) {
  const inner = (issue?.path ?? []) as (string | number)[];
  return invalid(yaml, [...path, ...inner], `${[...path, ...inner].join('.')}: ${issue?.message}`);
}

const invalid = (yaml: YamlFile, path: (string | number)[], what: string): MillraceError =>
  new MillraceError('DbtProjectInvalid', {
    what,
    where: yaml.at(path),
    fix: 'See https://docs.getdbt.com/reference/configs-and-properties for what belongs there',
  });

/** What is rendered later, where it is used: tests, descriptions, hooks, queries, filters. */
const LATER = new Set(['tests', 'data_tests', 'description', 'loaded_at_query', 'pre_hook', 'post_hook']);
const FILTERS: Partial<Record<Section, string>> = { metrics: 'filter', saved_queries: 'where' };

function renderEntry(entry: unknown, section: Section, scope: Scope, file: string): unknown {
  const later = FILTERS[section];
  const visit = (value: unknown, inside: string | null): unknown => {
    if (Array.isArray(value)) return value.map((item) => visit(item, inside));
    if (!isRecord(value)) return renderDeep(value, scope, file);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const keep = (LATER.has(key) && inside !== 'meta') || key === later;
        return [key, keep ? item : visit(item, key)];
      }),
    );
  };
  return visit(entry, null);
}
