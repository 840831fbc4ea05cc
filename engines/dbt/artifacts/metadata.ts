import { createHash } from 'node:crypto';
import type { Environment } from '../context/environment.js';

/** The release of dbt whose artifacts these are: tools look at it before they read on. */
export const DBT_VERSION = '1.10.23';

const SCHEMAS = {
  manifest: 'manifest/v12',
  catalog: 'catalog/v1',
  'run-results': 'run-results/v6',
  sources: 'sources/v3',
} as const;
export type Artifact = keyof typeof SCHEMAS;

/** What every artifact begins with. */
export const metadata = (artifact: Artifact, environment: Environment): Record<string, unknown> => ({
  dbt_schema_version: `https://schemas.getdbt.com/dbt/${SCHEMAS[artifact]}.json`,
  dbt_version: DBT_VERSION,
  generated_at: new Date().toISOString().replace('Z', '000Z'),
  invocation_id: environment.run.run,
  invocation_started_at: environment.run.startedAt,
  env: {},
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
