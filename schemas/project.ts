import { z } from 'zod';
import { Name, SecretRef } from './common.js';
import { Lineage } from './lineage.js';
import { Pipeline, Schedule } from './pipeline.js';
import { Predictor } from './predictor.js';
import { s3Shape } from './place.js';
import { Source } from './source.js';
import { Warehouse } from './warehouse.js';

/** for `columnsOf`: a project needs no zod of its own */
export { z } from 'zod';
export { columnsOf } from './columns-of.js';
export { copybook, csv, excel, fixed, journal, json, jsonl, parquet } from './format.js';
export { s3, sftp } from './place.js';

const LocalLake = z.strictObject({
  /** a folder on this machine */
  kind: z.literal('local'),
  /** folder, relative to the project */
  path: z.string().min(1).default('.millrace/lake'),
});
/** A bucket of S3 or of a compatible store that honours `If-None-Match`. */
export const S3Lake = z.strictObject({
  /** a bucket of S3 or of a compatible store that honours `If-None-Match` */
  kind: z.literal('s3'),
  ...s3Shape,
});
export type S3Lake = z.infer<typeof S3Lake>;
const Lake = z.discriminatedUnion('kind', [LocalLake, S3Lake]);

const Transform = z.strictObject({
  /** folder of the dbt project, relative to the project */
  dir: z.string().min(1).default('dbt'),
  /** what `var()` gives; wins over `dbt_project.yml` */
  vars: z.record(z.string(), z.unknown()).default({}),
  /**
   * what `env_var()` gives: names → references to secrets, resolved on the worker only. `inherit` shows templates the
   * worker's whole environment
   */
  env: z.union([z.record(z.string().min(1), SecretRef), z.literal('inherit')]).default({}),
  /** nodes built at once */
  concurrency: z.int().min(1).max(64).default(4),
});

/** The whole of a project as data. `millrace.ts` exports one, made by {@link project}. */
export const Project = z.strictObject({
  /** part of every run's id */
  name: Name,
  /** where rows come from, by name; the name is also the schema that dbt finds the streams in */
  sources: z.record(Name, Source).default({}),
  /** where bronze, quarantine, snapshots of the project and predictors are kept */
  lake: Lake.default({ kind: 'local', path: '.millrace/lake' }),
  /** where SQL runs and results are published */
  warehouse: Warehouse.default(Warehouse.parse({ kind: 'duckdb' })),
  /** the dbt project; without it a pipeline has no transform */
  transform: Transform.optional(),
  /** what is trained, judged, approved and used for scoring, by name */
  predictors: z.record(Name, Predictor).default({}),
  /** what one run does, by name */
  pipelines: z.record(Name, Pipeline).default({}),
  /** when pipelines run, by name; `millrace schedule apply` brings them to the server */
  schedules: z.record(Name, Schedule).default({}),
  /** where OpenLineage events of its transforms go */
  lineage: Lineage.optional(),
});
export type Project = z.infer<typeof Project>;
export type ProjectInput = z.input<typeof Project>;

/**
 * Declares a project; the default export of `millrace.ts`.
 *
 * It only carries the declaration: the loader validates it, because only the loader knows the file to name in an error.
 */
export function project(definition: ProjectInput): ProjectInput {
  return definition;
}

/** A project pinned by content: a run keeps the one it began with, whatever happens to the folder meanwhile. */
export const ProjectRef = z.strictObject({
  name: Name,
  /** folder the project lives in; paths of sources and warehouse start here */
  root: z.string(),
  /** the lake that holds the snapshot: a folder, or a bucket with the references to its credentials */
  lake: z.union([z.string(), S3Lake]),
  /** SHA-256 of its snapshot in the lake */
  hash: z.string(),
});
export type ProjectRef = z.infer<typeof ProjectRef>;
