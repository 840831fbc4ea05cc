import { createHash } from 'node:crypto';
import type { Environment } from '../context/environment.js';
import { metadataVariables } from '../context/functions.js';
import { toPlain } from '../jinja/values.js';
import { DBT_VERSION } from '../project/dbt-version.js';
import { timestamp } from './timestamp.js';

const SCHEMAS = {
  manifest: 'manifest/v12',
  catalog: 'catalog/v1',
  'run-results': 'run-results/v6',
  sources: 'sources/v3',
} as const;
export type Artifact = keyof typeof SCHEMAS;

/** What every artifact begins with. */
export const metadata = (artifact: Artifact, { run, env }: Environment): Record<string, unknown> => ({
  dbt_schema_version: `https://schemas.getdbt.com/dbt/${SCHEMAS[artifact]}.json`,
  dbt_version: DBT_VERSION,
  generated_at: timestamp(),
  invocation_id: run.run,
  invocation_started_at: timestamp(new Date(run.startedAt)),
  env: toPlain(metadataVariables(env)),
});

/** what the manifest says of the project besides */
export const projectMetadata = ({ manifest, target }: Environment): Record<string, unknown> => ({
  project_name: manifest.project,
  project_id: createHash('md5').update(manifest.project).digest('hex'),
  user_id: null,
  send_anonymous_usage_stats: false,
  adapter_type: target.type,
  quoting: { database: true, schema: true, identifier: true, column: null },
});
