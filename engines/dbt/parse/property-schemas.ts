import { z } from 'zod';

/** What stands in property files, as far as it means something here; dbt's other keys are let pass and kept. */

export const Text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const Texts = z
  .union([z.array(Text), Text.transform((one) => [one])])
  .nullish()
  .transform((list) => list ?? []);
const Dict = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((config) => config ?? {});
const Tests = z
  .array(z.union([z.string(), z.record(z.string(), z.unknown())]))
  .nullish()
  .transform((list) => list ?? []);
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items): z.output<T>[] => items ?? []);

export const Constraint = z.looseObject({
  type: z.enum(['check', 'not_null', 'unique', 'primary_key', 'foreign_key', 'custom']),
  name: z.string().nullish(),
  expression: z.string().nullish(),
  columns: z.array(z.string()).nullish(),
  to: z.string().nullish(),
  to_columns: z.array(z.string()).nullish(),
  warn_unsupported: z.boolean().nullish(),
  warn_unenforced: z.boolean().nullish(),
});

export const Column = z.looseObject({
  name: Text,
  description: z.string().nullish(),
  data_type: Text.nullish(),
  quote: z.boolean().nullish(),
  tags: Texts,
  meta: Dict,
  constraints: list(Constraint),
  tests: Tests,
  data_tests: Tests,
  config: Dict,
  granularity: z.string().nullish(),
});
export type Column = z.infer<typeof Column>;

const IncludeExclude = z.strictObject({
  include: z.union([z.array(Text), z.string()]).nullish(),
  exclude: z.array(Text).nullish(),
});
const VersionName = z.union([z.string(), z.number()]);

export const Version = z.looseObject({
  v: VersionName,
  defined_in: z.string().nullish(),
  description: z.string().nullish(),
  access: z.string().nullish(),
  config: Dict,
  constraints: z.array(Constraint).nullish(),
  docs: z.record(z.string(), z.unknown()).nullish(),
  tests: Tests.optional(),
  data_tests: z.array(z.union([z.string(), z.record(z.string(), z.unknown())])).nullish(),
  columns: list(z.union([IncludeExclude, Column])),
  deprecation_date: Text.nullish(),
});
export type Version = z.infer<typeof Version>;

export const NodeProperties = z.looseObject({
  name: Text,
  description: z.string().nullish(),
  columns: list(Column),
  tests: Tests,
  data_tests: Tests,
  config: Dict,
  tags: Texts,
  meta: z.unknown().optional(),
  docs: z.record(z.string(), z.unknown()).nullish(),
  access: z.string().nullish(),
  group: z.string().nullish(),
  contract: z.record(z.string(), z.unknown()).nullish(),
  constraints: list(Constraint),
  quote_columns: z.boolean().nullish(),
  versions: list(Version),
  latest_version: VersionName.nullish(),
  deprecation_date: Text.nullish(),
  time_spine: z.record(z.string(), z.unknown()).nullish(),
  /** of a snapshot that has no SQL of its own */
  relation: z.string().nullish(),
  /** of a macro */
  arguments: z.array(z.record(z.string(), z.unknown())).nullish(),
});
export type NodeProperties = z.infer<typeof NodeProperties>;

const Age = z.looseObject({ count: z.number().nullish(), period: z.string().nullish() }).nullish();
export const Freshness = z
  .looseObject({ warn_after: Age, error_after: Age, filter: z.string().nullish() })
  .nullish();
export type Freshness = z.infer<typeof Freshness>;

const Located = {
  quoting: z.record(z.string(), z.unknown()).nullish(),
  freshness: Freshness,
  loaded_at_field: z.string().nullish(),
  loaded_at_query: z.string().nullish(),
  loader: z.string().nullish(),
};
export const TableProperties = NodeProperties.extend({
  ...Located,
  identifier: Text.nullish(),
  external: z.record(z.string(), z.unknown()).nullish(),
});
export type TableProperties = z.infer<typeof TableProperties>;

export const SourceProperties = z.looseObject({
  name: Text,
  schema: Text.nullish(),
  database: Text.nullish(),
  catalog: Text.nullish(),
  description: z.string().nullish(),
  config: Dict,
  tags: Texts,
  meta: z.unknown().optional(),
  quote_columns: z.boolean().nullish(),
  /** the package whose source of this name is changed */
  overrides: z.string().nullish(),
  ...Located,
  tables: list(TableProperties),
});
export type SourceProperties = z.infer<typeof SourceProperties>;

export const ExposureProperties = z.looseObject({
  name: Text,
  type: z.enum(['dashboard', 'notebook', 'analysis', 'ml', 'application']),
  owner: z.looseObject({}),
  description: z.string().nullish(),
  label: z.string().nullish(),
  maturity: z.enum(['low', 'medium', 'high']).nullish(),
  url: z.string().nullish(),
  depends_on: list(z.string()),
  tags: Texts,
  meta: Dict,
  config: Dict,
});
export type ExposureProperties = z.infer<typeof ExposureProperties>;

export const GroupProperties = z.looseObject({
  name: Text,
  owner: z.looseObject({}),
  description: z.string().nullish(),
  config: Dict,
});
export type GroupProperties = z.infer<typeof GroupProperties>;

/** metrics, semantic models and saved queries are kept as they are written */
export const SemanticProperties = z.looseObject({
  name: Text,
  description: z.string().nullish(),
  tags: Texts,
  meta: Dict,
  config: Dict,
});
export type SemanticProperties = z.infer<typeof SemanticProperties>;

const Rows = {
  rows: z.union([z.array(z.record(z.string(), z.unknown())), z.string()]).nullish(),
  format: z.enum(['dict', 'csv', 'sql']).default('dict'),
  fixture: z.string().nullish(),
};
const Versions = z.array(VersionName).nullish();

export const UnitTestProperties = z.looseObject({
  name: Text,
  model: Text,
  description: z.string().nullish(),
  given: list(z.looseObject({ input: z.string(), ...Rows })),
  expect: z.looseObject(Rows),
  overrides: z.looseObject({ macros: Dict, vars: Dict, env_vars: Dict }).nullish(),
  versions: z.looseObject({ include: Versions, exclude: Versions }).nullish(),
  config: Dict,
  tags: Texts,
  meta: Dict,
});
export type UnitTestProperties = z.infer<typeof UnitTestProperties>;
