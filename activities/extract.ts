import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentKey, sha256 } from '../engines/lake/content.js';
import { commitBatches, readManifest, type StagedBatch } from '../engines/lake/bronze.js';
import { extractFile } from '../engines/sources/extract-file.js';
import { listStreamFiles, type SourceFile } from '../engines/sources/list-files.js';
import { within } from '../engines/project/snapshot.js';
import { MillraceError } from '../schemas/errors.js';
import type { Batch } from '../schemas/lake.js';
import type { ExtractInput, ExtractResult, Listing } from '../schemas/run.js';
import type { FileStream } from '../schemas/source.js';
import { beating } from './beating.js';
import type { Deps } from './deps.js';
import type { OpenProject } from './resources.js';

/** A group is one activity: large enough to be worth one, small enough to be repeated after a crash. */
const GROUP_BYTES = 64 << 20;
const GROUP_FILES = 200;

export interface LoadGroupInput extends ExtractInput {
  listing: Listing;
  group: number;
}

export const createExtractActivities = (deps: Deps) => ({
  /** Finds the files of the interval that bronze does not hold yet, and cuts them into groups. */
  listFiles: (input: ExtractInput): Promise<Listing> =>
    beating(deps, labels(input), async () => {
      const project = await deps.resources.project(input.project);
      const spec = streamOf(project, input);
      const files = await listStreamFiles({
        root: rootOf(project, input),
        path: spec.path,
        interval: input.interval,
      });
      const { batches } = await readManifest(project.lake, input.source, input.stream);
      const known = new Set(batches.map(({ source }) => identity(source)));
      const fresh = files.filter((file) => !known.has(identity(file)));
      const groups = group(fresh);
      if (groups.length === 0) return { ref: null, groups: 0, files: 0 };
      const body = Buffer.from(JSON.stringify(groups));
      const key = `listings/${input.project.name}/${input.source}.${input.stream}/${contentKey(groups)}.json`;
      await project.lake.put(key, body);
      return {
        ref: { uri: key, sha256: sha256(body), bytes: body.length },
        groups: groups.length,
        files: fresh.length,
      };
    }),

  /** Reads one group of files into Parquet and commits them together; what another attempt committed is returned. */
  loadGroup: (input: LoadGroupInput): Promise<ExtractResult> =>
    beating(deps, labels(input), async ({ signal, progress }) => {
      const project = await deps.resources.project(input.project);
      const spec = streamOf(project, input);
      const files = await groupFiles(project, input);
      const { batches: known } = await readManifest(project.lake, input.source, input.stream);
      const workDir = await mkdtemp(join(tmpdir(), 'millrace-extract-'));
      try {
        const staged: StagedBatch[] = [];
        for (const [index, file] of files.entries()) {
          signal.throwIfAborted();
          const one = await extractFile({
            ...{ source: input.source, stream: input.stream, spec, file, workDir, signal },
            ...{ interval: input.interval, extractedAt: input.extractedAt, run: input.run },
            frozenSchema: known[0]?.schema ?? staged[0]?.batch.schema,
            onProgress: (read) => progress({ file: file.file, index, ...read }),
          });
          staged.push(one);
        }
        // a zombie that comes back after its timeout must not commit: another attempt has taken over
        signal.throwIfAborted();
        const committed = await commitBatches(project.lake, input.source, input.stream, staged);
        const result = sum(
          input,
          committed.map(({ batch }) => batch),
        );
        deps.meter.count('rows', labels(input), result.loaded);
        deps.meter.count('bytes', labels(input), result.bytes);
        deps.meter.count('quarantined', labels(input), result.quarantined);
        return result;
      } finally {
        await rm(workDir, { recursive: true, force: true });
      }
    }),
});
export type ExtractActivities = ReturnType<typeof createExtractActivities>;

const labels = ({ project, source, stream }: ExtractInput) => ({
  project: project.name,
  stage: 'extract',
  stream: `${source}.${stream}`,
});

const identity = (file: { file: string; bytes: number; mtimeMs: number }): string =>
  `${file.file}\0${file.bytes}\0${file.mtimeMs}`;

function streamOf({ spec }: OpenProject, { source, stream }: ExtractInput): FileStream {
  const found = spec.sources[source]?.streams[stream];
  if (!found)
    throw new MillraceError('ProjectInvalid', { what: `the project has no stream ${source}.${stream}` });
  return found;
}

const rootOf = ({ spec, ref }: OpenProject, { source }: ExtractInput): string =>
  within(ref.root, spec.sources[source]?.root ?? '.');

async function groupFiles(
  project: OpenProject,
  { listing, group: index }: LoadGroupInput,
): Promise<SourceFile[]> {
  const groups = JSON.parse((await project.lake.get(listing.ref?.uri ?? '')).toString()) as SourceFile[][];
  return groups[index] ?? [];
}

function group(files: SourceFile[]): SourceFile[][] {
  const groups: SourceFile[][] = [];
  let bytes = 0;
  for (const file of files) {
    const last = groups.at(-1);
    if (last && last.length < GROUP_FILES && bytes + file.bytes <= GROUP_BYTES) last.push(file);
    else {
      groups.push([file]);
      bytes = 0;
    }
    bytes += file.bytes;
  }
  return groups;
}

function sum({ source, stream }: ExtractInput, batches: Batch[]): ExtractResult {
  const total = (pick: (batch: Batch) => number): number =>
    batches.reduce((all, batch) => all + pick(batch), 0);
  return {
    source,
    stream,
    files: batches.length,
    batches: batches.length,
    read: total((batch) => batch.read),
    loaded: total((batch) => batch.loaded),
    quarantined: total((batch) => batch.quarantined),
    filtered: total((batch) => batch.filtered),
    bytes: total((batch) => batch.source.bytes),
  };
}
