import { readManifest } from '../engines/lake/bronze.js';
import { currentSchema, isVariant } from '../engines/lake/contract.js';
import { currentBatches } from '../engines/lake/current-batches.js';
import { freshness, type FreshnessReport } from '../engines/lake/freshness.js';
import { readProfile } from '../engines/lake/profile.js';
import { profileDrift, type ColumnDrift } from '../engines/lake/profile-drift.js';
import { accountFor, listQuarantine, type Account } from '../engines/lake/quarantine.js';
import { reconcile, type Reconciliation } from '../engines/lake/reconcile.js';
import type { ObjectStore } from '../engines/lake/store.js';
import { nearest } from '../engines/nearest.js';
import { loadProject, type LoadedProject } from '../engines/project/load.js';
import { streamsOf } from '../engines/warehouse/landing/streams.js';
import { MillraceError } from '../schemas/errors.js';
import type { Batch } from '../schemas/lake.js';
import type { Profile } from '../schemas/profile.js';
import type { Stream } from '../schemas/source.js';
import { openProjectLake } from './project-lake.js';

/** A stream of the project with what bronze holds of it. */
export interface OpenStream {
  source: string;
  stream: string;
  /** as declared; null for a stream that comes along with another one, such as the children of an endpoint */
  spec: Stream | null;
  /** log that holds its batches */
  log: string;
  /** oldest first, superseded ones too */
  batches: Batch[];
}

export interface OpenStreams {
  project: LoadedProject;
  lake: ObjectStore;
  streams: OpenStream[];
}

/**
 * Opens the lake and the manifests of a project's streams.
 * @param selector `source` or `source.stream`; without it all
 * @throws MillraceError ProjectInvalid naming the closest source or stream
 */
export async function openStreams(folder: string, selector?: string): Promise<OpenStreams> {
  const project = await loadProject(folder);
  const [source, stream] = selector?.split('.') ?? [];
  const sources = Object.entries(project.spec.sources).filter(([name]) => !source || name === source);
  if (source && sources.length === 0) throw unknown(project, source, Object.keys(project.spec.sources));
  const lake = await openProjectLake(project);
  const streams: OpenStream[] = [];
  for (const [name, declared] of sources) {
    for (const { stream: known, log } of streamsOf(name, declared)) {
      const { batches } = await readManifest(lake, name, known, log);
      streams.push({ source: name, stream: known, spec: declared.streams[known] ?? null, log, batches });
    }
  }
  const chosen = streams.filter((one) => stream === undefined || one.stream === stream);
  if (chosen.length === 0 && stream !== undefined) {
    const names = streams.map((one) => `${one.source}.${one.stream}`);
    throw unknown(project, `${source}.${stream}`, names);
  }
  return { project, lake, streams: chosen };
}

/** @param name `source.stream`. @throws MillraceError ProjectInvalid */
export async function openStream(
  folder: string,
  name: string,
): Promise<Omit<OpenStreams, 'streams'> & { stream: OpenStream }> {
  if (!/^[^.]+\.[^.]+$/.test(name)) {
    throw new MillraceError('ProjectInvalid', {
      what: `'${name}' names no stream`,
      fix: 'Write source.stream, as millrace streams lists them',
    });
  }
  const { streams, ...rest } = await openStreams(folder, name);
  return { ...rest, stream: streams[0] as OpenStream };
}

function unknown({ spec, file }: LoadedProject, name: string, known: string[]): MillraceError {
  const near = nearest(name, known);
  return new MillraceError('ProjectInvalid', {
    what: `project ${spec.name} has no source or stream called '${name}'${near ? `; did you mean '${near}'?` : ''}`,
    where: { file, path: 'sources' },
    fix: `There are: ${known.join(', ') || 'none'}`,
  });
}

export interface StreamSummary
  extends Account, Pick<Reconciliation, 'discarded' | 'expected' | 'differences'> {
  source: string;
  stream: string;
  /** those that readers see */
  batches: number;
  columns: number;
  /** of them, those that hold what did not fit another one */
  variants: number;
  /** how often the columns have changed, from 1; 0 before the first batch */
  schemaVersion: number;
  /** when the run of the newest load began */
  lastLoad: string | null;
}

/** What bronze holds of each stream. */
export async function summarizeStreams(folder: string, selector?: string): Promise<StreamSummary[]> {
  const { lake, streams } = await openStreams(folder, selector);
  return Promise.all(
    streams.map(async ({ source, stream, batches }) => {
      const current = currentBatches(batches);
      const { discarded, expected, differences } = reconcile(current);
      const schema = currentSchema(batches) ?? [];
      return {
        ...{ source, stream, batches: current.length, schemaVersion: schemaVersion(batches) },
        columns: schema.length,
        variants: schema.filter(({ name }) => isVariant(name, schema)).length,
        lastLoad: newest(loadsOf(batches), (batch) => batch.extractedAt),
        ...accountFor(batches, await listQuarantine(lake, source, stream, batches)),
        ...{ discarded, expected, differences },
      };
    }),
  );
}

/** What the source has brought: replays bring nothing new. */
const loadsOf = (batches: Batch[]): Batch[] =>
  currentBatches(batches).filter(({ replays }) => replays === undefined);

function newest(batches: Batch[], time: (batch: Batch) => string): string | null {
  const times = batches.map(time);
  return times.reduce<string | null>((a, b) => (a === null || Date.parse(b) > Date.parse(a) ? b : a), null);
}

function schemaVersion(batches: Batch[]): number {
  let [version, last] = [0, ''];
  for (const { schema } of batches) {
    const columns = JSON.stringify(schema);
    if (columns !== last) version++;
    last = columns;
  }
  return version;
}

export interface StreamFreshness extends FreshnessReport {
  source: string;
  stream: string;
  /** up to where the interval of the newest load goes */
  intervalEnd: string | null;
  warnAfter: string | null;
  errorAfter: string | null;
}

/** How old the newest rows of each stream are at `now`. */
export async function readFreshness(
  folder: string,
  selector?: string,
  now = new Date(),
): Promise<StreamFreshness[]> {
  const { streams } = await openStreams(folder, selector);
  return streams.map(({ source, stream, spec, batches }) => {
    const loads = loadsOf(batches);
    return {
      ...{ source, stream },
      ...freshness(loads, now, spec?.freshness),
      intervalEnd: newest(loads, ({ interval }) => interval.end),
      warnAfter: spec?.freshness?.warnAfter ?? null,
      errorAfter: spec?.freshness?.errorAfter ?? null,
    };
  });
}

export interface StreamProfile {
  batch: Batch;
  profile: Profile;
  /** the one it is held against; null for the first */
  before: Batch | null;
  drift: ColumnDrift[];
}

/**
 * The profile of a stream's last batch, or of the one named, with the one before.
 * @throws MillraceError ObjectMissing when no batch has one
 */
export async function readStreamProfile(folder: string, name: string, key?: string): Promise<StreamProfile> {
  const { lake, stream } = await openStream(folder, name);
  const profiled = stream.batches.filter(({ profile, replays }) => profile && replays === undefined);
  const batch = key === undefined ? profiled.at(-1) : findBatch(profiled, key, name);
  if (!batch) {
    throw new MillraceError('ObjectMissing', {
      what: `No batch of ${name} has a profile`,
      fix: 'Load the stream once; batches from before profiles were written have none',
    });
  }
  const before = profiled[profiled.indexOf(batch) - 1] ?? null;
  const read = (one: Batch): Promise<Profile> =>
    one.profile ? readProfile(lake, one.profile) : Promise.resolve({ rows: 0, sampled: 0, columns: [] });
  const profile = await read(batch);
  return { batch, profile, before, drift: before ? profileDrift(profile, await read(before)) : [] };
}

/** @param key of the batch, or its beginning. @throws MillraceError ObjectMissing */
export function findBatch(batches: Batch[], key: string, stream: string): Batch {
  const found = batches.filter((batch) => batch.key.startsWith(key));
  if (found.length === 1 && found[0]) return found[0];
  throw new MillraceError('ObjectMissing', {
    what:
      found.length > 1
        ? `${found.length} batches of ${stream} begin with '${key}'`
        : `No batch of ${stream} that could be meant has the key '${key}'`,
    fix:
      batches.length > 0
        ? `There are: ${batches
            .slice(-8)
            .map((batch) => batch.key)
            .join(', ')}`
        : 'There is none',
  });
}
