import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitBatches, readManifest } from '../engines/lake/bronze.js';
import { broughtBy, currentSchema } from '../engines/lake/contract.js';
import { contentKey, sha256 } from '../engines/lake/content.js';
import type { ConnectorContext } from '../engines/sources/connector.js';
import { openConnector } from '../engines/sources/open-connector.js';
import { MillraceError } from '../schemas/errors.js';
import type { Batch } from '../schemas/lake.js';
import type { ExtractInput, ExtractResult, WorkList } from '../schemas/run.js';
import type { Stream } from '../schemas/source.js';
import { beating } from './beating.js';
import type { Deps } from './deps.js';
import type { OpenProject } from './resources.js';

export interface LoadUnitInput extends ExtractInput {
  work: WorkList;
  /** 0-based, in the list */
  unit: number;
}

export const createExtractActivities = (deps: Deps) => {
  const contextOf = async (
    project: OpenProject,
    { source, stream, interval }: ExtractInput,
    signal: AbortSignal,
  ): Promise<ConnectorContext> => ({
    ...{ source, stream, interval, root: project.ref.root, lake: project.lake, signal },
    batches: (await readManifest(project.lake, source, stream)).batches,
    secret: (reference) => deps.resources.secrets.resolve(reference),
  });

  return {
    /** Finds what of the interval bronze does not hold yet, and cuts it into units. */
    planLoad: (input: ExtractInput): Promise<WorkList> =>
      beating(deps, labels(input), async ({ signal }) => {
        const project = await deps.resources.project(input.project);
        const connector = await connectorOf(project, input);
        const units = await connector.plan(await contextOf(project, input, signal));
        if (units.length === 0) return { ref: null, units: 0 };
        const body = Buffer.from(JSON.stringify(units));
        const key = `listings/${input.project.name}/${input.source}.${input.stream}/${contentKey(units)}.json`;
        await project.lake.put(key, body);
        return { ref: { uri: key, sha256: sha256(body), bytes: body.length }, units: units.length };
      }),

    /** Loads one unit into bronze, commit by commit; what another attempt committed is counted, not done again. */
    loadUnit: (input: LoadUnitInput): Promise<ExtractResult> =>
      beating(deps, labels(input), async ({ signal, progress }) => {
        const project = await deps.resources.project(input.project);
        const connector = await connectorOf(project, input);
        const unit = await unitOf(project, input);
        const workDir = await mkdtemp(join(tmpdir(), 'millrace-extract-'));
        try {
          const batches: Batch[] = [];
          const context = await contextOf(project, input, signal);
          const loading = connector.load(unit, {
            ...context,
            ...{ extractedAt: input.extractedAt, run: input.run, workDir, onProgress: progress },
          });
          for await (const staged of loading) {
            // a zombie that comes back after its timeout must not commit: another attempt has taken over
            signal.throwIfAborted();
            const committed = await commitBatches(project.lake, input.source, input.stream, staged);
            batches.push(...committed.map(({ batch }) => batch));
          }
          const own = batches.filter(({ stream = input.stream }) => stream === input.stream);
          const columns = broughtBy(currentSchema(context.batches), own);
          const result = { ...sum(input, batches), ...(columns.length > 0 && { columns }) };
          deps.meter.count('rows', labels(input), result.loaded);
          deps.meter.count('bytes', labels(input), result.bytes);
          deps.meter.count('quarantined', labels(input), result.quarantined);
          return result;
        } finally {
          await rm(workDir, { recursive: true, force: true });
        }
      }),
  };
};
export type ExtractActivities = ReturnType<typeof createExtractActivities>;

const labels = ({ project, source, stream }: ExtractInput) => ({
  project: project.name,
  stage: 'extract',
  stream: `${source}.${stream}`,
});

function connectorOf({ spec }: OpenProject, { source, stream }: ExtractInput) {
  const found = spec.sources[source];
  const declared: Stream | undefined = found?.streams[stream];
  if (!found || !declared)
    throw new MillraceError('ProjectInvalid', { what: `the project has no stream ${source}.${stream}` });
  return openConnector(found, stream);
}

/** The list that was read last: a stream of 100,000 files has megabytes of it, and is asked for unit by unit. */
let lastRead: { sha256: string; units: unknown[] } | undefined;

async function unitOf({ lake }: OpenProject, { work, unit }: LoadUnitInput): Promise<unknown> {
  const { ref } = work;
  if (ref && lastRead?.sha256 !== ref.sha256) {
    lastRead = { sha256: ref.sha256, units: JSON.parse((await lake.get(ref.uri)).toString()) as unknown[] };
  }
  return lastRead?.units[unit];
}

function sum({ source, stream }: ExtractInput, batches: Batch[]): ExtractResult {
  const total = (pick: (batch: Batch) => number): number =>
    batches.reduce((all, batch) => all + pick(batch), 0);
  const discarded = total((batch) => batch.discarded ?? 0);
  return {
    source,
    stream,
    batches: batches.length,
    read: total((batch) => batch.read),
    loaded: total((batch) => batch.loaded),
    quarantined: total((batch) => batch.quarantined),
    filtered: total((batch) => batch.filtered),
    bytes: total((batch) => batch.source.bytes),
    ...(discarded > 0 && { discarded }),
  };
}
