import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  commitBatches,
  readManifest,
  readStreams,
  REPLICATION,
  type StagedBatch,
} from '../engines/lake/bronze.js';
import type { ObjectStore } from '../engines/lake/store.js';
import { loadProject } from '../engines/project/load.js';
import { lakeOf, takeSnapshot } from '../engines/project/snapshot.js';
import { openChangeStream } from '../engines/sources/postgres/cdc/change-stream.js';
import {
  needsCopy,
  replicatedStreams,
  replicationNames,
  type ReplicationConfig,
} from '../engines/sources/postgres/cdc/config.js';
import { copyTables } from '../engines/sources/postgres/cdc/copy-tables.js';
import { formatLsn, parseLsn } from '../engines/sources/postgres/cdc/lsn.js';
import { outdatedCopies } from '../engines/sources/postgres/cdc/outdated.js';
import { prepareReplication, slotStatus } from '../engines/sources/postgres/cdc/setup.js';
import { MillraceError } from '../schemas/errors.js';
import type { Batch, CursorValue } from '../schemas/lake.js';
import type { Project } from '../schemas/project.js';
import type { ReplicateInput, ReplicationPlan, StreamedChanges } from '../schemas/replicate.js';
import type { ExtractInput, ExtractResult } from '../schemas/run.js';
import { beating, type Beat } from './beating.js';
import type { Deps } from './deps.js';

export interface ReplicateWork extends ReplicateInput {
  plan: ReplicationPlan;
  /** stamp of copied rows, so that a retry writes the same bytes */
  extractedAt: string;
  /** identity of the workflow's run, for lineage */
  run: string;
}

/** A turn of streaming ends after so long: what it did is then in the history, and others are asked for their word. */
const TURN_MS = 60_000;
/** A run that waits for changes gives up when nothing has moved for so long. */
const STUCK_MS = 10 * 60_000;

export const createReplicateActivities = (deps: Deps) => {
  const labels = (source: string, project = '') => ({ project, stage: 'replicate', stream: source });

  const configOf = async (spec: Project, source: string): Promise<ReplicationConfig> => {
    const found = spec.sources[source];
    if (found?.kind !== 'postgres' || replicatedStreams(found).length === 0)
      throw new MillraceError('ProjectInvalid', {
        what: `the project has no Postgres source '${source}' with a table that is replicated`,
        where: { path: `sources.${source}` },
        fix: `Declare one (load: 'cdc') and run: millrace replicate start ${source}; until then the slot makes the server keep its log: see what it holds in pg_replication_slots`,
      });
    const url = await deps.resources.secrets.resolve(found.url);
    return { source, url, spec: found, ...replicationNames(spec.name, source, found.replication) };
  };

  /** One turn's work, from what bronze holds now; its files are removed at its end. */
  const turn = <T>({ plan, source }: ReplicateWork, work: (at: Beat & Turn) => Promise<T>): Promise<T> =>
    beating(deps, labels(source, plan.project.name), async (beat) => {
      const { spec, lake } = await deps.resources.project(plan.project);
      const workDir = await mkdtemp(join(tmpdir(), 'millrace-replicate-'));
      try {
        const { version, ...held } = await heldChanges(lake, source);
        let after = version;
        const commit = async (staged: StagedBatch[]): Promise<void> => {
          await commitBatches(lake, source, REPLICATION, staged, after);
          after++;
        };
        return await work({ ...beat, ...held, config: await configOf(spec, source), commit, workDir });
      } finally {
        await rm(workDir, { recursive: true, force: true });
      }
    });

  return {
    /** Reads and pins the project, makes or checks slot and publication, and says which tables have to be copied. */
    prepareReplication: (input: ReplicateInput & { run: string }): Promise<ReplicationPlan> =>
      beating(deps, labels(input.source), async ({ signal }) => {
        const loaded = await loadProject(input.root);
        const lake = await deps.resources.lake(lakeOf(loaded));
        const config = await configOf(loaded.spec, input.source);
        const { anew } = input;
        const held = await heldChanges(lake, input.source);
        const stamp = { extractedAt: new Date().toISOString(), run: input.run };
        const outdated = outdatedCopies(config, { ...held, ...stamp, anew });
        if (outdated.length > 0) await commitBatches(lake, input.source, REPLICATION, outdated);
        const { slot, publication, tables, pending } = await prepareReplication(config, {
          ...(await heldChanges(lake, input.source)),
          ...{ recreate: anew !== undefined, signal },
        });
        const streams = tables.map(({ stream }) => stream);
        const asked = input.resnapshot.filter(({ stream }) => streams.includes(stream));
        const first = pending.filter((stream) => !asked.some((one) => one.stream === stream));
        const copy = [...asked, ...first.map((stream) => ({ stream, request: 'initial' }))];
        return { project: await takeSnapshot(lake, loaded), slot, publication, streams, copy };
      }),

    /** Copies tables in chunks, all of one consistent snapshot; a table whose copy is complete is not read again. */
    copyTables: (input: ReplicateWork): Promise<{ rows: number }> =>
      turn(input, async ({ config, batches, commit, workDir, signal, progress }) => {
        let rows = 0;
        for (const [request, streams] of byRequest(input.plan.copy)) {
          const copying = copyTables(config, {
            ...{ streams, request, batches, workDir, signal, onProgress: progress },
            ...{ extractedAt: input.extractedAt, run: input.run },
            interval: { start: input.extractedAt, end: input.extractedAt },
          });
          for await (const staged of copying) {
            signal.throwIfAborted();
            await commit(staged);
            for (const { batch } of staged) rows += batch.loaded;
          }
        }
        deps.meter.count('rows', labels(input.source, input.plan.project.name), rows);
        return { rows };
      }),

    /** Follows the changes for one turn; the slot is moved only past what bronze holds. */
    streamChanges: (input: ReplicateWork): Promise<StreamedChanges> =>
      turn(input, async ({ config, batches, at, commit, workDir, signal, leaving, progress }) => {
        const { project, stream: source } = labels(input.source, input.plan.project.name);
        let lsn = typeof at === 'string' ? at : null;
        let changes = 0;
        // an attempt before this one may have ended between the commit and its answer
        let recopy = input.plan.streams.some((stream) => needsCopy(batches.get(stream) ?? []));
        if (recopy) return { lsn, changes, recopy, ...(await watchSlot(config, project)) };
        const stream = await openChangeStream(config, {
          ...{ batches, at, workDir, run: input.run, signal },
          onProgress: (read) => {
            progress({ lsn, changes: read.changes, lagBytes: read.lagBytes });
            deps.meter.set('replicationLagBytes', { project, source }, read.lagBytes);
          },
        });
        const stop = (): void => stream.stop();
        const end = setTimeout(stop, TURN_MS);
        leaving.addEventListener('abort', stop);
        if (leaving.aborted) stop();
        try {
          for await (const flush of stream) {
            signal.throwIfAborted();
            await commit(flush.staged);
            stream.confirm(flush.lsn);
            lsn = flush.lsn;
            changes += flush.changes;
            deps.meter.count('rows', labels(input.source, project), flush.changes);
            recopy ||= flush.recopy.length > 0;
            if (recopy) break;
          }
        } finally {
          clearTimeout(end);
          leaving.removeEventListener('abort', stop);
          await stream.close();
        }
        return { lsn, changes, recopy, ...(await watchSlot(config, project)) };
      }),

    /**
     * Waits until bronze holds every change that the source had committed when the run came here.
     * @returns counts of what has come meanwhile; changes come without a run, too
     */
    awaitReplication: (input: ExtractInput): Promise<ExtractResult> =>
      beating(deps, { ...labels(input.source, input.project.name), stage: 'extract' }, async (beat) => {
        const { spec, lake } = await deps.resources.project(input.project);
        const config = await configOf(spec, input.source);
        const read = () => readManifest(lake, input.source, input.stream, REPLICATION);
        const before = new Set((await read()).batches.map(({ key }) => key));
        await caughtUp(config, beat, async () =>
          (await read()).batches.some(({ generation }) => generation?.complete),
        );
        const fresh = (await read()).batches.filter(({ key }) => !before.has(key));
        const total = (pick: (batch: (typeof fresh)[number]) => number): number =>
          fresh.reduce((sum, batch) => sum + pick(batch), 0);
        return {
          ...{ source: input.source, stream: input.stream, batches: fresh.length },
          read: total((batch) => batch.read),
          loaded: total((batch) => batch.loaded),
          quarantined: total((batch) => batch.quarantined),
          filtered: total((batch) => batch.filtered),
          bytes: total((batch) => batch.source.bytes),
        };
      }),
  };

  async function watchSlot(
    config: ReplicationConfig,
    project: string,
  ): Promise<Pick<StreamedChanges, 'lagBytes' | 'walBytes' | 'alert'>> {
    const { lagBytes, walBytes, safeWalBytes } = await slotStatus(config);
    const where = { project, source: config.source };
    deps.meter.set('replicationLagBytes', where, lagBytes);
    deps.meter.set('replicationWalBytes', where, walBytes);
    const most = config.spec.replication.alertWalMegabytes * 1e6;
    const limit = safeWalBytes !== null && safeWalBytes < most ? ' and drops the slot soon' : '';
    const alert =
      walBytes >= most || limit
        ? `the server keeps ${Math.round(walBytes / 1e6)} MB of its log for the slot ${config.slot}${limit}`
        : null;
    return { lagBytes, walBytes, alert };
  }
};
export type ReplicateActivities = ReturnType<typeof createReplicateActivities>;

/** What a turn works with. */
interface Turn {
  config: ReplicationConfig;
  /** what bronze holds as it begins, by stream, and how far the log has been read */
  batches: Map<string, Batch[]>;
  at: CursorValue | undefined;
  /** @throws MillraceError CommitConflict when somebody else has: a former attempt that wakes up must not go on */
  commit: (staged: StagedBatch[]) => Promise<void>;
  workDir: string;
}

async function heldChanges(lake: ObjectStore, source: string) {
  const { streams, at, version } = await readStreams(lake, source, REPLICATION);
  return { batches: streams, at, version };
}

function byRequest(copy: ReplicationPlan['copy']): Map<string, string[]> {
  const requests = new Map<string, string[]>();
  for (const { stream, request } of copy) requests.set(request, [...(requests.get(request) ?? []), stream]);
  return requests;
}

/** Polls the slot until it has been moved past what the source had at first. */
async function caughtUp(
  config: ReplicationConfig,
  { signal, leaving, progress }: Beat,
  copied: () => Promise<boolean>,
): Promise<void> {
  let target: bigint | undefined;
  let last = '';
  let moved = Date.now();
  const stop = AbortSignal.any([signal, leaving]);
  for (;;) {
    stop.throwIfAborted();
    const { confirmedLsn, lagBytes } = await slotStatus(config, signal);
    if (confirmedLsn !== null) {
      const confirmed = parseLsn(confirmedLsn);
      target ??= confirmed + BigInt(lagBytes);
      if (confirmed >= target && (await copied())) return;
    }
    if (`${confirmedLsn}` !== last) moved = Date.now();
    last = `${confirmedLsn}`;
    if (Date.now() - moved > STUCK_MS) {
      throw new MillraceError('ReplicationBehind', {
        what: `the replication of ${config.source} has not moved for ten minutes${confirmedLsn === null ? '' : ` from ${confirmedLsn}`}`,
        where: { path: `sources.${config.source}` },
        fix: `Look at: millrace replicate status ${config.source}; when it is paused: millrace replicate resume ${config.source}`,
      });
    }
    progress({ waitsFor: target === undefined ? 'the slot' : formatLsn(target), confirmedLsn, lagBytes });
    await sleep(500, undefined, { signal: stop }).catch(() => stop.throwIfAborted());
  }
}
