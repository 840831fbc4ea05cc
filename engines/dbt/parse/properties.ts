import { z } from 'zod';
import { MillraceError } from '../../../schemas/errors.js';
import { listFiles, readText } from '../project/files.js';
import type { Package } from '../project/package.js';
import { readYaml, type YamlFile } from '../project/yaml.js';

const Text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const Texts = z
  .union([z.array(Text), Text.transform((one) => [one])])
  .nullish()
  .transform((list) => list ?? []);
const Config = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((config) => config ?? {});
const Tests = z
  .array(z.union([z.string(), z.record(z.string(), z.unknown())]))
  .nullish()
  .transform((list) => list ?? []);

const Column = z.looseObject({
  name: Text,
  description: z.string().nullish(),
  quote: z.boolean().nullish(),
  tags: Texts,
  meta: z.unknown().optional(),
  tests: Tests,
  data_tests: Tests,
  config: Config,
});
const Columns = z
  .array(Column)
  .nullish()
  .transform((list) => list ?? []);

export const NodeProperties = z.looseObject({
  name: Text,
  description: z.string().nullish(),
  columns: Columns,
  tests: Tests,
  data_tests: Tests,
  config: Config,
  tags: Texts,
  meta: z.unknown().optional(),
  versions: z.array(z.unknown()).nullish(),
});
export type NodeProperties = z.infer<typeof NodeProperties>;

const TableProperties = NodeProperties.extend({
  identifier: Text.nullish(),
});
export const SourceProperties = z.looseObject({
  name: Text,
  schema: Text.nullish(),
  database: Text.nullish(),
  description: z.string().nullish(),
  config: Config,
  tags: Texts,
  meta: z.unknown().optional(),
  tables: z
    .array(TableProperties)
    .nullish()
    .transform((list) => list ?? []),
});
export type SourceProperties = z.infer<typeof SourceProperties>;

/** One entry of a property file, with the way to its place in the file. */
export interface Properties<T> {
  value: T;
  yaml: YamlFile;
  path: (string | number)[];
  package: Package;
  /** folders of the file below its models folder, and its name without ending */
  folders: string[];
}

export interface PropertyFiles {
  models: Properties<NodeProperties>[];
  seeds: Properties<NodeProperties>[];
  snapshots: Properties<NodeProperties>[];
  sources: Properties<SourceProperties>[];
  tests: Properties<NodeProperties>[];
  /** how many unit tests there are, which are not run yet */
  unitTests: number;
}

const SECTIONS = [
  ['models', NodeProperties],
  ['seeds', NodeProperties],
  ['snapshots', NodeProperties],
  ['sources', SourceProperties],
  ['data_tests', NodeProperties],
  ['tests', NodeProperties],
] as const;

/** Reads every `.yml` beside models, seeds, snapshots and tests. @throws MillraceError DbtProjectInvalid */
export function readProperties(packages: readonly Package[]): PropertyFiles {
  const found: PropertyFiles = { models: [], seeds: [], snapshots: [], sources: [], tests: [], unitTests: 0 };
  for (const owner of packages) {
    const { yaml } = owner;
    const folders = new Set(
      ['model-paths', 'seed-paths', 'snapshot-paths', 'test-paths', 'analysis-paths'].flatMap(
        (key) => yaml[key as 'model-paths'],
      ),
    );
    for (const folder of folders)
      for (const { path, absolute } of listFiles(`${owner.dir}/${folder}`))
        if (/\.ya?ml$/.test(path)) readFile(owner, `${folder}/${path}`, path, absolute, found);
  }
  return found;
}

function readFile(owner: Package, path: string, below: string, absolute: string, found: PropertyFiles): void {
  const yaml = readYaml(readText(absolute), `${owner.prefix}${path}`);
  if (yaml.data === null || yaml.data === undefined) return;
  if (typeof yaml.data !== 'object' || Array.isArray(yaml.data))
    throw new MillraceError('DbtProjectInvalid', {
      what: 'A property file holds models:, sources: and the like, not a list or a text',
      where: { file: yaml.file, line: 1 },
      fix: 'Begin it with `models:` or `sources:`',
    });
  const folders = below
    .replace(/\.ya?ml$/, '')
    .split('/')
    .slice(0, -1);
  const data = yaml.data as Record<string, unknown>;
  for (const [section, schema] of SECTIONS) {
    const entries = data[section];
    if (entries === undefined || entries === null) continue;
    if (!Array.isArray(entries))
      throw invalid(yaml, [section], `${section} must be a list (each entry begins with '- name:')`);
    entries.forEach((entry: unknown, index) => {
      const parsed = schema.safeParse(entry);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        const inner = (issue?.path ?? []) as (string | number)[];
        throw invalid(
          yaml,
          [section, index, ...inner],
          `${[section, index, ...inner].join('.')}: ${issue?.message}`,
        );
      }
      const list = found[section === 'data_tests' ? 'tests' : section] as Properties<unknown>[];
      list.push({ value: parsed.data, yaml, path: [section, index], package: owner, folders });
    });
  }
  if (Array.isArray(data['unit_tests'])) found.unitTests += data['unit_tests'].length;
}

const invalid = (yaml: YamlFile, path: (string | number)[], what: string): MillraceError =>
  new MillraceError('DbtProjectInvalid', {
    what,
    where: yaml.at(path),
    fix: 'See https://docs.getdbt.com/reference/configs-and-properties for what belongs there',
  });
