import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../../schemas/errors.js';

/** An entry of dbt's manifest.json. Other tools and other versions write it, so every field may be missing. */
const Entry = z.looseObject({
  unique_id: z.string(),
  resource_type: z.string(),
  name: z.string(),
  fqn: z.array(z.string()).optional(),
  database: z.string().nullish(),
  schema: z.string().nullish(),
  alias: z.string().nullish(),
  identifier: z.string().nullish(),
  relation_name: z.string().nullish(),
  raw_code: z.string().nullish(),
  original_file_path: z.string().optional(),
  config: z.record(z.string(), z.unknown()).nullish(),
  unrendered_config: z.record(z.string(), z.unknown()).nullish(),
  depends_on: z
    .looseObject({ nodes: z.array(z.string()).nullish(), macros: z.array(z.string()).nullish() })
    .nullish(),
});
export type ArtifactEntry = z.infer<typeof Entry>;

const Entries = z
  .record(z.string(), Entry)
  .nullish()
  .transform((entries) => entries ?? {});

const Macro = z.looseObject({
  macro_sql: z.string().nullish(),
  depends_on: z.looseObject({ macros: z.array(z.string()).nullish() }).nullish(),
});

/** dbt's manifest.json, as far as runs are compared by it. */
export const ManifestArtifact = z.looseObject({
  metadata: z.looseObject({
    dbt_schema_version: z.string(),
    adapter_type: z.string().nullish(),
  }),
  nodes: Entries,
  sources: Entries,
  exposures: Entries,
  metrics: Entries,
  semantic_models: Entries,
  saved_queries: Entries,
  unit_tests: Entries,
  macros: z
    .record(z.string(), Macro)
    .nullish()
    .transform((macros) => macros ?? {}),
  disabled: z
    .record(z.string(), z.array(Entry))
    .nullish()
    .transform((disabled) => disabled ?? {}),
});
export type ManifestArtifact = z.infer<typeof ManifestArtifact>;

export const RunResultsArtifact = z.looseObject({
  metadata: z.looseObject({
    dbt_schema_version: z.string(),
    generated_at: z.string().optional(),
    invocation_started_at: z.string().nullish(),
  }),
  results: z.array(
    z.looseObject({
      unique_id: z.string(),
      status: z.string(),
      batch_results: z
        .looseObject({
          successful: z.array(z.tuple([z.string(), z.string()])),
          failed: z.array(z.tuple([z.string(), z.string()])),
        })
        .nullish(),
    }),
  ),
  args: z.record(z.string(), z.unknown()).default({}),
});
export type RunResultsArtifact = z.infer<typeof RunResultsArtifact>;

export const SourcesArtifact = z.looseObject({
  metadata: z.looseObject({ dbt_schema_version: z.string() }),
  results: z.array(z.looseObject({ unique_id: z.string(), max_loaded_at: z.string().nullish() })),
});
export type SourcesArtifact = z.infer<typeof SourcesArtifact>;

/** Versions of dbt's schemas whose fields mean what they mean now. */
const READ = {
  'manifest.json': { schema: ManifestArtifact, oldest: 7, newest: 12 },
  'run_results.json': { schema: RunResultsArtifact, oldest: 4, newest: 6 },
  'sources.json': { schema: SourcesArtifact, oldest: 3, newest: 3 },
} as const;

type Artifacts = { [K in keyof typeof READ]: z.infer<(typeof READ)[K]['schema']> };

/**
 * Reads an artifact of an earlier run, by Millrace or by dbt.
 *
 * @returns undefined where there is no such file
 * @throws MillraceError ObjectCorrupt
 */
export function readArtifact<K extends keyof typeof READ>(folder: string, name: K): Artifacts[K] | undefined {
  const file = join(folder, name);
  if (!existsSync(file)) return undefined;
  const { schema, oldest, newest } = READ[name];
  const data = parseJson(file);
  const parsed = schema.safeParse(data);
  const issue = parsed.error?.issues[0];
  if (!parsed.success)
    throw new MillraceError('ObjectCorrupt', {
      what: `${file} is no ${name} of dbt: ${issue?.path.join('.') || 'the file'}: ${issue?.message}`,
      fix: 'Run the command that writes it again, or point --state to another folder',
    });
  const version = Number(/\/v(\d+)\.json$/.exec(parsed.data.metadata.dbt_schema_version)?.[1]);
  if (!(version >= oldest && version <= newest))
    throw new MillraceError('ObjectCorrupt', {
      what: `${file} has the schema '${parsed.data.metadata.dbt_schema_version}'; v${oldest} to v${newest} can be read`,
      fix: 'Write it anew with dbt 1.3 to 1.10, or with this version of Millrace',
    });
  return parsed.data as Artifacts[K];
}

function parseJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new MillraceError('ObjectCorrupt', {
      what: `${file} is not valid JSON: ${(cause as Error).message}`,
      fix: 'Run the command that writes it again: an interrupted run may have cut it off',
      cause,
    });
  }
}
