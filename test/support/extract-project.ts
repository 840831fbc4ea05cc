import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { z } from 'zod';
import { runFailure } from '../../clients/failure.js';
import { resultOf, startRun } from '../../clients/runs.js';
import { readManifest } from '../../engines/lake/bronze.js';
import { currentBatches } from '../../engines/lake/current-batches.js';
import { openLocalStore } from '../../engines/lake/local-store.js';
import type { ObjectStore } from '../../engines/lake/store.js';
import type { Batch } from '../../schemas/lake.js';
import type { ProjectInput } from '../../schemas/project.js';
import type { ExtractResult } from '../../schemas/run.js';
import type { FileStream } from '../../schemas/source.js';
import { withSession } from '../engines/sources/support.js';

export type StreamInput = z.input<typeof FileStream>;

/** A project that only extracts: a pipeline for each stream, `<source>_<stream>`. */
export interface ExtractProject {
  readonly root: string;
  /** Writes a file below the project. @returns its absolute path */
  put(path: string, content: string | Uint8Array): string;
  /** Writes the declaration anew: the next run has it. */
  declare(sources: Sources): void;
  lake(): Promise<ObjectStore>;
  /** batches of a stream, oldest first */
  batches(stream: string): Promise<Batch[]>;
  /** what readers see of it, in the order of commits and records */
  rows(stream: string, columns: string): Promise<unknown[][]>;
  /** every object of a stream in the lake: bronze, manifest, profiles, quarantine */
  objects(stream: string): Promise<string[]>;
  remove(): void;
}
type Sources = NonNullable<ProjectInput['sources']>;

/** @param lakeSpec by default a folder in the project; `lake`, `batches`, `rows` and `objects` look into that one only */
export function makeProject(
  sources: Sources,
  name = 'extracting',
  lakeSpec?: ProjectInput['lake'],
): ExtractProject {
  const root = mkdtempSync(join(tmpdir(), 'millrace-extracting-'));
  const lake = () => openLocalStore(join(root, '.millrace', 'lake'));
  const project: ExtractProject = {
    root,
    lake,
    put: (path, content) => {
      const target = join(root, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, content);
      return target;
    },
    declare: (declared) => {
      const streams = Object.entries(declared).flatMap(([source, { streams: all }]) =>
        Object.keys(all).map((stream) => [source, stream] as const),
      );
      const pipelines = Object.fromEntries(
        streams.map(([source, stream]) => [`${source}_${stream}`, { extract: [`${source}.${stream}`] }]),
      );
      const declaration = JSON.stringify({ name, sources: declared, pipelines, lake: lakeSpec }, null, 2);
      project.put(
        'millrace.ts',
        `import { project } from 'millrace';\nexport default project(${declaration});\n`,
      );
    },
    batches: async (stream) => {
      const [source = '', table = ''] = stream.split('.');
      return (await readManifest(await lake(), source, table)).batches;
    },
    rows: async (stream, columns) => {
      const store = await lake();
      const uris = currentBatches(await project.batches(stream)).flatMap(({ parts }) =>
        parts.map(({ uri }) => uri),
      );
      const paths = await Promise.all(uris.map((uri) => store.localFile(uri)));
      if (paths.length === 0) return [];
      return withSession(async (session) => {
        const list = paths.map((path) => `'${path}'`).join(', ');
        const read = `read_parquet([${list}], union_by_name = true)`;
        return (await session.runAndReadAll(`SELECT ${columns} FROM ${read}`)).getRowsJson();
      });
    },
    objects: async (stream) => {
      const store = await lake();
      const folder = stream.replace('.', '/');
      return [...(await store.list(`bronze/${folder}/`)), ...(await store.list(`quarantine/${folder}/`))];
    },
    remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }),
  };
  project.declare(sources);
  return project;
}

const pipelineOf = (stream: string): string => stream.replace('.', '_');

/** Runs the pipeline of a stream over one day to its end. */
export async function extractDay(
  client: Client,
  { root }: ExtractProject,
  stream: string,
  day: string,
): Promise<ExtractResult> {
  const run = await startRun(client, root, { pipeline: pipelineOf(stream), interval: day });
  const [result] = (await resultOf(client, run)).extract;
  if (!result) throw new Error(`nothing was extracted of ${stream}`);
  return result;
}

interface FailedDay {
  type: string;
  message: string;
  /** of the activity that failed; 1 says that it was not retried */
  attempts: number;
}

/** Runs the pipeline of a stream over one day, which must fail. */
export async function failDay(
  client: Client,
  { root }: ExtractProject,
  stream: string,
  day: string,
): Promise<FailedDay> {
  const run = await startRun(client, root, { pipeline: pipelineOf(stream), interval: day });
  const failure = await resultOf(client, run).then(() => undefined, runFailure);
  if (!failure) throw new Error(`${stream} did not fail`);
  const child = client.workflow.getHandle(`${run.workflowId}/extract.${stream}`);
  const { events } = await child.fetchHistory();
  const attempts = (events ?? []).map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 0);
  return { ...failure, attempts: Math.max(0, ...attempts) };
}
